"""From a change of state, or an alarm, to rows in the outbox, inside the transaction that made it. Nothing is sent here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from kyc.choices import SessionState
from kyc.models import Contact, Delivery, InboxAlarm, Session, User
from kyc.signals import contact_changed, inbox_changed, session_change_told, session_changed, session_due
from notifications import outbox, recipients
from notifications.choices import Kind


def connect() -> None:
    """Listen to `kyc`; called once, when the app is ready."""
    session_change_told.connect(_tells, dispatch_uid="notifications.session_change_told")
    session_changed.connect(_tell, dispatch_uid="notifications.session_changed")
    session_due.connect(_remind, dispatch_uid="notifications.session_due")
    contact_changed.connect(_wake, dispatch_uid="notifications.contact_changed")
    inbox_changed.connect(_warn, dispatch_uid="notifications.inbox_changed")


def _tells(*, state: SessionState, **kwargs: Any) -> bool:
    """Return whether `_tell` writes anything for a new session in this state."""
    return state == SessionState.REJECTED or (state == SessionState.REVIEW and bool(recipients.team()))


def _tell(
    *, session: Session, old_state: SessionState | None, delivery: Delivery | None, **kwargs: Any
) -> None:
    received_at = delivery.received_at if delivery else timezone.now()
    if session.state == SessionState.REVIEW:
        outbox.put(session, Kind.REVIEW_OPENED, recipients.team(), received_at=received_at)
    # A round that a late event adds to a rejection is no news to the subject.
    elif session.state == SessionState.REJECTED and old_state != SessionState.REJECTED:
        subject = recipients.subject_of(session)
        outbox.put(
            session,
            Kind.VERIFICATION_FAILED,
            [subject] if subject else [],
            received_at=received_at,
            not_before=_undo_until(session, delivery),
        )
    if delivery is None and session.state != SessionState.REJECTED:
        outbox.cancel(session)


def _undo_until(session: Session, delivery: Delivery | None) -> datetime | None:
    """Return until when a message about this rejection waits, because the person who decided it may undo that.

    What Ralio rejected is told at once. In a dispute nothing is told: the session is in REVIEW. What had not left when
    the dispute began is cancelled, by the act that ends it otherwise or when its turn comes; a settlement that upholds
    the rejection is a decision of its own, so the message is due again, after this time, unless it had left before.
    """
    is_a_persons = delivery is None and session.decided_by_id is not None
    return timezone.now() + settings.KYC_UNDO if is_a_persons else None


def _remind(*, session: Session, kind: str, holder: User | None, **kwargs: Any) -> None:
    """Who holds the session is told of its due time, or else the team; of one that has passed the supervisors too."""
    told = recipients.of_person(holder) or recipients.team()
    if kind == Kind.OVERDUE:
        told = list(dict.fromkeys([*told, *recipients.supervisors()]))
    outbox.put_due(session, Kind(kind), told)


def _wake(*, contact: Contact, **kwargs: Any) -> None:
    recipient = recipients.of_contact(contact)
    if contact.email and recipient:
        outbox.wake(recipient)


def _warn(*, alarm: InboxAlarm, **kwargs: Any) -> None:
    if alarm.closed_at is None:
        outbox.put_alarm(alarm, Kind.INBOX_UNWELL, recipients.supervisors())
    else:
        # Who heard that something was wrong hears that it is over.
        told = alarm.notifications.filter(kind=Kind.INBOX_UNWELL).order_by("recipient")
        outbox.put_alarm(alarm, Kind.INBOX_WELL, list(told.values_list("recipient", flat=True)))
