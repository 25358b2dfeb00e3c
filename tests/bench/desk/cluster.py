"""PostgreSQL for the bench: filled without waiting for the disk, measured with the settings of an installation.

The folder outlives the server, so that a filled database can be kept and used again.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from tests import postgres

# What is filled may be lost: another run fills it again.
FILLING = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=16GB",
    "shared_buffers=1GB",
    "work_mem=256MB",
    "maintenance_work_mem=1GB",
    "autovacuum=off",
    "listen_addresses=127.0.0.1",
)
# PostgreSQL's own defaults but for the memory, and no vacuum in the middle of a turn.
MEASURED = ("shared_buffers=1GB", "autovacuum=off", "listen_addresses=127.0.0.1")
# Stops the server when the process that asked for it has ended, however it did; the files stay.
GUARD = 'cat >/dev/null; "$1/pg_ctl" -D "$2/data" -m fast -w stop >/dev/null 2>&1'


@contextlib.contextmanager
def serve(folder: Path, settings: Sequence[str]) -> Iterator[str]:
    """Serve the cluster in the folder, made if need be, while the block runs. Yields a superuser's URL, without a name."""
    programs = postgres.find_programs()
    if programs is None:
        raise SystemExit(postgres.MISSING)
    owner = postgres._owner()
    if not (folder / "data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if owner:
            shutil.chown(folder, owner["user"])
        postgres._initialise(programs, folder, owner)
    port = postgres._listen(programs, folder, owner, settings)
    command = ["sh", "-c", GUARD, "guard", programs, str(folder)]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd="/", **owner)
    try:
        yield f"postgres://postgres:{(folder / 'password').read_text()}@127.0.0.1:{port}/"
    finally:
        guard.communicate()


def has(server: str, name: str) -> bool:
    """Return True when the server has a database of this name."""
    with psycopg.connect(f"{server}postgres") as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


def create(server: str, name: str) -> None:
    with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())


def drop(server: str, name: str) -> None:
    with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
