"""A message of every kind, about sessions with words in them that no message may repeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from kyc import review, sealing
from kyc.models import Session
from notifications.choices import Kind
from notifications.models import Notification
from tests import factories, wire
from tests.notifications import decisions

# What people at the desk wrote, and the link that is a subject's alone.
WORDS = "QXZ the picture is of somebody else QXZ"
LINK = "https://signup.example.test/?merchantToken=QXZ&flowId=1&lang=en"
DUE = {Kind.DUE_SOON, Kind.OVERDUE}


def told(name: str, **data: Any) -> Session:
    """Post an event of Ralio's and return the session as it is then."""
    event = wire.payload(name, **{"session_id": uuid4(), "at": timezone.now(), **data})
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["sessionId"])


def invited(business: Any = "Acme Corp S.L.", *, link: str = LINK) -> Session:
    """Let Ralio tell of a session that was created for a related party of a business."""
    event = wire.payload("related_party.kyc_session_created", at=timezone.now())
    opens = {"url": link, "expiresAt": (timezone.now() + timedelta(days=7)).isoformat()}
    event["data"]["kycSession"] |= opens
    event["data"]["businessUser"] = {"id": 1, "name": business}
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["kycSession"]["id"])


def message(session: Session, kind: Kind) -> Notification:
    """Return the session's message of a kind as it was written, or as it would be."""
    # Who is at the desk reads "you" of what they did; the team's address is nobody.
    rows = Notification.objects.filter(session=session, kind=kind).exclude(recipient__startswith="person:")
    row = rows.first()
    if row is None:
        row = Notification(kind=kind, session=session, round=session.round, event_at=session.state_since)
        row.recipient, row.message_id = "compliance@example.test", f"<{uuid4()}@example.test>"
    row.session = Session.objects.get(pk=session.pk)
    if kind in DUE:
        row.event_at = row.session.due_at or row.event_at
    return row


def noted(**data: Any) -> Session:
    """Return a session in REVIEW with a note, that was sent back and forth with words."""
    session = told("kyc_session_manual_review", **data)
    factories.NoteFactory(session=session, by=factories.UserFactory(role="officer"), text=WORDS)
    return session


def escalated() -> Session:
    session, by = noted(), factories.UserFactory(username="escalating.officer", role="officer")
    review.escalate(session.pk, by=by, seen=decisions.seen(session), rationale=WORDS)
    return session


def in_second_review() -> Session:
    session, by = noted(), factories.UserFactory(username="asking.officer", role="officer")
    review.ask_second_review(session.pk, by=by, seen=decisions.seen(session), rationale=WORDS)
    return session


def disputed() -> Session:
    session, by = noted(), factories.UserFactory(username="deciding.supervisor", role="supervisor")
    review.reject(session.pk, by=by, seen=decisions.seen(session), codes=["LOW_CONFIDENCE"], rationale=WORDS)
    later = timezone.now() + timedelta(seconds=1)
    return told("kyc_session_verified", session_id=session.pk, user_id=session.user_id, at=later)


def alarmed(kind: Kind) -> Notification:
    words = {"says": "Nada ha llegado.", "threshold": "Tras una hora.", "advice": "Pregunte a Ralio."}
    figure = {"says": "Nothing has come.", "threshold": "After an hour.", "advice": "Ask Ralio."}
    figure_in_both: dict[str, Any] = {**figure, "words": {"es": words}}
    closed = timezone.now() if kind == Kind.INBOX_WELL else None
    detail = {**figure_in_both, "after": figure_in_both if closed else None}
    alarm = factories.InboxAlarmFactory(detail=detail, closed_at=closed)
    return _apart(kind, alarm=alarm)


def digest(recipient: str = "compliance@example.test") -> Notification:
    return _apart(Kind.DAILY_DIGEST, recipient=recipient, occasion=timezone.localdate().isoformat())


def sealed() -> Notification:
    seal = sealing.seal()
    assert seal is not None
    return _apart(Kind.LEDGER_SEALED, recipient="notary@example.test", occasion=f"seal {seal.number}")


def every() -> dict[Kind, Notification]:
    party = uuid4()
    return {
        Kind.REVIEW_OPENED: message(noted(), Kind.REVIEW_OPENED),
        Kind.DUE_SOON: message(noted(), Kind.DUE_SOON),
        Kind.OVERDUE: message(noted(), Kind.OVERDUE),
        Kind.ESCALATED: message(escalated(), Kind.ESCALATED),
        Kind.SECOND_REVIEW: message(in_second_review(), Kind.SECOND_REVIEW),
        Kind.DISPUTED: message(disputed(), Kind.DISPUTED),
        Kind.DAILY_DIGEST: digest(),
        Kind.INBOX_UNWELL: alarmed(Kind.INBOX_UNWELL),
        Kind.INBOX_WELL: alarmed(Kind.INBOX_WELL),
        Kind.LEDGER_SEALED: sealed(),
        Kind.VERIFICATION_FAILED: message(told("kyc_session_failed"), Kind.VERIFICATION_FAILED),
        Kind.VERIFIED: message(told("kyc_session_verified"), Kind.VERIFIED),
        Kind.EXPIRED: message(told("kyc_session_expired", user_id=party), Kind.EXPIRED),
        Kind.SESSION_CREATED: message(invited(), Kind.SESSION_CREATED),
    }


def _apart(kind: Kind, **columns: Any) -> Notification:
    pk: UUID = uuid4()
    fields = {"recipient": "compliance@example.test", "event_at": timezone.now(), **columns}
    return Notification(id=pk, kind=kind, message_id=f"<{pk}@example.test>", **fields)
