"""PostgreSQL as it dies: stopped, killed, cut off, and brought up again on the same port."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests import postgres

# Durability is PostgreSQL's own default; the log of writes is kept small, for the disk is.
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "max_connections=100",
    "max_wal_size=96MB",
    "min_wal_size=32MB",
)
UP_WITHIN = 60.0
# Its log's words.
FULL = "No space left on device"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server. It may be harmed from one thread only."""

    server: postgres.Server

    @classmethod
    def start_new(cls, parent: Path | None) -> Cluster:
        return cls(postgres.start(SETTINGS, parent=str(parent) if parent else None))

    @property
    def url(self) -> str:
        return self.server.url

    def stop(self, mode: str) -> None:
        """Stop it: "fast" ends every connection, "immediate" leaves the rest to crash recovery."""
        self._control("stop", "-m", mode)

    def kill(self) -> None:
        """End it by SIGKILL, with no word to anybody."""
        pid = self._postmaster()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            for _ in range(500):
                os.kill(pid, 0)
                if _is_dead(pid):
                    break
                time.sleep(0.01)

    def kill_backend(self) -> None:
        """End one connection's process by SIGKILL: the server ends all the others and recovers."""
        with contextlib.suppress(psycopg.Error, ProcessLookupError):
            (row,) = self.ask(
                "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid()"
            )
            if row[0]:
                os.kill(row[0], signal.SIGKILL)

    def cut(self, share: float) -> int:
        """Cut this share of the connections; return how many."""
        cut = (
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < %s"
        )
        with contextlib.suppress(psycopg.Error):
            return int(self.ask(cut, share)[0][0])
        return 0

    def ensure_up(self) -> None:
        """Start it unless it runs, and return when it takes connections and writes."""
        deadline = time.monotonic() + UP_WITHIN
        while not self._answers():
            if time.monotonic() > deadline:
                log = (self.server.folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"PostgreSQL does not come up again:\n{log}")
            if self._postmaster() is None:
                self._start()
            else:
                time.sleep(0.1)

    def what_it_met(self) -> str:
        """Return what its log tells of, counted. The log is on the disk too: while that is full, most lines are lost."""
        told = {
            FULL: "lines of no space left",
            "PANIC:": "panics",
            "database system was not properly shut down": "recoveries after a crash",
            "deadlock detected": "deadlocks",
        }
        return "PostgreSQL's log tells of " + ", ".join(
            f"{self.n_told(words)} {name}" for words, name in told.items()
        )

    def n_told(self, words: str) -> int:
        """Return how often its log says this."""
        return (self.server.folder / "log").read_text(errors="replace").count(words)

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def do(self, statement: str) -> int:
        """Run a statement and return how many rows it changed."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            return connection.execute(statement).rowcount  # type: ignore[arg-type]

    def _answers(self) -> bool:
        try:
            return bool(self.ask("SELECT pg_current_xact_id(), NOT pg_is_in_recovery()")[0][1])
        except psycopg.Error:
            return False

    def _start(self) -> None:
        settings = " ".join(f"-c {setting}" for setting in SETTINGS)
        options = f"-p {self.server.port} -k {self.server.folder} {settings}"
        log = str(self.server.folder / "log")
        # It fails while the processes of one that was killed still hold its memory; then it is tried again.
        if not self._control("start", "-t", "30", "-l", log, "-o", options):
            time.sleep(0.2)

    def _control(self, action: str, *options: str) -> bool:
        command = [
            f"{self.server.programs}/pg_ctl",
            "-D",
            f"{self.server.folder}/data",
            "-w",
            action,
            *options,
        ]
        quiet = subprocess.DEVNULL
        done = subprocess.run(
            command, stdin=quiet, stdout=quiet, stderr=quiet, check=False, cwd="/", **self.server.owner
        )
        return done.returncode == 0

    def _postmaster(self) -> int | None:
        """Return the process id of the server that runs, or None."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])
            return None if _is_dead(pid) else pid
        return None


def _is_dead(pid: int) -> bool:
    """Return True for a process that is gone, or that nobody has reaped yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False
