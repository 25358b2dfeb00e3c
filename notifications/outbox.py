"""Into the outbox, and back into it by hand. `notifications.sending` takes out what is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, Exists, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.encoding import punycode

from kyc import ledger
from kyc.models import InboxAlarm, Seal, Session, User
from kyc.models.digests import text_digest
from notifications import channels
from notifications import recipients as known
from notifications.choices import TO_SUBJECTS, TRUE_IN, WITH_OCCASION, HoldCause, Kind, Status
from notifications.models import IN_THE_OUTBOX, Notification

# News older than this when it reached us is withheld: a person judges whether it should still go out.
OLDEST_NEWS = timedelta(days=1)
# A contact may be committed while its waiting notification is being written, and neither sees the other: look again.
FIRST_LOOK = timedelta(minutes=1)
# Nobody has released it: a suspicion is judged anew.
UNRELEASED: dict[str, Any] = {"withheld_because": "", "released_at": None, "released_by": None}


def put(
    session: Session,
    kind: Kind,
    recipients: list[str],
    *,
    received_at: datetime,
    not_before: datetime | None = None,
    occasion: str = "",
    event_at: datetime | None = None,
) -> None:
    """Write one notification per recipient, and channel that tells them, about the session's present round, unless that was done before.

    `event_at` is when the session came to its state, unless another instant is given. None leaves before `not_before`. Call it inside the transaction that changed the session, which is locked. Costs
    two statements and the ledger's.
    """
    event_at = event_at or session.state_since
    is_late = event_at < received_at - OLDEST_NEWS
    _put(session, kind, recipients, event_at, is_late=is_late, not_before=not_before, occasion=occasion)


def put_news(
    session: Session,
    kind: Kind,
    recipients: list[str],
    *,
    occasion: str,
    event_at: datetime | None = None,
) -> None:
    """Write one notification per recipient of what happens at the desk now, unless that was done for this occasion.

    However late we are, that is news. Call it as `put`.
    """
    _put(session, kind, recipients, event_at or timezone.now(), is_late=False, occasion=occasion)


def _put(
    session: Session,
    kind: Kind,
    recipients: list[str],
    event_at: datetime,
    *,
    is_late: bool,
    not_before: datetime | None = None,
    occasion: str = "",
) -> None:
    if not recipients:
        return
    about = {"session": session, "round": session.round, "occasion": occasion}
    before = Notification.objects.filter(**about, kind=kind)
    if kind in TO_SUBJECTS:
        before = before.filter(recipient__in=recipients)
    was_written, is_reachable = _facts(session, before, kind, recipients)
    if was_written:
        _revive(session, kind, before.filter(recipient__in=recipients), event_at, not_before)
        return
    rows = _rows(kind, recipients, event_at, not_before=not_before, **about)
    if not rows:
        return
    for row in rows:
        _place(row, is_late=is_late, is_reachable=is_reachable)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    ledger.append(
        ledger.session_chain(session.pk),
        "notification.created",
        kind=kind.value,
        round=session.round,
        status=str(rows[0].status),
        notifications=[{"id": str(row.pk), "to": _unnamed(row)} for row in rows],
    )


def cancel(session: Session) -> int:
    """Cancel what is to tell the subject of a state that a person has ended; return how many that were.

    Call it inside the transaction that changed the session, which is locked. A decision is undone before `not_before`,
    and nobody claims a message before it is due, so that none of these is in a worker's hands; one that is about an
    older rejection may be, and its worker finds out by itself.
    """
    untrue = [kind for kind in TO_SUBJECTS if session.state not in TRUE_IN[kind]]
    waiting = Notification.objects.filter(
        IN_THE_OUTBOX, session=session, kind__in=untrue, lease_token__isnull=True
    )
    return sum(
        change(waiting.filter(pk=row.pk), row, "cancelled", status=Status.CANCELLED, next_attempt_at=None)
        for row in waiting.order_by("pk")
    )


def put_alarm(alarm: InboxAlarm, kind: Kind, recipients: list[str]) -> None:
    """Write one notification per recipient about an alarm. Call it inside the transaction that opened or closed it."""
    if not recipients:
        return
    event_at = alarm.closed_at if kind == Kind.INBOX_WELL and alarm.closed_at else alarm.opened_at
    rows = _rows(kind, recipients, event_at, alarm=alarm)
    if not rows:
        return
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


def put_digests(day: date, recipients: list[str], *, due_at: datetime) -> int:
    """Write the day's digests, all of them in one transaction, unless that was done before; return how many that were.

    Whoever comes second waits for the ledger's head, and then finds them there.
    """
    if not recipients:
        return 0
    rows = _rows(Kind.DAILY_DIGEST, recipients, due_at, occasion=day.isoformat())
    if not rows:
        return 0
    for row in rows:
        _place(row, is_late=False, is_reachable=True)
    with transaction.atomic():
        ledger.append(
            ledger.SYSTEM,
            "notification.created",
            kind=Kind.DAILY_DIGEST.value,
            day=day.isoformat(),
            notifications=[{"id": str(row.pk), "to": _unnamed(row)} for row in rows],
        )
        if Notification.objects.filter(kind=Kind.DAILY_DIGEST, occasion=day.isoformat()).exists():
            transaction.set_rollback(True)
            return 0
        Notification.objects.bulk_create(rows)
    return len(rows)


def put_seal(seal: Seal, recipients: list[str]) -> None:
    """Write one notification per recipient about a seal of the ledger. Call it inside the transaction that made it."""
    rows = _rows(Kind.LEDGER_SEALED, recipients, seal.at, occasion=f"seal {seal.number}")
    if not rows:
        return
    for row in rows:
        _place(row, is_late=False, is_reachable=True)
    Notification.objects.bulk_create(rows)
    ledger.append(
        ledger.SYSTEM,
        "notification.created",
        kind=Kind.LEDGER_SEALED.value,
        seal=seal.number,
        notifications=[{"id": str(row.pk), "to": _unnamed(row)} for row in rows],
    )


def wake(recipient: str) -> int:
    """Make due what waited for this subject's contact; return how many that were. Withheld ones stay withheld.

    One that a worker holds is left in its hands: it may have seen the contact, and sends. If not it finds out by the
    status, and gives the row back.
    """
    return Notification.objects.filter(status=Status.WAITING, recipient=recipient).update(
        status=Status.PENDING, next_attempt_at=not_too_soon(timezone.now())
    )


def not_too_soon(at: datetime) -> Greatest:
    """Return that instant, or the row's `not_before` where that is later."""
    wanted = Value(at, output_field=DateTimeField())
    return Greatest(wanted, Coalesce("not_before", wanted))


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
        next_attempt_at=not_too_soon(now),
        released_at=now,
        released_by=by,
    )


