"""The desk as it runs in production: granian in a process of its own, on a free port; and where the tests' data is."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from tests import copies, logged, postgres

SECRET = "server-secret"
ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def running_desk(
    database_url: str, *, workers: int = 1, threads: int = 4, **environment: str
) -> Iterator[int]:
    """Migrate the database, serve the desk while the block runs, and yield its port on 127.0.0.1."""
    port = postgres.free_port()
    settings = {
        **os.environ,
        "DATABASE_URL": database_url,
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        **environment,
    }
    _migrate(database_url, settings)
    granian = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    size = ["--workers", str(workers), "--blocking-threads", str(threads), "--no-log"]
    with logged.kept() as log:
        process = subprocess.Popen(
            [*granian, *size, "config.wsgi:application"], cwd=ROOT, env=settings, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _migrate(database_url: str, environment: dict[str, str]) -> None:
    """Migrate a database, or make it from one that the run of the tests has migrated."""
    file, migrated = Path(database_url.removeprefix("sqlite:///")), copies.migrated_file()
    if migrated and file.is_absolute() and not file.exists():
        shutil.copyfile(migrated, file)
        return
    command = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _wait_until_ready(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("The desk did not become ready.")


def database_url() -> str:
    """Return the address of the test's own database, for a process beside it."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    who = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    return f"postgres://{who}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
