"""What Ralio's API says, in our words: its answers read, kept as envelopes of ours, and those read as events again.

An answer is kept as it was said, in an envelope that says whose session and which instant it is about. Only links that
open a subject's own verification are taken out first. The event id is made from the content, so that the same answer
again is the same event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from kyc.choices import EntityType, QuarantineCause, SessionState
from kyc.ralio.events import (
    CheckFacts,
    Fault,
    Object,
    Reading,
    ReasonFacts,
    SessionEvent,
    check_state,
    clean,
    instant,
    read_object,
    text_of,
)
from kyc.ralio.jsontext import Members, Number, write

CHECKS, STATE, SESSION = "api_checks", "api_state_history", "api_session"
NAMES = frozenset({CHECKS, STATE, SESSION})

# Ralio's session states, the number's own digits -> ours. Text says them in our words, in any case.
SESSION_STATES = {
    "1": SessionState.NOT_STARTED,
    "2": SessionState.STARTED,
    "3": SessionState.VERIFIED,
    "4": SessionState.REVIEW,
    "5": SessionState.REJECTED,
    "6": SessionState.EXPIRED,
}
_EVENT_IDS = UUID("6d0f7c0e-55b1-4f0a-8d0e-2f4b1f0d9a57")
_LINKS = frozenset({"hostedurl", "hosted_url"})
_OWN_NAMES = frozenset(
    [
        "pagination",
        "numPages",
        "num_pages",
        "sessions",
        "id",
        "session_id",
        "sessionId",
        "logs",
        "new_state",
        "newState",
        "created_at",
        "createdAt",
        "checks",
    ]
)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


class Malformed(ValueError):
    """An answer is not of the shape that the API promises. Says where and what, never the value."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as the user's list has it. `state` is None for a word that we do not know, `at` when it came to it."""

    session_id: UUID
    state: SessionState | None
    at: datetime | None
    said: Members


@dataclass(frozen=True, slots=True)
class Page:
    sessions: list[Listed]
    n_pages: int


@dataclass(frozen=True, slots=True)
class Log:
    """One line of a session's state history; `state` is None for a word that we do not know."""

    state: SessionState | None
    at: datetime
    said: Members


def session_state(value: object) -> SessionState | None:
    """Return a state said as text or number, or None for any other word."""
    if not isinstance(value, str):
        return None
    word = str(value).strip().upper().replace("-", "_").replace(" ", "_")
    return SessionState(word) if word in SessionState.values else SESSION_STATES.get(word)


def page(document: Any) -> Page:
    """Return one page of a user's sessions. Raises Malformed."""
    answer = _answer(document)
    paging = answer.object("pagination")
    if paging is None:
        answer.fault("pagination", "This is missing.")
    n_pages = _count(paging, "numPages", "num_pages") if paging else 0
    found = [_listed(session) for session in _required(answer, "sessions")]
    _refuse(answer)
    return Page(found, n_pages)


def history(document: Any, session_id: UUID) -> list[Log]:
    """Return a session's state log, oldest first. Raises Malformed."""
    answer = _answer(document)
    _same_session(answer, session_id)
    found = [_log(log) for log in _required(answer, "logs")]
    _refuse(answer)
    return sorted(found, key=lambda log: log.at)


def checks(document: Any, session_id: UUID) -> Members | None:
    """Return what the API says of a session's checks, or None when it knows of none. Raises Malformed."""
    answer = _answer(document)
    _same_session(answer, session_id)
    found = _required(answer, "checks")
    _refuse(answer)
    return answer.members if found else None


def checks_body(
    answer: Members, *, session_id: UUID, user_id: UUID, state: SessionState, at: datetime
) -> bytes:
    """Return the envelope of checks that were fetched for an event of this state and instant."""
    return _envelope(CHECKS, answer, session_id, user_id, str(state), at)


def state_body(log: Log, *, session_id: UUID, user_id: UUID) -> bytes:
    """Return the envelope of one line of the state history."""
    return _envelope(STATE, log.said, session_id, user_id, _said_state(log.said), log.at)


def session_body(listed: Listed, *, user_id: UUID) -> bytes:
    """Return the envelope of a session as the list has it; it has an instant."""
    assert listed.at is not None  # noqa: S101 - for the type checker: who calls has looked
    return _envelope(SESSION, listed.said, listed.session_id, user_id, _said_state(listed.said), listed.at)


def read(body: bytes) -> Reading:
    """Return the event that a kept envelope holds, or its faults. Total: raises for no bytes."""
    return read_object(body, _read_envelope)


def _envelope(name: str, answer: Members, session_id: UUID, user_id: UUID, state: str, at: datetime) -> bytes:
    data = Members(
        [
            ("sessionId", str(session_id)),
            ("userId", str(user_id)),
            ("state", state),
            ("answer", _without_links(answer)),
        ]
    )
    said = [("eventType", name), ("timestamp", at.astimezone(UTC).isoformat()), ("data", data)]
    event_id = uuid5(_EVENT_IDS, write(Members(said), is_sorted=True))
    return write(Members([("eventId", str(event_id)), *said])).encode("ascii")


def _without_links(value: Any) -> Any:
    """Return a value without the links that open a subject's own verification, wherever they stand."""
    if isinstance(value, Members):
        kept = [(k, _without_links(v)) for k, v in value.pairs if k.lower() not in _LINKS]
        return Members(kept)
    if isinstance(value, list):
        return [_without_links(item) for item in value]
    return value


def _said_state(said: Members) -> Any:
    members = dict(said.pairs)
    return next((members[name] for name in ("new_state", "newState", "state") if name in members), None)


