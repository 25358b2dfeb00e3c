"""A throw-away PostgreSQL server: started in about a second, gone when the process that asked for it is."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
# A server that holds only test data may lose it: no waiting for the disk. No plan may hang on when autovacuum looks.
QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=127.0.0.1",
    "autovacuum=off",
)
# Runs beside the tests and waits for the end of its input, which comes however they end, by SIGKILL too.
GUARD = 'cat >/dev/null; "$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$2"'


MISSING = "PostgreSQL's programs (initdb, pg_ctl) are not installed; on Debian: apt-get install postgresql"


@dataclass
class Server:
    """A running server. `url` has the rights of a superuser."""

    url: str
    guard: subprocess.Popen[bytes]
    folder: Path
    port: int
    programs: str
    owner: dict[str, Any]

    def stop(self) -> None:
        """Stop it and remove its files; a second call does nothing."""
        if self.guard.stdin:
            self.guard.stdin.close()
        self.guard.wait()


def start(settings: Sequence[str] | None = None, *, parent: str | None = None) -> Server:
    """Start a server on a free port with the newest programs that are installed; its files are put below `parent`."""
    programs = find_programs()
    if programs is None:
        raise RuntimeError(MISSING)
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="kyc-pg-", dir=parent or _passable_folder(owner)))
    if owner:
        shutil.chown(folder, owner["user"])
    try:
        password = _initialise(programs, folder, owner)
        port = _listen(programs, folder, owner, QUICK if settings is None else settings)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(f"PostgreSQL did not start: {error.stdout.decode(errors='replace')}") from error
    # Its own session: Ctrl-C in the terminal must not end the guard before the tests have ended.
    guard = subprocess.Popen(
        ["sh", "-c", GUARD, "guard", programs, folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        **owner,
    )
    url = f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
    return Server(url, guard, folder, port, programs, owner)


def find_programs() -> str | None:
    """Return the folder of the newest `initdb` and `pg_ctl`, or None."""
    found = [
        folder
        for place in PLACES
        for folder in Path("/").glob(place.lstrip("/"))
        if (folder / "initdb").exists()
    ]
    if found:
        return str(
            max(found, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))] or [0])
        )
    on_path = shutil.which("initdb")
    if on_path and shutil.which("pg_ctl", path=str(Path(on_path).resolve().parent)):
        return str(Path(on_path).resolve().parent)
    return None


def _owner() -> dict[str, Any]:
    """Return whom to run as: initdb refuses root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": ()}


def _passable_folder(owner: dict[str, Any]) -> str:
    """Return a temporary folder that the owner can reach: root's own may be closed to others."""
    for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if not owner or all(step.stat().st_mode & 0o001 for step in [Path(folder), *Path(folder).parents]):
            return folder
    raise RuntimeError("Found no temporary folder that PostgreSQL's user may enter.")


def _initialise(programs: str, folder: Path, owner: dict[str, Any]) -> str:
    """Make the cluster and return its password: on a shared machine others reach 127.0.0.1 too."""
    password = secrets.token_hex(16)
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if owner:
        shutil.chown(secret, owner["user"])
    _run(
        [f"{programs}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "scram-sha-256",
         f"--pwfile={secret}", "--no-locale", "-E", "UTF8", "--no-sync"],
        owner,
    )  # fmt: skip
    return password


def _listen(programs: str, folder: Path, owner: dict[str, Any], settings: Sequence[str]) -> int:
    for is_last in (False, False, True):
        port = free_port()
        options = " ".join([f"-p {port}", f"-k {folder}", *(f"-c {setting}" for setting in settings)])
        try:
            _run(
                [
                    f"{programs}/pg_ctl",
                    "-w",
                    "-D",
                    f"{folder}/data",
                    "-l",
                    f"{folder}/log",
                    "-o",
                    options,
                    "start",
                ],
                owner,
            )
        except subprocess.CalledProcessError:
            # Another process may have taken the port in between.
            if is_last:
                raise
        else:
            return port
    raise AssertionError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str], owner: dict[str, Any]) -> None:
    # A file, not a pipe: the server would hold a pipe open, and reading it would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, cwd="/", **owner
        )
        output.seek(0)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, output.read())
