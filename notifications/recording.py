"""What became of messages, written in groups: the tries that were made, the rows, and the ledger, or none of it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from kyc import ledger, tracing
from notifications import leases, outbox
from notifications.choices import AttemptOutcome, Status
from notifications.leases import FREE, all_held, held
from notifications.models import Attempt, Notification

logger = logging.getLogger(__name__)

LOST = "lost"
NEXT_LOOK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row in our hands. `said` is what it counts as; `columns` are what it changes besides."""

    row: Notification
    status: Status
    said: str
    attempt: Attempt | None = None
    because: str = ""
    columns: dict[str, Any] = field(default_factory=dict)


def sent(row: Notification, attempt: Attempt) -> Outcome:
    return Outcome(row, Status.SENT, Status.SENT.value, attempt)


def cancelled(row: Notification) -> Outcome:
    return Outcome(row, Status.CANCELLED, Status.CANCELLED.value)


def record(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Write what became of rows of one claim, and commit it; count what each came to.

    What another worker holds by now is left to it.
    """
    if not outcomes:
        return Counter()
    if twice(lambda: _write(outcomes)):
        for outcome in outcomes:
            row = outcome.row
            with tracing.about(notification=row.pk, session=row.session_id):
                logger.info("Notification %s: %s.", row.pk, outcome.said)
        return Counter(outcome.said for outcome in outcomes)
    gone = {row.pk for row in leases.lost([outcome.row for outcome in outcomes])}
    for pk in gone:
        with tracing.about(notification=pk):
            logger.warning("Notification %s: its lease ended before the outcome was known.", pk)
    ours = [outcome for outcome in outcomes if outcome.row.pk not in gone]
    return record(ours) + Counter({LOST: len(gone)})


def wait(row: Notification) -> str:
    """Let a row wait for a contact, unless one has woken it since it was claimed."""
    is_first_time = row.status != Status.WAITING
    later = timezone.now() + (outbox.FIRST_LOOK if is_first_time else NEXT_LOOK)
    where = held(row).filter(status=row.status)
    if where.update(status=Status.WAITING, next_attempt_at=outbox.not_too_soon(later), **FREE):
        return Status.WAITING.value
    leases.give_back([row])
    return LOST


def twice(write: Callable[[], bool]) -> bool:
    """Write, and once more after a deadlock or a lost connection: what was sent should not be sent again."""
    try:
        return write()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close_if_unusable_or_obsolete()
        return write()


def _write(outcomes: Sequence[Outcome]) -> bool:
    """Write all of it, or nothing when one row is not in our hands any more; return whether it was done.

    The ledger's heads come first, as in every transaction that takes both, so that none waits for another in a ring.
    """
    with transaction.atomic():
        # A failed try is told by its row; the ledger is for what is final or waits for a person.
        ledger.append_all([_act(outcome) for outcome in outcomes if outcome.status != Status.PENDING])
        Attempt.objects.bulk_create([outcome.attempt for outcome in outcomes if outcome.attempt])
        is_done = _update(outcomes) == len(outcomes)
        if not is_done:
            transaction.set_rollback(True)
    return is_done


def _update(outcomes: Sequence[Outcome]) -> int:
    were_sent = [outcome.row for outcome in outcomes if outcome.status == Status.SENT]
    n_done = _update_sent(were_sent) if were_sent else 0
    for outcome in outcomes:
        if outcome.status != Status.SENT:
            changes = {"next_attempt_at": None, **outcome.columns, "status": outcome.status, **FREE}
            n_done += held(outcome.row).update(**changes)
    return n_done


def _update_sent(rows: Sequence[Notification]) -> int:
    tries = Attempt.objects.filter(notification=OuterRef("pk"), outcome=AttemptOutcome.SENT)
    return all_held(rows).update(
        status=Status.SENT,
        sent_at=Subquery(tries.order_by("-id").values("at")[:1]),
        n_attempts=F("n_attempts") + 1,
        next_attempt_at=None,
        last_error="",
        **FREE,
    )


def _act(outcome: Outcome) -> ledger.Act:
    return outbox.act_on(outcome.row, outcome.status.value, because=outcome.because)
