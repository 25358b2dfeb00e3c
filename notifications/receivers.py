"""From a change of state, or an alarm, to rows in the outbox, inside the transaction that made it. Nothing is sent here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.utils import timezone

from kyc import invitations
from kyc.choices import SessionState
from kyc.models import Contact, Delivery, InboxAlarm, Seal, Session, User
from kyc.signals import (
    contact_changed,
    inbox_changed,
    ledger_sealed,
    session_change_told,
    session_changed,
    session_due,
    session_invited,
    session_referred,
    subject_erased,
)
from notifications import outbox, recipients
from notifications.choices import TO_SUBJECTS, TOLD_OF_STATE, TRUE_IN, Kind, Status
from notifications.models import IN_THE_OUTBOX, Attempt, Notification, Preference


def connect() -> None:
    """Listen to `kyc`, and to what people may and want to hear of; called once, when the app is ready."""
    session_change_told.connect(_tells, dispatch_uid="notifications.session_change_told")
    session_changed.connect(_tell, dispatch_uid="notifications.session_changed")
    session_due.connect(_remind, dispatch_uid="notifications.session_due")
    session_referred.connect(_refer, dispatch_uid="notifications.session_referred")
    session_invited.connect(_invite, dispatch_uid="notifications.session_invited")
    contact_changed.connect(_wake, dispatch_uid="notifications.contact_changed")
    inbox_changed.connect(_warn, dispatch_uid="notifications.inbox_changed")
    ledger_sealed.connect(_send_out, dispatch_uid="notifications.ledger_sealed")
    subject_erased.connect(_erase, dispatch_uid="notifications.subject_erased")
    for changed in (Preference, User):
        post_save.connect(recipients.forget, changed, dispatch_uid="notifications.forget")
        post_delete.connect(recipients.forget, changed, dispatch_uid="notifications.forget")
    for granted in (User.groups.through, Group.permissions.through):
        m2m_changed.connect(recipients.forget, granted, dispatch_uid="notifications.forget")


def _tells(*, state: SessionState, **kwargs: Any) -> bool:
    """Return whether `_tell` writes anything for a new session in this state."""
    if kind := TOLD_OF_STATE.get(state):
        return kind in settings.KYC_SUBJECT_MAILS
    return state == SessionState.REVIEW and recipients.anybody_at_once(Kind.REVIEW_OPENED)


def _tell(
    *,
    session: Session,
    old_state: SessionState | None,
    delivery: Delivery | None,
    by: User | None,
    **kwargs: Any,
) -> None:
    received_at = delivery.received_at if delivery else timezone.now()
    if session.is_disputed:
        told = recipients.at_once(Kind.DISPUTED, less=by, session=session)
        outbox.put_news(
            session, Kind.DISPUTED, told, occasion=f"event of {session.last_event_at.isoformat()}"
        )
    elif session.state == SessionState.REVIEW:
        told = recipients.at_once(Kind.REVIEW_OPENED, less=by, session=session)
        outbox.put(session, Kind.REVIEW_OPENED, told, received_at=received_at)
    # A round that a late event adds to a final state is no news to the subject.
    elif old_state != session.state and (kind := TOLD_OF_STATE.get(SessionState(session.state))):
        _tell_subject(session, kind, received_at=received_at, not_before=_undo_until(session, delivery))
    if delivery is None:
        outbox.cancel(session)


def _tell_subject(session: Session, kind: Kind, **how: Any) -> None:
    """Tell the subject, as `outbox.put` does, if there is a single one and the desk is to tell them such things."""
    subject = recipients.subject_of(session)
    if subject and kind in settings.KYC_SUBJECT_MAILS:
        outbox.put(session, kind, [subject], **how)


def _undo_until(session: Session, delivery: Delivery | None) -> datetime | None:
    """Return until when a message about a decision waits, because the person who made it may undo that.

    What Ralio decided is told at once. In a dispute nothing is told: the session is in REVIEW. What had not left when
    the dispute began is cancelled, by the act that ends it otherwise or when its turn comes; a settlement that upholds
    the decision is one of its own, so the message is due again, after this time, unless it had left before.
    """
    is_a_persons = delivery is None and session.decided_by_id is not None
    return timezone.now() + settings.KYC_UNDO if is_a_persons else None


def _remind(*, session: Session, kind: str, holder: User | None, **kwargs: Any) -> None:
    """Who holds the session is told of its due time, or else the team, and whoever wants to hear of each."""
    assert session.due_at is not None, "A session in review is due."  # noqa: S101
    told = recipients.of_due_time(Kind(kind), holder, session)
    occasion = session.due_at.astimezone(UTC).isoformat()
    outbox.put_news(session, Kind(kind), told, occasion=occasion, event_at=session.due_at)


def _refer(
    *, session: Session, kind: str, occasion: str, by: User | None, to: User | None, **kwargs: Any
) -> None:
    """Those who may take it up are told, or the one who is asked, but never the person who asks."""
    told = recipients.at_once(Kind(kind), less=by, to=to, session=session)
    outbox.put_news(session, Kind(kind), told, occasion=occasion)


def _invite(*, session: Session, delivery: Delivery, **kwargs: Any) -> None:
    """Another link is another message; the same one that comes again is not."""
    is_open = session.state in TRUE_IN[Kind.SESSION_CREATED]
    if is_open and (invitation := invitations.of_delivery(delivery)):
        _tell_subject(
            session,
            Kind.SESSION_CREATED,
            received_at=delivery.received_at,
            event_at=delivery.event_at,
            occasion=invitation.name,
        )


def _wake(*, contact: Contact, **kwargs: Any) -> None:
    recipient = recipients.of_contact(contact)
    if contact.email and recipient:
        outbox.wake(recipient)


def _warn(*, alarm: InboxAlarm, **kwargs: Any) -> None:
    if alarm.closed_at is None:
        outbox.put_alarm(alarm, Kind.INBOX_UNWELL, recipients.of_alarm(Kind.INBOX_UNWELL))
    else:
        # Who heard that something was wrong hears that it is over.
        heard = alarm.notifications.filter(kind=Kind.INBOX_UNWELL).order_by("recipient").distinct()
        told = recipients.still_at_once(Kind.INBOX_WELL, heard.values_list("recipient", flat=True))
        outbox.put_alarm(alarm, Kind.INBOX_WELL, told)


def _send_out(*, seal: Seal, **kwargs: Any) -> None:
    outbox.put_seal(seal, recipients.of_seals())


def _erase(*, sessions: list[UUID], at: datetime, **kwargs: Any) -> None:
    """What was said to whom stays; what mail servers said goes, and what has not left to a subject does not any more."""
    rows = Notification.objects.filter(session__in=sessions, erased_at=None)
    Attempt.objects.filter(notification__in=rows).update(answer="")
    unsent = rows.filter(IN_THE_OUTBOX | Q(status=Status.WITHHELD), kind__in=sorted(TO_SUBJECTS))
    unsent.update(status=Status.CANCELLED, next_attempt_at=None, lease_token=None, leased_until=None)
    rows.update(last_error="", erased_at=at)
