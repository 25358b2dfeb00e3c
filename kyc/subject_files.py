"""Everything that is kept about one subject as one JSON text, row by row: memory does not grow with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model
from django.utils import timezone

from kyc.models import Delivery, Erasure, LegalHold, Session
from kyc.ralio.bodies import veiled
from kyc.subjects import Subject, refused, strays

READ_ME = (
    "Everything that this desk keeps about one subject. What stands under kept_by_the_desk was written by the people"
    " who decided: before any of this is handed to the subject, take out whatever the law forbids to disclose. What"
    " stands under unread and refused_requests could not be read, or did not prove to be Ralio's: it holds one of the"
    " subject's ids, and may be about somebody else, too."
)
_SESSION = (
    "id", "entity_type", "user_id", "related_party_id", "provider_state", "state", "state_since", "first_event_at",
    "last_event_at", "round",
)  # fmt: skip
_CHECK = ("delivery_id", "position", "type", "state", "data", "provider", "checked_at")
_REASON = ("type", "code", "message", "category")
_DELIVERY = (
    "id",
    "source",
    "event_id",
    "event_name",
    "event_at",
    "received_at",
    "erased_at",
    "checks_erased_at",
)
_DECISION = (
    "outcome",
    "status",
    "codes",
    "rationale",
    "answer",
    "round",
    "proposed_at",
    "confirmed_at",
    "undone_at",
    "erased_at",
)
_NOTE = ("text", "round", "at", "erased_at")
_CORRECTION = ("target", "field", "old", "new", "reason", "round", "at", "erased_at")
_MESSAGE = ("kind", "recipient", "status", "created_at", "sent_at", "last_error", "erased_at")
_ATTEMPT = ("at", "outcome", "answer")
_UNREAD = ("status", "cause", "faults")
_REFUSED = ("id", "cause", "received_at", "headers", "sha256")
_HOLD = ("reason", "placed_at", "lifted_because", "lifted_at")
_ERASURE = ("reason", "status", "requested_at", "answer", "checked_at", "erased")
# How many rows are in memory at once: a body may have megabytes.
_CHUNK = 10
_CONTACT = ("name", "email", "language", "source", "updated_at", "erased_at")


def lines(subject: Subject) -> Iterator[str]:
    """Yield the text in pieces. Together they are one JSON object."""
    contact = subject.contact()
    head = {
        "read_me": READ_ME,
        "subject": {"entity_type": str(subject.entity_type), "id": str(subject.id)},
        "exported_at": timezone.now(),
        "contact": _facts(contact, _CONTACT) if contact else None,
    }
    yield _text(head)[:-1] + ',"records":['
    yield from _list(_delivery(row) for row in subject.records().iterator(_CHUNK))
    yield '],"sessions":['
    for n, session in enumerate(subject.sessions().iterator(_CHUNK)):
        yield f"{',' if n else ''}\n"
        yield from _session(session)
    yield '],"unread":['
    yield from _list({**_delivery(row), **_facts(row, _UNREAD)} for row in strays(subject))
    yield '],"refused_requests":['
    yield from _list({**_facts(row, _REFUSED), "body": _body(row.body)} for row in refused(subject))
    yield f'],"kept_by_the_desk":{_text(_beside(subject))}}}\n'


def _list(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    for n, item in enumerate(items):
        yield f"{',' if n else ''}\n{_text(item)}"


def _session(session: Session) -> Iterator[str]:
    deliveries = session.deliveries.order_by("pk").iterator(_CHUNK)
    checks = session.checks.prefetch_related("reasons").iterator(_CHUNK)
    notifications: Any = session.notifications.order_by("created_at").prefetch_related("attempts")
    parts: dict[str, Iterable[dict[str, Any]]] = {
        "deliveries": (_delivery(row) for row in deliveries),
        "checks": (_with(row, _CHECK, "reasons", _REASON) for row in checks),
        "messages": (_with(row, _MESSAGE, "attempts", _ATTEMPT) for row in notifications),
    }
    yield _text(_facts(session, _SESSION))[:-1]
    for name, items in parts.items():
        yield f',"{name}":['
        yield from _list(items)
        yield "]"
    said = {
        "decisions": [_facts(row, _DECISION) for row in session.decisions.order_by("pk")],
        "notes": [_facts(row, _NOTE) for row in session.notes.order_by("pk")],
        "corrections": [_facts(row, _CORRECTION) for row in session.corrections.order_by("pk")],
    }
    yield f',"kept_by_the_desk":{_text(said)}}}'


def _beside(subject: Subject) -> dict[str, Any]:
    """Return what people said about the subject beside any session."""
    rows: dict[str, tuple[type[LegalHold | Erasure], tuple[str, ...]]] = {
        "legal_holds": (LegalHold, _HOLD),
        "erasures": (Erasure, _ERASURE),
    }
    return {
        name: [_facts(row, names) for row in model._default_manager.filter(**subject.key).order_by("pk")]
        for name, (model, names) in rows.items()
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery with its body as text; the link that opens the subject's own verification is not in it."""
    return {**_facts(delivery, _DELIVERY), "body": _body(delivery.body)}


def _body(kept: Any) -> str:
    return veiled(bytes(kept)).decode("utf-8", "replace")


def _with(row: Model, names: tuple[str, ...], part: str, part_names: tuple[str, ...]) -> dict[str, Any]:
    """Return a row's facts with those of the rows that belong to it."""
    return {**_facts(row, names), part: [_facts(each, part_names) for each in getattr(row, part).all()]}


def _facts(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=True)
