"""What the demo will not do."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.demo import database
from config.management.commands import demo
from tests.postgres import free_port


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose demo database is the one in use; nothing in it is ever started."""
    settings.BASE_DIR, settings.DEBUG = tmp_path, True
    monkeypatch.setattr(demo, "_use", lambda path: None)
    monkeypatch.setattr(demo.Command, "end_on_signals", lambda self: None)
    monkeypatch.setattr(demo.Command, "run", lambda self, **options: None)
    (tmp_path / ".demo").mkdir()
    return tmp_path / ".demo"


def test_it_does_not_start_with_debug_off(folder: Path, settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DJANGO_DEBUG is false"):
        call_command("demo")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["--reset"]])
def test_it_touches_no_database_that_it_did_not_make(folder: Path, arguments: list[str]) -> None:
    with closing(sqlite3.connect(folder / "demo.sqlite3")) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    before = (folder / "demo.sqlite3").read_bytes()
    with pytest.raises(CommandError, match="was not made by the demo"):
        call_command("demo", f"--port={free_port()}", *arguments)
    assert (folder / "demo.sqlite3").read_bytes() == before


def test_it_touches_no_file_that_is_no_database(folder: Path) -> None:
    (folder / "demo.sqlite3").write_text("notes")
    with pytest.raises(CommandError, match="was not made by the demo"):
        call_command("demo", f"--port={free_port()}", "--reset")
    assert (folder / "demo.sqlite3").read_text() == "notes"


def test_it_names_a_port_that_is_taken(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is taken"):
            call_command("demo", f"--port={port}")
    assert not (folder / "demo.sqlite3").exists()


@pytest.mark.parametrize(
    "argument", ["--port=0", "--port=70000", "--sessions=few", "--rate=-1", "--rate=often"]
)
def test_it_names_a_bad_option(folder: Path, argument: str) -> None:
    with pytest.raises(CommandError, match=argument.split("=")[0]):
        call_command("demo", argument)


def test_reset_forgets_the_database_and_the_mail_only(folder: Path) -> None:
    database.prepare(folder / "demo.sqlite3", is_reset=False)
    with closing(sqlite3.connect(folder / "demo.sqlite3")) as connection:
        connection.execute("CREATE TABLE ours (id)")
    (folder / "mail" / "a.log").write_text("mail")
    (folder / "server.log").write_text("log")
    database.prepare(folder / "demo.sqlite3", is_reset=True)
    with closing(sqlite3.connect(folder / "demo.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert not (folder / "mail" / "a.log").exists() and (folder / "server.log").exists()
