"""A pytest plugin: a run fails when its log holds a name, an address, a subject's data, what a person wrote, or a secret.

Each process of a run writes the lines that production would, and what of all that its tests used; at the end the first
process looks for the one in the other. `keep` adds what a process that a test started has logged.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import pytest

FOLDER = "TEST_LOGS_FOLDER"
# Model -> the fields that hold somebody's data or words.
PERSONAL_FIELDS = {
    "kyc.Contact": ("name", "email"),
    "kyc.Correction": ("reason", "old", "new"),
    "kyc.Decision": ("rationale",),
    "kyc.Erasure": ("reason",),
    "kyc.LegalHold": ("reason",),
    "kyc.Note": ("text",),
    "kyc.Reason": ("message",),
    "kyc.RejectionReason": ("message",),
    "kyc.User": ("email", "first_name", "last_name"),
    "notifications.Notification": ("recipient",),
}
# Members of an event that do; of a check's `data`, all that is in it.
PERSONAL_MEMBERS = frozenset(
    {
        "accountNumber",
        "addressLine1",
        "email",
        "firstName",
        "lastName",
        "message",
        "name",
        "phoneNumber",
        "url",
    }
)
SECRETS = (
    "test-webhook-secret",
    "server-secret",
    "correct horse battery staple",
    "development-only-not-a-secret",
    "Ana Pérez",
)
# Whole bodies, and addresses of any kind.
PATTERNS = (
    re.compile(r'\\?"(sessionId|relatedParty|checks)\\?":'),
    re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}"),
)
# A word that could stand in a line by chance, such as a code or a part of an id, says nothing.
# From the beginning of a line only: from each character of a long one, the search would go through the rest of it.
_TELLING = re.compile(r"\S\s\S|@|[^\x00-\x7f]|^(?=.*[A-Z])(?=.*\d)", re.MULTILINE)
SHORTEST = 8


def is_telling(word: str) -> bool:
    return len(word.strip()) >= SHORTEST and bool(_TELLING.search(word))


def personal(value: Any, *, is_all: bool = False) -> Iterator[str]:
    """Yield what of an event is personal."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from personal(
                member, is_all=is_all or name in PERSONAL_MEMBERS or (name == "data" and "state" in value)
            )
    elif isinstance(value, list):
        for member in value:
            yield from personal(member, is_all=is_all)
    elif is_all and isinstance(value, str):
        yield value


def breaches(text: str, words: Iterable[str]) -> list[str]:
    """Return the lines that hold one of the words, as it is or as JSON writes it, or what no line may hold."""
    spelled = set(words) | {json.dumps(word, ensure_ascii=False)[1:-1] for word in words}
    found = [word for word in spelled if word in text]
    return [
        line
        for line in text.splitlines()
        if any(pattern.search(line) for pattern in PATTERNS) or any(word in line for word in found)
    ]


def keep(text: str) -> None:
    """Have what another process has logged looked through with the rest."""
    (Path(os.environ[FOLDER]) / f"{uuid4()}.log").write_text(text)


@contextmanager
def kept() -> Iterator[BinaryIO | None]:
    """Yield a file for what another process logs, as `keep`; None outside of a run of the tests."""
    if FOLDER not in os.environ:
        yield None
        return
    with (Path(os.environ[FOLDER]) / f"{uuid4()}.log").open("wb") as file:
        yield file


class Gathering:
    """What one process logs, and what its tests use that must not be in there."""

    def __init__(self, folder: Path) -> None:
        from config import logs

        self.words: set[str] = set(SECRETS)
        self._file = folder / f"{uuid4()}"
        self.handler = logging.FileHandler(self._file.with_suffix(".log"), encoding="utf-8", delay=True)
        self.handler.setFormatter(logs.formatter("json"))

    def start(self) -> None:
        from django.apps import apps
        from django.db.models.signals import post_save

        from tests import wire

        logging.getLogger().addHandler(self.handler)
        for label in PERSONAL_FIELDS:
            post_save.connect(self._note_row, sender=apps.get_model(label), weak=False)
        encode = wire.encode

        def noted(event: dict[str, Any] | bytes) -> bytes:
            if isinstance(event, dict):
                self.note(personal(event))
            return encode(event)

        wire.encode = noted

    def note(self, words: Iterable[object]) -> None:
        self.words.update(word for word in words if isinstance(word, str) and is_telling(word))

    def end(self) -> None:
        self.handler.close()
        self._file.with_suffix(".json").write_text(json.dumps(sorted(self.words)))

    def _note_row(self, sender: Any, instance: Any, **kwargs: Any) -> None:
        # A deferred field would be read for it, and be a query too many.
        self.note(instance.__dict__.get(name) for name in PERSONAL_FIELDS[sender._meta.label])


def found_in(folder: Path) -> list[str]:
    words: set[str] = set()
    for file in folder.glob("*.json"):
        words.update(json.loads(file.read_text()))
    return [
        line for file in folder.glob("*.log") for line in breaches(file.read_text(errors="replace"), words)
    ]


# --- The plugin ----------------------------------------------------------------------------------
GATHERING = pytest.StashKey[Gathering]()
FOUND = pytest.StashKey[list[str]]()


def is_first_process(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if is_first_process(config):
        os.environ[FOLDER] = folder = tempfile.mkdtemp(prefix="kyc-test-logs-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_sessionstart(session: pytest.Session) -> None:
    # Not before Django has set up its own log: that takes away every other handler.
    gathering = session.config.stash[GATHERING] = Gathering(Path(os.environ[FOLDER]))
    gathering.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if gathering := session.config.stash.get(GATHERING, None):
        gathering.end()
    if not is_first_process(session.config):
        return
    found = session.config.stash[FOUND] = found_in(Path(os.environ[FOLDER]))
    if found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := config.stash.get(FOUND, []):
        terminalreporter.section("the log holds what it must not", red=True)
        terminalreporter.write_line(f"{len(found)} lines, the first of them:")
        for line in found[:5]:
            terminalreporter.write_line(line[:600])
