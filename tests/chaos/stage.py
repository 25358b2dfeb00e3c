"""The desk as it runs in production, every process of it killable: web processes, workers and a mail server."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests import logged, postgres
from tests.notifications.server import MailServer
from tests.server import ROOT, SECRET

TEAM = ("compliance@chaos.example", "mlro@chaos.example")
# Small, so that a body over it costs little.
MAX_BYTES = 1024 * 1024
READY_WITHIN = 60.0


class Mailbox(MailServer):
    """Takes every message and keeps only its id."""

    def __init__(self) -> None:
        super().__init__()
        self.n_messages = 0
        self.ids: set[str] = set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        found = re.search(
            rb"^Message-ID:\s*(\S+)", envelope.original_content or b"", re.IGNORECASE | re.MULTILINE
        )
        self.n_messages += 1
        self.ids.add(found[1].decode() if found else "")
        return "250 OK"


@dataclass(slots=True)
class Child:
    """A process, and its own children, that is killed as one and started again as it was."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ensure_up(self) -> None:
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def end(self) -> None:
        """Ask it to end, and kill it when it does not."""
        if self.process is None:
            return
        if self.is_running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.kill()

    def _signal(self, number: int) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


@dataclass(slots=True)
class Stage:
    """Everything that runs but PostgreSQL and the played Ralio."""

    folder: Path
    environment: dict[str, str]
    mailbox: Mailbox
    web: list[Child] = field(default_factory=list)
    workers: list[Child] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def ensure_up(self) -> None:
        for child in (*self.web, *self.workers):
            child.ensure_up()

    def wait_until_ready(self) -> None:
        """Return when every web process answers; one that could not take its port in the meantime is started again."""
        deadline = time.monotonic() + READY_WITHIN
        for child, port in zip(self.web, self.ports, strict=True):
            while not _is_ready(port):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{child.name} does not come up: {child.log.read_text()[-2000:]}")
                child.ensure_up()
                time.sleep(0.1)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the desk to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@contextlib.contextmanager
def set_up(database_url: str, folder: Path, *, n_web: int, n_workers: int) -> Iterator[Stage]:
    """Migrate the database, start everything, and end it all when the block does."""
    with Mailbox() as mailbox:
        stage = Stage(folder, _environment(database_url, mailbox), mailbox)
        done = stage.manage("migrate", "-v0", "--skip-checks")
        if done.returncode:
            raise RuntimeError(f"The database could not be migrated: {done.stderr}")
        for number in range(1, n_web + 1):
            stage.ports.append(postgres.free_port())
            stage.web.append(_web(stage, number))
        for number in range(1, n_workers + 1):
            command = ["manage.py", "worker", "--interval", "0.5"]
            stage.workers.append(_child(stage, f"worker {number}", command))
        try:
            stage.ensure_up()
            stage.wait_until_ready()
            yield stage
        finally:
            for child in (*stage.web, *stage.workers):
                child.kill()


def _web(stage: Stage, number: int) -> Child:
    address = ["--host", "127.0.0.1", "--port", str(stage.ports[-1])]
    size = ["--workers", "1", "--blocking-threads", "4", "--no-log"]
    command = ["-m", "granian", "--interface", "wsgi", *address, *size, "config.wsgi:application"]
    return _child(stage, f"web process {number}", command)


def _logs(stage: Stage) -> Path:
    """Return where the children's logs go: a run of the tests looks through them when it ends."""
    return Path(os.environ.get(logged.FOLDER, stage.folder))


def _child(stage: Stage, name: str, command: list[str]) -> Child:
    return Child(name, command, stage.environment, _logs(stage) / f"{name.replace(' ', '-')}.log")


def _environment(database_url: str, mailbox: Mailbox) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_DEBUG": "true",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "RALIO_WEBHOOK_MAX_BYTES": str(MAX_BYTES),
        "RALIO_API_URL": "",
        "EMAIL_URL": mailbox.url,
        "COMPLIANCE_TEAM_EMAILS": ",".join(TEAM),
        "KYC_DIGEST_TIME": "none",
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
        return bool(answer.status == 200)
    return False
