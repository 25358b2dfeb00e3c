"""Which of the messages in our hands may leave, as things stand now, and to whom: asked for a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from kyc import invitations
from kyc.choices import SessionState
from kyc.models import Session
from notifications import daily, disclosure, leases, recipients
from notifications.choices import (
    ABOUT_DAYS,
    ABOUT_DUE_TIMES,
    ABOUT_SEALS,
    TO_SUBJECTS,
    TRUE_IN,
    HoldCause,
    Kind,
    Status,
)
from notifications.models import Notification
from notifications.recipients import Addressee
from notifications.recording import Outcome, cancelled

type End = Callable[[Sequence[Outcome]], None]

# Whatever becomes of the session, that it came to review stays so; the message says where it is now. A seal is for ever.
ALWAYS_TRUE = frozenset({Kind.REVIEW_OPENED, *ABOUT_SEALS})


@dataclass(slots=True)
class Judged:
    """What may leave, in the order it came, and what may not: put off, without a contact, unclear, or of another outcome."""

    leaves: list[tuple[Notification, Addressee]] = field(default_factory=list)
    put_off: list[Notification] = field(default_factory=list)
    unreachable: list[Notification] = field(default_factory=list)
    unclear: list[tuple[Notification, Exception]] = field(default_factory=list)
    settled: list[Outcome] = field(default_factory=list)


def judge(rows: Sequence[Notification], end: End) -> Judged:
    """Read the rows' sessions as they are now, and say which messages may leave.

    What has become untrue is ended by `end` while its session is still locked: who comes back to the state that it
    tells of finds it cancelled, and makes it due again.
    """
    judged = Judged()
    true = _still_true(rows, judged, end)
    found = recipients.addressees([(row.recipient, row.kind, row.session) for row in true])
    reached = [(row, addressee) for row, addressee in zip(true, found, strict=True) if addressee]
    suspect = _held_back([row for row, _ in reached])
    judged.leaves = [(row, addressee) for row, addressee in reached if row.pk not in suspect]
    judged.settled += [_withheld(row) for row, _ in reached if row.pk in suspect]
    for row, addressee in zip(true, found, strict=True):
        if addressee is None:
            # A subject's contact may come yet; a person whose business it is no more is not told.
            if row.is_to_subject:
                judged.unreachable.append(row)
            else:
                judged.settled.append(cancelled(row))
    return judged


def _still_true(rows: Sequence[Notification], judged: Judged, end: End) -> list[Notification]:
    """Return the rows that still tell the truth and need not wait, with their sessions.

    What may have become untrue is looked at under its session's lock. Whoever undoes a decision holds that, and looks
    at the clock only then: once it is ours after `not_before`, nothing that the message tells can be undone any more.
    """
    _attach(Session.objects.all(), [row for row in rows if row.kind in ALWAYS_TRUE])
    stale = _not_true([row for row in rows if row.kind in ABOUT_DAYS], judged, end)
    rows = [row for row in rows if row.pk not in stale]
    may_change = [row for row in rows if row.session_id and row.kind not in ALWAYS_TRUE]
    if not may_change:
        return list(rows)
    with transaction.atomic():
        # In one order for all who lock several, and nobody who only refers to a session has to wait.
        _attach(Session.objects.select_for_update(no_key=True).order_by("pk"), may_change)
        _read_again(may_change)
        gone = _not_true(may_change, judged, end)
        now = timezone.now()
        may_wait = [row for row in may_change if row.pk not in gone]
        judged.put_off = [row for row in may_wait if row.not_before and row.not_before > now]
        leases.give_back(judged.put_off)
    gone |= {row.pk for row in judged.put_off}
    return [row for row in rows if row.pk not in gone]


def _not_true(rows: Sequence[Notification], judged: Judged, end: End) -> set[UUID]:
    """End what is not true any more; return the keys of these, and of those where that cannot be told."""
    untrue = []
    for row in rows:
        try:
            if not is_still_true(row):
                untrue.append(row)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one row that cannot be judged must not stop the others
            judged.unclear.append((row, error))
    if untrue:
        end([cancelled(row) for row in untrue])
    return {row.pk for row in [*untrue, *(row for row, _ in judged.unclear)]}


def _attach(sessions: QuerySet[Session], rows: Sequence[Notification]) -> None:
    found = {session.pk: session for session in sessions.filter(pk__in={row.session_id for row in rows})}
    for row in rows:
        if row.session_id:
            row.session = found[row.session_id]


def _read_again(rows: Sequence[Notification]) -> None:
    """A dispute may have come and been settled since we claimed the rows."""
    columns = ("pk", "not_before", "withheld_because", "released_at")
    now = {
        pk: facts
        for pk, *facts in Notification.objects.filter(pk__in=[row.pk for row in rows]).values_list(*columns)
    }
    for row in rows:
        row.not_before, row.withheld_because, row.released_at = now[row.pk]


def is_still_true(row: Notification) -> bool:
    """A subject is told of a state only while the session is in it, and only if it is still about them.

    A due time is told of only while the session is in REVIEW and due then; that it is near, only before it. That a
    session waits for somebody, only while it does; a link is sent only while it opens; a digest until the next is due.
    """
    if row.kind in ABOUT_DAYS:
        return daily.is_of_now(row)
    session, kind = row.about_session, Kind(row.kind)
    if kind in TO_SUBJECTS:
        is_theirs = recipients.subject_of(session) == row.recipient
        is_so = is_theirs and session.state in TRUE_IN[kind]
        return is_so and (kind != Kind.SESSION_CREATED or _opens_still(row))
    if session.state != SessionState.REVIEW:
        return False
    if kind in ABOUT_DUE_TIMES:
        is_near = kind != Kind.DUE_SOON or row.event_at > timezone.now()
        return session.due_at == row.event_at and is_near
    return _WAITS_FOR[kind](session)


def _opens_still(row: Notification) -> bool:
    """Return True while the link that the message is about is the session's newest, and has not expired."""
    invitation = invitations.of_session(row.about_session)
    if invitation is None or invitation.name != row.occasion:
        return False
    return invitation.expires_at is None or invitation.expires_at > timezone.now()


_WAITS_FOR: dict[Kind, Callable[[Session], bool]] = {
    Kind.ESCALATED: lambda session: session.escalated_at is not None,
    Kind.SECOND_REVIEW: lambda session: session.is_second_review,
    Kind.DISPUTED: lambda session: session.is_disputed,
}


def _held_back(rows: Sequence[Notification]) -> set[UUID]:
    """Under a suspicion nothing reaches the subject until a person has released it for just that."""
    unreleased = [row for row in rows if row.is_to_subject and not _is_released(row)]
    if not unreleased:
        return set()
    suspect = disclosure.under_suspicion({row.about_session.pk for row in unreleased})
    return {row.pk for row in unreleased if row.session_id in suspect}


def _is_released(row: Notification) -> bool:
    return row.released_at is not None and row.withheld_because == HoldCause.SUSPICION


def _withheld(row: Notification) -> Outcome:
    hold = {"withheld_because": HoldCause.SUSPICION, "released_at": None, "released_by": None}
    cause = HoldCause.SUSPICION.value
    return Outcome(row, Status.WITHHELD, Status.WITHHELD.value, because=cause, columns=hold)
