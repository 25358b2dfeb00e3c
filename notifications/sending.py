"""Send what is due. Any number of workers may do so at once; one that is killed at any instant loses nothing.

1. Claim: due rows come under a lease with a token, and that is committed.
2. Send: outside any transaction, so that a slow server holds no row.
3. Record: the try and what came of it, if the token is still ours.

A lease that ended without a record is taken up by the next worker. The message may then leave twice, under the same
Message-ID; it is never lost.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from kyc.choices import SessionState
from kyc.models import Session
from notifications import disclosure, leases, outbox, recipients
from notifications.channels import Channel, NotSent, Refused, Unreachable
from notifications.channels.email import EmailChannel
from notifications.choices import ABOUT_DUE_TIMES, TO_SUBJECTS, AttemptOutcome, HoldCause, Kind, Status
from notifications.leases import FREE, held
from notifications.messages import compose
from notifications.models import Attempt, Notification

logger = logging.getLogger(__name__)

BATCH = 20
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(days=1)
# With the delays above: about six days.
MOST_TRIES = 16
NEXT_LOOK_FOR_A_CONTACT = timedelta(days=1)
# Of a message whose decision may still be undone.
PUT_OFF = "put off"


def send_due(
    limit: int = BATCH,
    *,
    channel: Channel | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Send one batch of what is due and return how many came to which status; an empty count means nothing was due.

    When `is_wanted` turns false the message in hand is finished and the rest is given back.
    """
    rows = leases.claim(limit)
    if not rows:
        return Counter()
    with channel or EmailChannel() as opened:
        return _send_all(rows, opened, is_wanted)


def backoff(n_attempts: int) -> timedelta:
    """Return how long to wait after the n-th failed try: a minute, doubled each time up to a day, less up to a fifth."""
    longest: timedelta = min(FIRST_RETRY * 2 ** min(n_attempts - 1, 20), LONGEST_RETRY)
    # Rows that failed together should not all come back at once.
    return longest * random.uniform(0.8, 1.0)  # noqa: S311


def _send_all(rows: list[Notification], channel: Channel, is_wanted: Callable[[], bool]) -> Counter[str]:
    tally: Counter[str] = Counter()
    fault: Unreachable | None = None
    for row in rows:
        if not is_wanted():
            leases.give_back(row)
        elif fault is not None:
            tally[_failed(row, fault)] += 1
        elif leases.renew(row):
            try:
                tally[_send(row, channel)] += 1
            except Unreachable as error:
                fault = error
                tally[_failed(row, fault)] += 1
    return tally


def _send(row: Notification, channel: Channel) -> str:
    """Send one message, or find out why it must not leave; return what became of it."""
    if (unwanted := _looked_up(row)) is not None:
        return unwanted
    addressee = recipients.addressee(row.recipient, row.kind)
    if addressee is None:
        # A subject's contact may come yet; a person whose business it is no more is not told.
        return _waits(row) if row.is_to_subject else _cancelled(row)
    if row.is_to_subject and _is_held_back(row):
        return _withheld(row, HoldCause.SUSPICION)
    try:
        answer = channel.send(compose(row, addressee))
    except Unreachable:
        raise
    except Exception as error:  # noqa: BLE001 - one message that cannot be written or sent must not stop the others
        return _failed(row, error)
    return _sent(row, answer)


def _looked_up(row: Notification) -> str | None:
    """Read the row's session as it is now; cancel or put off a message that must not leave, and return which.

    What may have become untrue is looked at under the session's lock. Whoever undoes a decision holds it, and looks at
    the clock only then: once it is ours after `not_before`, nothing that the message tells can be undone any more.
    """
    if row.session_id is None:
        return None
    if row.kind not in TO_SUBJECTS | ABOUT_DUE_TIMES:
        row.session = Session.objects.get(pk=row.session_id)
        return None
    with transaction.atomic():
        row.session = Session.objects.select_for_update().get(pk=row.session_id)
        if not _is_still_true(row):
            return _cancelled(row)
        # A dispute may have come and been settled since we claimed the row.
        row.refresh_from_db(fields=["not_before", "withheld_because", "released_at"])
        if row.not_before and row.not_before > timezone.now():
            leases.give_back(row)
            return PUT_OFF
    return None


