"""Write events as Ralio would: in each generation, spelling and style that its documentation shows or hints at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any
from uuid import UUID

from kyc.ralio.simulator.promises import Promise
from kyc.ralio.simulator.vocabulary import CHECK_TYPES, MANUAL, Issue, findings

GENERATIONS = ("g1", "g2", "g3")
_DOTTED_BY_NATURE = "related_party_kyc_session_created"
# How often an event of each generation brings its checks along.
_HAS_CHECKS = {
    "kyc_session_failed": {"g1": 0.97, "g2": 0.97, "g3": 0.85},
    "kyc_session_manual_review": {"g1": 0.97, "g2": 0.85, "g3": 0.7},
    "kyc_session_verified": {"g1": 0.9, "g2": 0.25, "g3": 0.15},
}
_OFFSETS = (-300, -240, 0, 60, 120, 330)


@dataclass(frozen=True, slots=True)
class Event:
    """One event, ready to be signed and posted. `name` has underscores, whatever the body says.

    `trial` names what is odd about it, and is empty for one that Ralio itself would send. `forge` makes X-Signature of
    the secret and the body where it is not the right one; None leaves the header out. `then` is posted right after it
    was acknowledged.
    """

    id: UUID
    name: str
    at: datetime
    generation: str
    body: bytes
    session_id: UUID | None = None
    promise: Promise = Promise.TAKEN
    trial: str = ""
    forge: Callable[[str, bytes], str | None] | None = None
    n_padding: int = 0
    is_chunked: bool = False
    then: tuple[Event, ...] = ()

    @property
    def content(self) -> bytes:
        """Return the bytes to post: the body, and white space up to the size that it is to have."""
        return self.body + b" " * self.n_padding


@dataclass(frozen=True, slots=True)
class Style:
    """How one event is spelled."""

    generation: str
    is_snake_case: bool
    is_dotted: bool
    offset: timedelta | None  # None: milliseconds and Z; otherwise seven digits and an offset.


def style(rng: Random, generation: str, name: str) -> Style:
    """Return a way to spell an event of this name in this generation."""
    is_dotted = rng.random() < (0.9 if name == _DOTTED_BY_NATURE else 0.12)
    has_offset = rng.random() < (0.4 if generation == "g3" else 0.05)
    offset = timedelta(minutes=rng.choice(_OFFSETS)) if has_offset else None
    return Style(generation, rng.random() < 0.1, is_dotted, offset)


def write(
    rng: Random,
    spelling: Style,
    *,
    event_id: UUID,
    name: str,
    at: datetime,
    data: dict[str, Any],
    session_id: UUID | None = None,
) -> Event:
    """Return the event whose body says this; `at` loses what the spelling cannot hold."""
    if spelling.offset is None:
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    timestamp = _timestamp(rng, at, spelling.offset)
    said = _dotted(name) if spelling.is_dotted else name
    if spelling.generation == "g3":
        body = {"eventId": str(event_id), "eventType": said, "timestamp": timestamp, "data": data}
    else:
        body = {"id": str(event_id), "event": said, "timestamp": timestamp, "data": data}
    if spelling.is_snake_case:
        body = _snake_case(body)
    text = json.dumps(body, ensure_ascii=rng.random() < 0.5, indent=2 if rng.random() < 0.1 else None)
    return Event(event_id, name, at, spelling.generation, text.encode("utf-8"), session_id)


def checks(
    rng: Random, generation: str, name: str, at: datetime, problems: Sequence[Issue]
) -> list[dict[str, Any]] | None:
    """Return the checks that a session event brings, or None where it has no such member."""
    if rng.random() >= _HAS_CHECKS.get(name, {}).get(generation, 0):
        return [] if generation == "g1" else None
    if generation != "g1" and name == "kyc_session_failed" and rng.random() < 0.6:
        return [_check(rng, generation, MANUAL, at, problems)]
    found = {kind: [issue for issue in problems if issue.check == kind] for kind in CHECK_TYPES}
    listed = [
        _check(rng, generation, kind, at, refusing)
        for kind, refusing in found.items()
        # A failed session of the newer generations may list its refused checks only.
        if refusing or generation == "g1" or name != "kyc_session_failed"
    ]
    if name == "kyc_session_manual_review" and rng.random() < 0.04:
        listed.append(_undecided(rng, generation, at))
    return listed


def _check(
    rng: Random, generation: str, kind: str, at: datetime, problems: Sequence[Issue]
) -> dict[str, Any]:
    validated, refused = ("Validated", "Refused") if generation == "g1" else (1, 2)
    measured = _measured(rng, kind, at, is_refused=bool(problems))
    reasons = [_reason(generation, kind, issue) for issue in problems]
    check = {"type": kind, "state": refused if problems else validated, "data": measured, "reasons": reasons}
    if not problems and rng.random() < 0.3:
        del check["reasons"]
    return check


def _undecided(rng: Random, generation: str, at: datetime) -> dict[str, Any]:
    """Return a check of a kind and state that no documentation lists."""
    state: str | int = "Pending" if generation == "g1" else 3
    return {
        "type": "address-lookup",
        "state": state,
        "data": _measured(rng, "address-lookup", at, is_refused=False),
    }


def _measured(rng: Random, kind: str, at: datetime, *, is_refused: bool) -> dict[str, Any]:
    if rng.random() < 0.1:
        return {}
    local = (at - timedelta(seconds=rng.randrange(20, 400))).astimezone(timezone(timedelta(hours=-4)))
    made = {"type": kind, "provider": "MOCK", "timestamp": local.isoformat(timespec="seconds")}
    return made | findings(rng, kind, is_refused=is_refused)


def _reason(generation: str, kind: str, issue: Issue) -> dict[str, str]:
    said = {
        "type": "ManualReview" if kind == MANUAL else issue.type,
        "code": issue.code,
        "message": issue.message,
    }
    if issue.category and generation != "g1":
        said["category"] = issue.category
    return said


def _timestamp(rng: Random, at: datetime, offset: timedelta | None) -> str:
    if offset is None:
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    local = at.astimezone(timezone(offset))
    sign, minutes = ("-" if offset < timedelta() else "+"), int(abs(offset).total_seconds()) // 60
    digits = f"{at.microsecond:06d}{rng.randrange(10)}"
    return f"{local:%Y-%m-%dT%H:%M:%S}.{digits}{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _dotted(name: str) -> str:
    """Return the name as the quick start spells it: `kyc.session_failed`, `related_party.kyc_session_created`."""
    head, tail = (
        ("related_party", name.removeprefix("related_party_"))
        if name.startswith("related_party_")
        else name.split("_", 1)
    )
    return f"{head}.{tail}"


def _snake_case(value: Any) -> Any:
    """Return the members renamed, down to but not into lists: what a check measured keeps its names."""
    if not isinstance(value, dict):
        return value
    return {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", k).lower(): _snake_case(v) for k, v in value.items()}