def _read_envelope(document: Members, meaning: str) -> Reading:
    faults: list[Fault] = []
    envelope = Object(document, "", faults).interpreted()
    event_id = envelope.uuid("eventId", missing="The event id is missing.")
    _, name = envelope.pick("eventType")
    known = clean(name) if isinstance(name, str) and not isinstance(name, Number) else ""
    if known not in NAMES:
        envelope.fault("eventType", "This is none of the API's answers.")
    _, timestamp = envelope.pick("timestamp")
    at = instant(timestamp)
    if at is None:
        envelope.fault("timestamp", "This is not an ISO 8601 date and time with its offset from UTC.")
    data = envelope.object("data")
    if data is None and not faults:
        envelope.fault("data", "The data is missing.")
    event = None
    if data is not None:
        data.interpreted()
        event = _session_event(event_id or UUID(int=0), known, at or datetime.min.replace(tzinfo=UTC), data)
    if faults:
        return Reading(meaning, None, QuarantineCause.INVALID, tuple(faults), event_id, known, at)
    return Reading(meaning, event, event_id=event_id, name=known, at=at)


def _session_event(event_id: UUID, name: str, at: datetime, data: Object) -> SessionEvent:
    session_id = data.uuid("sessionId", missing="The session id is missing.")
    user_id = data.uuid("userId", missing="The user id is missing.")
    _, said = data.pick("state")
    state = session_state(said)
    if state is None:
        data.fault("state", "This is no state of a session that we know.")
    answer = data.object("answer")
    if answer is None:
        data.fault("answer", "The answer is missing.")
    found = answer.interpreted().objects("checks") if answer and name == CHECKS else []
    return SessionEvent(
        event_id,
        name,
        at,
        session_id=session_id or UUID(int=0),
        state=state or SessionState.NOT_STARTED,
        entity_type=EntityType.USER,
        user_id=user_id,
        related_party_id=None,
        checks=tuple(_check(check) for check in found),
    )


def _check(check: Object) -> CheckFacts:
    name, kind = check.pick("type")
    if not isinstance(kind, str) or isinstance(kind, Number):
        check.fault(name, "The check's type is missing, or not text.")
    _, state = check.pick("state")
    _, data = check.pick("data")
    inside = dict(data.pairs) if isinstance(data, Members) else {}
    provider = inside.get("provider")
    _, updated_at = check.pick("updated_at", "updatedAt")
    return CheckFacts(
        type=text_of(kind),
        state=check_state(state),
        state_sent="" if state is None else write(state),
        data="" if data is None else write(data),
        provider=clean(provider) if isinstance(provider, str) and not isinstance(provider, Number) else "",
        checked_at=instant(inside.get("timestamp")) or instant(updated_at),
        reasons=tuple(_reason(reason) for reason in _reasons(check)),
    )


def _reasons(check: Object) -> Iterator[Object]:
    """Return the refused reasons, in whichever spelling they stand."""
    name, _ = check.pick("refused_reasons", "refusedReasons", "reasons")
    return check.objects(name)


def _reason(reason: Object) -> ReasonFacts:
    """Return a reason; its category is that of the error that Ralio maps it to, where it does."""
    mapped = reason.object("mappedError", "mapped_error")
    category = reason.text("category") or (mapped.interpreted().text("category") if mapped else "")
    return ReasonFacts(
        type=reason.text("type"),
        code=reason.text("code") or (mapped.text("code") if mapped else ""),
        message=reason.text("message") or (mapped.text("reason") if mapped else ""),
        category=category,
    )


def _listed(session: Object) -> Listed:
    _, state = session.pick("state")
    instants = (
        instant(session.pick(*names)[1])
        for names in (("updated_at", "updatedAt"), ("created_at", "createdAt"))
    )
    return Listed(
        session.uuid("id", missing="The session id is missing.") or UUID(int=0),
        session_state(state),
        next((at for at in instants if at), None),
        session.members,
    )


def _log(log: Object) -> Log:
    _, state = log.pick("new_state", "newState")
    if state is None:
        log.fault("new_state", "The state is missing.")
    name, created_at = log.pick("created_at", "createdAt")
    at = instant(created_at)
    if at is None:
        log.fault(name, "This is not an ISO 8601 date and time with its offset from UTC.")
    return Log(session_state(state), at or datetime.min.replace(tzinfo=UTC), log.members)


def _answer(document: Any) -> Object:
    if not isinstance(document, Members):
        raise Malformed("the answer is not an object")
    return Object(document, "", []).interpreted()


def _count(there: Object, *names: str) -> int:
    name, value = there.pick(*names)
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value)
    there.fault(name, "This is not a number.")
    return 0


def _required(answer: Object, name: str) -> list[Object]:
    """Return the objects of a list that must be there; null counts as an empty one."""
    if name not in answer.values:
        answer.fault(name, "This is missing.")
    return list(answer.objects(name))


def _same_session(answer: Object, session_id: UUID) -> None:
    said = answer.uuid("session_id", "sessionId")
    if said is not None and said != session_id:
        answer.fault("session_id", "This is another session than the one asked for.")


def _refuse(answer: Object) -> None:
    """Raise Malformed for the first fault, if there is one. A fault's path holds the API's own names and positions."""
    for fault in answer.faults:
        raise Malformed(f"{_shown(fault.path)}: {fault.message[0].lower()}{fault.message[1:].rstrip('.')}")


def _shown(path: str) -> str:
    """Return a path of the API's own names; a stranger's name may hold anything."""
    names = re.split(r"[.\[]", path)
    return path if all(name in _OWN_NAMES or re.fullmatch(r"\d+\]", name) for name in names) else "a member"
