"""A kept body without the personal data in it: still the same event, with the same checks, states, codes and ids.

What stays is named here, and all else goes, whatever it is called: Ralio may send members that nobody has seen before.
Words of a vocabulary stay as they are: event names, the types of checks and reasons, codes and categories.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kyc.choices import DataKind, DeliverySource
from kyc.ralio import answers, events
from kyc.ralio.answers import session_state
from kyc.ralio.events import ENTITY_TYPES, Object, Reading, RecordEvent, SessionEvent, instant
from kyc.ralio.jsontext import Members, Number, parse, write

type Keep = Callable[[Any], Any]

# In place of a value that is not kept; its member goes with it.
GONE: Any = object()
# A word such as Refused or REGULAR, or a small number: nothing that describes anybody.
_TOKEN = re.compile(r"[A-Za-z][A-Za-z_-]{0,23}|\d{1,3}", re.ASCII)
_RECORD_ID = re.compile(r"\d{1,18}", re.ASCII)


def redacted(body: bytes, source: str, kinds: Collection[str]) -> bytes:
    """Return the body without what these kinds of data say in it: BODIES, CHECKS or both; of no other is there any in it.

    Without BODIES only the data and messages of its checks go, without CHECKS all but these. What holds no event of KYC
    or KYB that can be read is personal as a whole: without BODIES it stays, with it nothing is left.
    """
    read = answers.read if source == DeliverySource.API else events.read
    before = read(body)
    if not isinstance(before.event, SessionEvent | RecordEvent):
        return b"" if DataKind.BODIES in kinds else body
    left = write(_rules(kinds)(parse(body))).encode("ascii")
    if _essence(read(left)) != _essence(before):
        raise ValueError("A body without its personal data would be another event.")
    return left


def _rules(kinds: Collection[str]) -> Keep:
    """Return what keeps of a document what these kinds leave."""
    checks = _each(_only(CHECK)) if DataKind.CHECKS in kinds else _whole
    if DataKind.BODIES in kinds:
        data = _only({**DATA, "checks": checks, "answer": _only({"checks": checks})})
        return _only({**ENVELOPE, "data": data})
    return _within({"data": _within({"checks": checks, "answer": _within({"checks": checks})})})


def _essence(reading: Reading) -> object:
    """Return what must stay: the event, whom it is about, and what it found. The digest of its meaning is another."""
    event = reading.event
    if not isinstance(event, SessionEvent):
        # A record's event has its ids and no more.
        return event
    found = [(check.type, check.state, [reason.code for reason in check.reasons]) for check in event.checks]
    ids = (event.event_id, event.session_id, event.user_id, event.related_party_id)
    return (*ids, event.name, event.at, event.state, event.entity_type, event.is_created, found)


# --- What may stay of one value -------------------------------------------------------------------
def _whole(value: Any) -> Any:
    return value


def _text(value: Any) -> Any:
    """Keep text, and a number as its digits."""
    return value if isinstance(value, str) else GONE


def _token(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else GONE


def _state(value: Any) -> Any:
    return value if session_state(value) is not None else _token(value)


def _uuid(value: Any) -> Any:
    alone = Object(Members([("id", value)]), "", [])
    return GONE if alone.uuid("id") is None else value


def _instant(value: Any) -> Any:
    return GONE if instant(value) is None else value


def _record_id(value: Any) -> Any:
    return value if isinstance(value, Number) and _RECORD_ID.fullmatch(value) else GONE


def _entity(value: Any) -> Any:
    """Keep the word that is known. Another one must not vanish: it is why the event says nothing certain."""
    if value is None:
        return GONE
    is_known = isinstance(value, str) and not isinstance(value, Number) and value in ENTITY_TYPES
    return value if is_known else "unknown"


def _only(rules: Mapping[str, Keep]) -> Keep:
    """Keep of an object the members named here, each by its rule."""

    def keep(value: Any) -> Any:
        if not isinstance(value, Members):
            return GONE
        kept = ((name, rules[name](each)) for name, each in value.pairs if name in rules)
        return Members([(name, each) for name, each in kept if each is not GONE])

    return keep


def _within(rules: Mapping[str, Keep]) -> Keep:
    """Keep an object, with the rules for some of its members."""

    def keep(value: Any) -> Any:
        if not isinstance(value, Members):
            return value
        kept = ((name, rules.get(name, _whole)(each)) for name, each in value.pairs)
        return Members([(name, each) for name, each in kept if each is not GONE])

    return keep


def _each(keep: Keep) -> Keep:
    """Keep of a list each object, in its place."""

    def keep_each(value: Any) -> Any:
        return [keep(item) for item in value] if isinstance(value, list) else GONE

    return keep_each


_CODED: dict[str, Keep] = {"code": _whole, "category": _text}
REASON: dict[str, Keep] = {
    "type": _text,
    **_CODED,
    "mappedError": _only(_CODED),
    "mapped_error": _only(_CODED),
}
CHECK: dict[str, Keep] = {
    "type": _text,
    "state": _token,
    **{name: _each(_only(REASON)) for name in ("reasons", "refused_reasons", "refusedReasons")},
    "updated_at": _instant,
    "updatedAt": _instant,
}
DATA: dict[str, Keep] = {
    **dict.fromkeys(("sessionId", "session_id", "userId", "user_id"), _uuid),
    **dict.fromkeys(("relatedPartyId", "related_party_id"), _uuid),
    **{name: _only({"id": _uuid}) for name in ("kycSession", "kyc_session", "relatedParty", "related_party")},
    **dict.fromkeys(("kycId", "kyc_id", "kybId", "kyb_id"), _record_id),
    "entityType": _entity,
    "entity_type": _entity,
    "state": _state,
}
ENVELOPE: dict[str, Keep] = {
    **dict.fromkeys(("id", "eventId", "event_id"), _uuid),
    **dict.fromkeys(("event", "eventType", "event_type"), _text),
    "timestamp": _instant,
}
