"""Into the outbox, and back into it by hand. `notifications.sending` takes out what is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Q, QuerySet
from django.utils import timezone
from django.utils.encoding import punycode

from kyc import ledger
from kyc.models import InboxAlarm, Session, User
from kyc.models.digests import text_digest
from notifications import recipients as known
from notifications.choices import TO_SUBJECTS, HoldCause, Kind, Status
from notifications.models import Notification

# News older than this when it reached us is withheld: a person judges whether it should still go out.
OLDEST_NEWS = timedelta(days=1)
# A contact may be committed while its waiting notification is being written, and neither sees the other: look again.
FIRST_LOOK = timedelta(minutes=1)


def put(session: Session, kind: Kind, recipients: list[str], *, received_at: datetime) -> None:
    """Write one notification per recipient about the session's present round, unless that was done before.

    Call it inside the transaction that changed the session, which is locked. Costs two statements and the ledger's.
    """
    if not recipients:
        return
    before = Notification.objects.filter(session=session, round=session.round, kind=kind)
    was_written, is_reachable = _facts(session, before, kind, recipients)
    if was_written:
        _revive(before)
        return
    rows = [
        _row(kind, recipient, session.state_since, session=session, round=session.round)
        for recipient in recipients
    ]
    for row in rows:
        _place(row, is_late=session.state_since < received_at - OLDEST_NEWS, is_reachable=is_reachable)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    ledger.append(
        ledger.session_chain(session.pk),
        "notification.created",
        kind=kind.value,
        round=session.round,
        status=str(rows[0].status),
        notifications=[{"id": str(row.pk), "to": _unnamed(row)} for row in rows],
    )


def put_alarm(alarm: InboxAlarm, kind: Kind, recipients: list[str]) -> None:
    """Write one notification per recipient about an alarm. Call it inside the transaction that opened or closed it."""
    if not recipients:
        return
    event_at = alarm.closed_at if kind == Kind.INBOX_WELL and alarm.closed_at else alarm.opened_at
    rows = [_row(kind, recipient, event_at, alarm=alarm) for recipient in recipients]
    for row in rows:
        _place(row, is_late=False, is_reachable=True)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    ledger.append(
        ledger.SYSTEM,
        "notification.created",
        alarm=alarm.pk,
        kind=kind.value,
        notifications=[{"id": str(row.pk), "to": _unnamed(row)} for row in rows],
    )


def wake(recipient: str) -> int:
    """Make due what waited for this subject's contact; return how many that were. Withheld ones stay withheld."""
    return Notification.objects.filter(status=Status.WAITING, recipient=recipient).update(
        status=Status.PENDING, next_attempt_at=timezone.now(), lease_token=None, leased_until=None
    )


def release(notification: Notification, *, by: User) -> bool:
    """Let a withheld notification go; return False when it was not withheld any more."""
    now = timezone.now()
    return change(
        Notification.objects.filter(pk=notification.pk, status=Status.WITHHELD),
        notification,
        "released",
        actor=by,
        because=str(notification.withheld_because),
        status=Status.PENDING,
        next_attempt_at=now,
        released_at=now,
        released_by=by,
    )


def retriable() -> Q:
    """What a person may put back: what gave up, and what waits for its next try in nobody's hands."""
    waits = Q(status=Status.PENDING, lease_token__isnull=True, next_attempt_at__gt=timezone.now())
    return Q(status=Status.GAVE_UP) | waits


def try_again(notification: Notification, *, by: User) -> bool:
    """Send at the next sweep what gave up or waits for its next try; return False when it is neither."""
    return change(
        Notification.objects.filter(retriable(), pk=notification.pk),
        notification,
        "retried",
        actor=by,
        status=Status.PENDING,
        next_attempt_at=timezone.now(),
        n_attempts=0,
    )


def change(
    where: QuerySet[Notification],
    notification: Notification,
    act: str,
    *,
    actor: User | None = None,
    because: str = "",
    **columns: Any,
) -> bool:
    """Update one notification and record the act, if the row is still as `where` says; return whether it was.

    The ledger's head comes first, as in every transaction that takes both, so that none waits for another in a ring.
    """
    detail: dict[str, ledger.Detail] = (
        {"alarm": notification.alarm_id} if notification.alarm_id else {"round": notification.round}
    )
    if because:
        detail["because"] = because
    with transaction.atomic():
        ledger.append(
            _chain(notification),
            f"notification.{act}",
            actor=actor,
            notification=str(notification.pk),
            kind=str(notification.kind),
            **detail,
        )
        is_done = where.update(**columns) == 1
        if not is_done:
            transaction.set_rollback(True)
    return is_done


def message_domain() -> str:
    """Return the domain of our message ids, short enough that no mail library breaks the line inside an id."""
    _, has_domain, domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")
    domain = punycode(domain) if has_domain else "localhost"
    while len(domain) > 40 and "." in domain:
        domain = domain.partition(".")[2]
    return domain


def _facts(
    session: Session, before: QuerySet[Notification], kind: Kind, recipients: Iterable[str]
) -> tuple[bool, bool]:
    """Return whether this was written before, and whether its reader can be reached: one statement at most."""
    if kind in TO_SUBJECTS:
        (subject,) = recipients
        contact = Exists(known.contacts_of(subject))
        facts: tuple[bool, bool] = (
            Session.objects.filter(pk=session.pk).values_list(Exists(before), contact).get()
        )
        return facts
    # In its first version a session has no past, and the team's addresses are at hand.
    return session.version > 1 and before.exists(), True


def _row(kind: Kind, recipient: str, event_at: datetime, **about: Any) -> Notification:
    pk = uuid4()
    return Notification(
        id=pk,
        kind=kind,
        recipient=recipient,
        event_at=event_at,
        message_id=f"<{pk}@{message_domain()}>",
        **about,
    )


def _chain(notification: Notification) -> str:
    """Return the chain that a notification's acts stand on: its session's, or the system's."""
    if notification.session_id is None:
        return ledger.SYSTEM
    return ledger.session_chain(notification.session_id)


def _place(row: Notification, *, is_late: bool, is_reachable: bool) -> None:
    if is_late:
        row.status, row.withheld_because = Status.WITHHELD, HoldCause.LATE
    elif is_reachable:
        row.status, row.next_attempt_at = Status.PENDING, row.created_at
    else:
        row.status, row.next_attempt_at = Status.WAITING, row.created_at + FIRST_LOOK


def _revive(before: QuerySet[Notification]) -> None:
    """Make due again what was cancelled because the session had left the state that it has come back to."""
    before.filter(status=Status.CANCELLED).update(status=Status.PENDING, next_attempt_at=timezone.now())


def _unnamed(row: Notification) -> str:
    """Name the recipient without an address: a digest of a team's, a subject's part in the session, a person's id."""
    if known.is_person(row.recipient):
        return row.recipient
    return row.recipient.partition(":")[0] if row.is_to_subject else str(text_digest(row.recipient))
