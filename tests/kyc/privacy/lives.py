"""A subject's life at the desk, with words in it by which what is personal can be found again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F, Model
from django.utils import timezone

from kyc import ingestion, privacy, review
from kyc.choices import DeliverySource, EntityType, SessionState
from kyc.models import Check, Contact, Correction, Decision, Delivery, Note, RefusedRequest, Session
from kyc.ralio import answers
from kyc.ralio.jsontext import parse
from kyc.rebuilding import rebuild
from kyc.subjects import Subject
from tests import wire
from tests.factories import AttemptFactory, ContactFactory, NotificationFactory, UserFactory

# Begins whatever is personal, and stands nowhere else.
MARK = "Zqxwvk"
USER, PARTY = EntityType.USER, EntityType.RELATED_PARTY
REASON = "The subject asked for it in writing."
YEARS = timedelta(days=2000)


def said(where: str) -> str:
    return f"{MARK}{where}"


def checks(where: str) -> list[dict[str, Any]]:
    """Return one validated and one refused check, personal wherever the protocol is open."""
    data = {
        "provider": said("provider"),
        "timestamp": "2020-03-17T12:40:24-04:00",
        "deep": [{said("key"): said("value")}],
    }
    reason = {
        "type": "face-match",
        "code": "LOW_CONFIDENCE",
        "message": said(where),
        "category": "FACE",
        "note": said("note"),
    }
    return [
        {"type": "document-verification", "state": "Validated", "data": data, "reasons": [], "seen": said("seen")},
        {"type": "face-matching", "state": 2, "data": data, "reasons": [reason]},
    ]  # fmt: skip


def event(name: str, session_id: UUID, user_id: UUID, *, hours: int = 0, **data: Any) -> dict[str, Any]:
    at = timezone.now() - YEARS + timedelta(hours=hours)
    made = wire.payload(name, session_id=session_id, user_id=user_id, at=at, **data)
    return {**made, "sender": said("sender")}


def rejected(user_id: UUID | None = None) -> Session:
    """Let a user be rejected by a person, with everything that the desk ever keeps about anybody, long ago."""
    session_id, user_id = uuid4(), user_id or uuid4()
    wire.post(
        event(
            "kyc_session_manual_review.g1", session_id, user_id, checks=checks("first"), extra=said("extra")
        )
    )
    session = Session.objects.get(pk=session_id)
    write_about(session)
    _decide(session)
    arrive_otherwise(session)
    grow_old()
    # Its decision was made earlier now.
    rebuild(session_id)
    return Session.objects.get(pk=session_id)


def write_about(session: Session) -> None:
    """Let people write whatever they can beside a session."""
    officer, admin = UserFactory(role="officer"), UserFactory(role="admin")
    review.add_note(session.pk, by=officer, text=said("noted"))
    check = Check.objects.get(session=session, position=1)
    reason = check.reasons.get()
    rows = [
        (check, "data", f'{{"a":"{said("corrected")}"}}'),
        (check, "provider", said("other")),
        (reason, "message", said("mended")),
    ]
    changes = [review.Change(row, field, new) for row, field, new in rows]
    session.refresh_from_db()
    review.correct(session, by=admin, changes=changes, reason=said("because"))
    if session.user_id:
        ContactFactory(subject_id=session.user_id, name=said("name"), email=f"{MARK}@example.test")
    message = NotificationFactory(session=session, last_error=said("error"))
    AttemptFactory(notification=message, answer=said("answer"))


def _decide(session: Session) -> None:
    officer = UserFactory(role="officer")
    session.refresh_from_db()
    seen = review.Seen(session.version, session.deliveries.latest("pk").pk)
    review.reject(
        session.pk,
        by=officer,
        seen=seen,
        codes=["LOW_CONFIDENCE"],
        rationale=said("rationale is long enough"),
    )


def arrive_otherwise(session: Session) -> None:
    """Let things come that are the subject's and not the session's: a record, a conflict, the unreadable, the refused."""
    user_id = str(session.user_id)
    wire.post(wire.payload("kyc_state_updated", user_id=user_id, comment=said("comment")))
    wire.post(wire.payload("kyc_state_updated", user_id=None, party={"id": user_id, "n": said("nested")}))
    first = session.deliveries.earliest("pk")
    conflict = event("kyc_session_failed", session.pk, UUID(user_id), checks=checks("conflict"))
    conflict.pop("eventId", None)
    wire.post({**conflict, "id": str(first.event_id)})
    wire.post({**event("kyc_session_failed", session.pk, UUID(user_id)), "timestamp": said("yesterday")})
    wire.post(f'{{"sessionId": "{session.pk}", "{said("broken")}'.encode())
    wire.post(
        event("kyc_session_failed", session.pk, UUID(user_id), checks=checks("unsigned")), signature="0" * 64
    )
    body = answers.checks_body(
        parse(wire.encode({"checks": [{"type": "face", "state": "Refused", "data": {"n": said("api")}, "refused_reasons": [{"code": "A", "message": said("told")}]}]})),
        session_id=session.pk, user_id=UUID(user_id), state=SessionState.REVIEW, at=timezone.now() - YEARS,
    )  # fmt: skip
    ingestion.receive(body, {}, source=DeliverySource.API)


def grow_old(by: timedelta = YEARS) -> None:
    """Let everything that was kept or done have been so this much earlier. The ledger stays: it is never rewritten."""
    ages: dict[type[Model], tuple[str, ...]] = {
        Delivery: ("received_at",),
        Note: ("at",),
        Correction: ("at",),
        Decision: ("proposed_at", "checked_at", "confirmed_at"),
        Contact: ("updated_at",),
        RefusedRequest: ("received_at",),
    }
    for model, names in ages.items():
        model._default_manager.update(**{name: F(name) - by for name in names})


def subject_of(session: Session) -> Subject:
    return Subject.of_session(session)[0]


def erase(subject: Subject) -> Any:
    """Erase a subject by two people."""
    maker, checker = UserFactory(role="supervisor"), UserFactory(role="admin")
    erasure = privacy.request_erasure(subject, by=maker, reason=REASON)
    return privacy.confirm_erasure(erasure.pk, by=checker)


def found(mark: str = MARK) -> set[str]:
    """Return each column of each table in which a word stands, however it is written there."""
    columns = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                columns |= {
                    f"{table}.{name}" for name, value in zip(names, row, strict=True) if _holds(value, mark)
                }
    return columns


def _holds(value: Any, mark: str) -> bool:
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("utf-8", "replace")
    return mark.lower() in str(value).lower()
