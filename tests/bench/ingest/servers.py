"""The servers under measure: PostgreSQL as it is by default, and granian, the same for each application."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests import postgres
from tests.bench.ingest import processes
from tests.server import ROOT, SECRET

# PostgreSQL's own defaults, written down so that nothing else slips in.
DURABLE = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
)
# Seconds that granian may take to end its workers.
STOPS_WITHIN = 15


@dataclass(frozen=True, slots=True)
class Size:
    """How large granian is: processes, and threads that run the application in each."""

    workers: int = 2
    threads: int = 4


@dataclass(frozen=True, slots=True)
class Database:
    """A running server, the URL of a database on it, and its first process."""

    url: str
    pid: int

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement and return its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def another(self, name: str) -> Database:
        """Create an empty database on the same server."""
        self.execute(f"CREATE DATABASE {name}")
        return Database(self.url.rpartition("/")[0] + f"/{name}", self.pid)


@dataclass(frozen=True, slots=True)
class Web:
    """A running granian: where it listens, and its first process."""

    port: int
    pid: int


@contextlib.contextmanager
def postgresql() -> Iterator[Database]:
    """Run a throw-away PostgreSQL that keeps what it has committed."""
    postgres.QUICK = DURABLE
    server = postgres.start()
    try:
        with psycopg.connect(server.url) as connection:
            backend = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
        yield Database(server.url, int(backend.rpartition(")")[2].split()[1]))
    finally:
        server.stop()


@contextlib.contextmanager
def desk(
    database: Database, size: Size, application: str = "config.wsgi:application", *, team: str = ""
) -> Iterator[Web]:
    """Migrate the database and serve the desk as in production. With a team's address it is told of each REVIEW."""
    environment = {
        "DATABASE_URL": database.url,
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": "bench" * 10,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "COMPLIANCE_TEAM_EMAILS": team,
        "LOG_LEVEL": "ERROR",
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(migrate, cwd=ROOT, env=os.environ | environment, check=True)
    with granian([application], size, folder=ROOT, environment=environment) as web:
        yield web


@contextlib.contextmanager
def granian(
    target: list[str], size: Size, *, folder: Path, environment: dict[str, str], python: str = sys.executable
) -> Iterator[Web]:
    """Serve a WSGI application while the block runs; the same settings whatever it is."""
    port = postgres.free_port()
    command = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    scale = ["--workers", str(size.workers), "--blocking-threads", str(size.threads), "--no-log"]
    # Served without its static files, of which the desk would warn.
    settings = os.environ | {"PYTHONWARNINGS": "ignore"} | environment
    process = subprocess.Popen([*command, *scale, *target], cwd=folder, env=settings, start_new_session=True)
    try:
        _wait_until_it_answers(process, port, size)
        yield Web(port, process.pid)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop granian and its workers; told to while it was starting them it would wait for ever."""
    process.terminate()
    try:
        process.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, size: Size) -> None:
    for _ in range(150):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            connection.getresponse().read()
            if len(processes.family(process.pid)) > size.workers:
                return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError("The server did not start.")
