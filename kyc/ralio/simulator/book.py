"""What the played Ralio knows of its users' sessions, told or not: what its API serves."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from kyc.choices import SessionState
from kyc.ralio.simulator.vocabulary import CHECK_TYPES, Issue, findings

# Older ones are forgotten, so that an endless play stays within bounds.
MOST_SESSIONS = 50_000
_HAS_CHECKS = frozenset({SessionState.REVIEW, SessionState.REJECTED, SessionState.VERIFIED})
_LIFETIME = timedelta(days=7)


@dataclass(slots=True)
class Entry:
    """One session of one user, with its state log, oldest first."""

    session_id: UUID
    user_id: UUID
    created_at: datetime
    problems: Sequence[Issue]
    log: list[tuple[SessionState, datetime]] = field(default_factory=list)

    @property
    def state(self) -> SessionState:
        return self.log[-1][0]

    @property
    def updated_at(self) -> datetime:
        return self.log[-1][1]


class Book:
    """Every session that the played Ralio has had to do with. Read by the API's threads while the play goes on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[UUID, Entry] = OrderedDict()
        self._by_user: dict[UUID, list[UUID]] = {}

    def note(
        self,
        session_id: UUID,
        user_id: UUID,
        state: SessionState,
        at: datetime,
        *,
        created_at: datetime,
        problems: Sequence[Issue],
    ) -> None:
        """Write down that a session came to a state. The event of it is made a moment later."""
        at -= timedelta(milliseconds=session_id.int % 900)
        with self._lock:
            entry = self._entries.get(session_id)
            if entry is None:
                created_at = min(created_at, at)
                entry = self._entries[session_id] = Entry(session_id, user_id, created_at, problems)
                entry.log = [(SessionState.NOT_STARTED, created_at), (SessionState.STARTED, created_at)]
                self._by_user.setdefault(user_id, []).append(session_id)
                self._forget()
            place = bisect_right(entry.log, at, key=lambda line: line[1])
            if not place or entry.log[place - 1][0] != state:
                entry.log.insert(place, (state, at))

    def users(self) -> list[UUID]:
        with self._lock:
            return list(self._by_user)

    def sessions(self, user_id: UUID) -> list[Entry]:
        """Return the user's sessions, newest first; none for a user never heard of."""
        with self._lock:
            return [self._entries[pk] for pk in reversed(self._by_user.get(user_id, ()))]

    def session(self, user_id: UUID, session_id: UUID) -> Entry | None:
        with self._lock:
            entry = self._entries.get(session_id)
        return entry if entry and entry.user_id == user_id else None

    def _forget(self) -> None:
        while len(self._entries) > MOST_SESSIONS:
            session_id, entry = self._entries.popitem(last=False)
            others = self._by_user[entry.user_id]
            others.remove(session_id)
            if not others:
                del self._by_user[entry.user_id]


def listed(entry: Entry) -> dict[str, Any]:
    """Return a session as the API's list has it."""
    return {
        "id": str(entry.session_id),
        "state": str(entry.state),
        "type": "KYC",
        "data": {},
        "hostedUrl": f"https://verify.example/{UUID(int=entry.session_id.int ^ 1)}",
        "flow": {"id": "flow-1", "tag": "default"},
        "expiresAt": _text(entry.created_at + _LIFETIME),
        "created_at": _text(entry.created_at),
        "updated_at": _text(entry.updated_at),
    }


def history(entry: Entry) -> dict[str, Any]:
    logs = [
        {"id": n, "new_state": str(state), "created_at": _text(at)}
        for n, (state, at) in enumerate(entry.log, 1)
    ]
    return {"session_id": str(entry.session_id), "logs": logs}


def checks(entry: Entry) -> dict[str, Any]:
    """Return what the API says of a session's checks; none while nothing has been found."""
    rng = Random(entry.session_id.int)  # noqa: S311 - a game, not a secret
    found = CHECK_TYPES if entry.state in _HAS_CHECKS else ()
    problems = () if entry.state == SessionState.VERIFIED else entry.problems
    said = [
        _check(rng, entry, n, kind, [issue for issue in problems if issue.check == kind])
        for n, kind in enumerate(found, 1)
    ]
    return {"session_id": str(entry.session_id), "checks": said}


def _check(rng: Random, entry: Entry, number: int, kind: str, problems: Sequence[Issue]) -> dict[str, Any]:
    at = _text(entry.updated_at)
    measured = {"type": kind, "provider": "MOCK", **findings(rng, kind, is_refused=bool(problems))}
    return {
        "id": number,
        "type": kind,
        "state": "Refused" if problems else "Validated",
        "data": measured,
        "refused_reasons": [_reason(n, issue) for n, issue in enumerate(problems, 1)],
        "created_at": at,
        "updated_at": at,
    }


def _reason(number: int, issue: Issue) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": number,
        "type": issue.type,
        "code": issue.code,
        "message": issue.message,
    }
    if issue.category:
        said["mappedError"] = {
            "id": number,
            "code": issue.code,
            "category": issue.category,
            "reason": issue.message,
            "action": "Try again.",
        }
    return said


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
