"""What was posted and what came back, one line of JSON each: what an event is called, never what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from kyc.ralio.simulator.promises import Outcome, Promise
from kyc.ralio.simulator.tally import Settled


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: how one post ended. A duplicate has a line of its own."""

    event: UUID
    sha256: str
    promise: Promise
    outcome: Outcome
    status: int | None
    met: tuple[int, ...]
    trial: str
    is_as_promised: bool


class Journal:
    """Appends to a file, each line at once, so that a run that is killed leaves what it knew."""

    def __init__(self, path: Path) -> None:
        _cut_torn_line(path)
        self._file = path.open("a", encoding="ascii", buffering=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, settled: Settled) -> None:
        event = settled.event
        line = {
            "event": str(event.id),
            "sha256": sha256(event.content).hexdigest(),
            "promise": event.promise,
            "outcome": settled.outcome,
            "status": settled.status,
            "met": settled.met,
            "trial": event.trial,
            "is_as_promised": settled.is_as_promised,
        }
        self._file.write(json.dumps(line) + "\n")


def entries(path: Path) -> Iterator[Entry]:
    """Yield the journal's lines; one that its run did not finish, the last, is passed over.

    Raises ValueError, which names the line, for anything else that is none.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                said = json.loads(line)
                yield Entry(
                    UUID(said["event"]),
                    str(said["sha256"]),
                    Promise(said["promise"]),
                    Outcome(said["outcome"]),
                    said["status"],
                    tuple(said["met"]),
                    str(said["trial"]),
                    bool(said["is_as_promised"]),
                )
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"Line {number} of {path.name} is not a journal's.") from None


def _cut_torn_line(path: Path) -> None:
    """Remove what a killed run left of its last line."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        whole = 0
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)
