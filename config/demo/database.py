"""The demo's own SQLite database: marked when it is made, and no other one is ever touched."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

# SQLite keeps this number in the file's header: "KYCd".
_MARK = 0x4B594364


class Refused(Exception):
    """The demo will not go on. The message says why, and what to do."""


def url(path: Path) -> str:
    """Return the DATABASE_URL of a SQLite file."""
    return f"sqlite:///{quote(str(path))}"


def hold(folder: Path) -> sqlite3.Connection:
    """Keep a second demo out of this folder for as long as the connection lives, however this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    held = sqlite3.connect(folder / "running", timeout=0, isolation_level=None)
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        held.close()
        raise Refused(f"The demo is running already, in {folder}. Stop that one first.") from None
    return held


def prepare(path: Path, *, is_reset: bool) -> None:
    """Make the marked database file if there is none. Raises Refused for a file that no demo made."""
    if path.exists() and path.stat().st_size and not _is_marked(path):
        raise Refused(
            f"{path} was not made by the demo. Move it away; the demo touches only its own database."
        )
    if is_reset:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        shutil.rmtree(path.parent / "mail", ignore_errors=True)
    if not path.exists():
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id = {_MARK}")
    (path.parent / "mail").mkdir(exist_ok=True)


def _is_marked(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            (mark,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(mark == _MARK)