def _is_still_true(row: Notification) -> bool:
    """A subject is told of a rejection only while the session is REJECTED, and only if it is still about them.

    A due time is told of only while the session is in REVIEW and due then; that it is near, only before it.
    """
    session = row.about_session
    if row.kind in ABOUT_DUE_TIMES:
        is_near = row.kind != Kind.DUE_SOON or row.event_at > timezone.now()
        return session.state == SessionState.REVIEW and session.due_at == row.event_at and is_near
    return session.state == SessionState.REJECTED and recipients.subject_of(session) == row.recipient


def _is_held_back(row: Notification) -> bool:
    """Under a suspicion nothing reaches the subject until a person has released it for just that."""
    is_released = row.released_at is not None and row.withheld_because == HoldCause.SUSPICION
    return not is_released and disclosure.is_under_suspicion(row.about_session)


def _sent(row: Notification, answer: str) -> str:
    attempt = _attempt(row, AttemptOutcome.SENT, answer)
    return _recorded(
        row, Status.SENT, attempt, n_attempts=row.n_attempts + 1, sent_at=attempt.at, last_error=""
    )


def _failed(row: Notification, error: Exception) -> str:
    """Record a failed try: another one follows, unless the message was refused or had its share of tries."""
    # Only a channel's own words are free of personal data.
    answer = str(error) if isinstance(error, NotSent) else f"Not sent: {type(error).__name__}."
    is_refused = isinstance(error, Refused)
    attempt = _attempt(row, AttemptOutcome.REFUSED if is_refused else AttemptOutcome.FAILED, answer)
    n_attempts = row.n_attempts + 1
    if is_refused or n_attempts >= MOST_TRIES:
        return _recorded(row, Status.GAVE_UP, attempt, n_attempts=n_attempts, last_error=answer)
    later = outbox.not_too_soon(attempt.at + backoff(n_attempts))
    _recorded(row, Status.PENDING, attempt, n_attempts=n_attempts, next_attempt_at=later, last_error=answer)
    return AttemptOutcome.FAILED.value


def _attempt(row: Notification, outcome: AttemptOutcome, answer: str) -> Attempt:
    logger.info("Notification %s: %s.", row.pk, outcome.value)
    return Attempt(notification=row, outcome=outcome, answer=answer)


def _waits(row: Notification) -> str:
    later = outbox.not_too_soon(timezone.now() + NEXT_LOOK_FOR_A_CONTACT)
    is_ours = held(row).update(status=Status.WAITING, next_attempt_at=later, **FREE) == 1
    return Status.WAITING.value if is_ours else _lost(row)


def _cancelled(row: Notification) -> str:
    return _recorded(row, Status.CANCELLED)


def _withheld(row: Notification, cause: HoldCause) -> str:
    hold: dict[str, Any] = {"withheld_because": cause, "released_at": None, "released_by": None}
    return _recorded(row, Status.WITHHELD, because=cause.value, **hold)


def _recorded(
    row: Notification, status: Status, attempt: Attempt | None = None, *, because: str = "", **columns: Any
) -> str:
    """Write what became of a row, with the try that was made, unless another worker holds it by now."""
    changes: dict[str, Any] = {"next_attempt_at": None, **columns, "status": status, **FREE}

    def write() -> bool:
        with transaction.atomic():
            # A failed try is told by its row; the ledger is for what is final or waits for a person.
            if status == Status.PENDING:
                is_ours = held(row).update(**changes) == 1
            else:
                is_ours = outbox.change(held(row), row, status.value, because=because, **changes)
            if is_ours and attempt:
                attempt.save()
        return is_ours

    return status.value if _twice(write) else _lost(row)


def _lost(row: Notification) -> str:
    logger.warning("Notification %s: its lease ended before the outcome was known.", row.pk)
    return "lost"


def _twice(write: Callable[[], bool]) -> bool:
    """Write, and once more after a deadlock or a lost connection: what was sent should not be sent again."""
    try:
        return write()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close_if_unusable_or_obsolete()
        return write()
