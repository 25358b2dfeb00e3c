"""Everything that is kept about one subject as one JSON text, a session at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Model
from django.utils import timezone

from kyc.models import Delivery, Session
from kyc.ralio.bodies import veiled
from kyc.subjects import Subject

READ_ME = (
    "Everything that this desk keeps about one subject. What stands under kept_by_the_desk was written by the people"
    " who decided: before any of this is handed to the subject, take out whatever the law forbids to disclose."
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
_MESSAGE = ("kind", "recipient", "status", "created_at", "sent_at", "erased_at")
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
    yield from _list(_delivery(row) for row in subject.records().iterator(chunk_size=50))
    yield '],"sessions":['
    yield from _list(_session(row) for row in subject.sessions().iterator(chunk_size=50))
    yield "]}\n"


def _list(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    for n, item in enumerate(items):
        yield f"{',' if n else ''}\n{_text(item)}"


def _session(session: Session) -> dict[str, Any]:
    notifications: Any = session.notifications.order_by("created_at")
    deliveries = session.deliveries.order_by("pk")
    checks = session.checks.prefetch_related("reasons")
    return {
        **_facts(session, _SESSION),
        "deliveries": [_delivery(row) for row in deliveries.iterator(chunk_size=50)],
        "checks": [{**_facts(row, _CHECK), "reasons": [_facts(each, _REASON) for each in row.reasons.all()]} for row in checks],
        "messages": [_facts(row, _MESSAGE) for row in notifications],
        "kept_by_the_desk": {
            "decisions": [_facts(row, _DECISION) for row in session.decisions.order_by("pk")],
            "notes": [_facts(row, _NOTE) for row in session.notes.order_by("pk")],
            "corrections": [_facts(row, _CORRECTION) for row in session.corrections.order_by("pk")],
        },
    }  # fmt: skip


def _delivery(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery with its body as text; the link that opens the subject's own verification is not in it."""
    return {**_facts(delivery, _DELIVERY), "body": veiled(bytes(delivery.body)).decode("utf-8", "replace")}


def _facts(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=True)