def retriable() -> Q:
    """What a person may put back: what gave up, and what waits for its next try in nobody's hands.

    Not what waits for the time to undo a decision: that is nobody's to shorten.
    """
    now = timezone.now()
    waits = Q(status=Status.PENDING, lease_token__isnull=True, next_attempt_at__gt=now)
    may_leave = Q(not_before__isnull=True) | Q(not_before__lte=now)
    return may_leave & (Q(status=Status.GAVE_UP) | waits)


def try_again(notification: Notification, *, by: User) -> bool:
    """Send at the next sweep what gave up or waits for its next try; return False when it is neither."""
    return change(
        Notification.objects.filter(retriable(), pk=notification.pk),
        notification,
        "retried",
        actor=by,
        status=Status.PENDING,
        next_attempt_at=not_too_soon(timezone.now()),
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
    entry = act_on(notification, act, because=because)
    with transaction.atomic():
        ledger.append(entry.chain, entry.action, actor=actor, **entry.detail)
        is_done = where.update(**columns) == 1
        if not is_done:
            transaction.set_rollback(True)
    return is_done


def act_on(notification: Notification, act: str, *, because: str = "") -> ledger.Act:
    """Return what the ledger says of an act on a notification."""
    detail: dict[str, ledger.Detail] = {"notification": str(notification.pk), "kind": str(notification.kind)}
    detail |= {"alarm": notification.alarm_id} if notification.alarm_id else {"round": notification.round}
    if because:
        detail["because"] = because
    return ledger.Act(_chain(notification), f"notification.{act}", detail)


def message_domain() -> str:
    """Return the domain of our message ids, short enough that no mail library breaks the line inside an id."""
    return _domain_of(settings.DEFAULT_FROM_EMAIL)


@lru_cache(maxsize=8)
def _domain_of(sender: str) -> str:
    _, has_domain, domain = parseaddr(sender)[1].rpartition("@")
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
    # A session that has just come has no past. The team's addresses are at hand.
    has_past = session.version > 1 or kind in WITH_OCCASION
    return has_past and before.exists(), True


def _rows(kind: Kind, recipients: Iterable[str], event_at: datetime, **about: Any) -> list[Notification]:
    """Return a new row for each recipient, and each channel by which they are told of this kind."""
    return [
        _row(kind, recipient, event_at, channel=channel, **about)
        for recipient in recipients
        for channel in channels.taking(kind, recipient)
    ]


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
        row.status, row.next_attempt_at = Status.PENDING, row.not_before or row.created_at
    else:
        row.status = Status.WAITING
        row.next_attempt_at = max(row.created_at + FIRST_LOOK, row.not_before or row.created_at)


def _revive(
    session: Session,
    kind: Kind,
    before: QuerySet[Notification],
    event_at: datetime,
    not_before: datetime | None,
) -> None:
    """Make due again what was cancelled because the session had left the state that it has come back to.

    What has not left yet tells of the newest decision, and waits until that cannot be undone any more.
    """
    if not_before is not None:
        before.filter(status__in=[Status.WITHHELD, Status.GAVE_UP]).update(not_before=not_before)
        before.filter(IN_THE_OUTBOX).update(
            not_before=not_before,
            next_attempt_at=Greatest("next_attempt_at", Value(not_before, output_field=DateTimeField())),
            event_at=event_at,
            **UNRELEASED,
        )
    n_revived = before.filter(status=Status.CANCELLED).update(
        status=Status.PENDING,
        not_before=not_before,
        next_attempt_at=not_before or timezone.now(),
        event_at=event_at,
        **UNRELEASED,
    )
    if n_revived:
        chain = ledger.session_chain(session.pk)
        ledger.append(chain, "notification.revived", kind=kind.value, round=session.round)


def _unnamed(row: Notification) -> str:
    """Name the recipient without an address: a digest of a team's, a subject's part in the session, a person's id."""
    if known.is_person(row.recipient):
        return row.recipient
    return row.recipient.partition(":")[0] if row.is_to_subject else str(text_digest(row.recipient))
