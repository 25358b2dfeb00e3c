"""Who holds which row of the outbox: a worker, under a token, until it has recorded the outcome or its time is up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications.choices import AttemptOutcome
from notifications.models import IN_THE_OUTBOX, Attempt, Notification

# Longer than one message can take, which its channel says. Renewed when half of it is gone.
LEASE = timedelta(minutes=5)
FREE = {"lease_token": None, "leased_until": None}


def claim(limit: int, which: Q | None = None) -> list[Notification]:
    """Take due notifications, `which` of them, into our hands, most overdue first, and commit that.

    Of a row whose lease ended without a record nobody knows whether it was sent: that is recorded as a try.
    """
    due = _due(timezone.now()).filter(which or Q())
    # Reading first: on SQLite the transaction below takes the one write lock.
    if not due.exists():
        return []
    token, until = uuid4(), timezone.now() + LEASE
    with transaction.atomic():
        rows = list(due.select_for_update(skip_locked=True).order_by("next_attempt_at")[:limit])
        Attempt.objects.bulk_create(
            Attempt(notification=row, outcome=AttemptOutcome.LOST, answer="It may have been sent.")
            for row in rows
            if row.lease_token
        )
        chosen = Notification.objects.filter(pk__in=[row.pk for row in rows])
        chosen.update(lease_token=token, leased_until=until)
    for row in rows:
        row.lease_token, row.leased_until = token, until
    return rows


def held(row: Notification) -> QuerySet[Notification]:
    """Return the row while it is still in our hands: what is written through this is compared and set."""
    return Notification.objects.filter(pk=row.pk, lease_token=row.lease_token)


def all_held(rows: Iterable[Notification]) -> QuerySet[Notification]:
    """Return those of some rows of one claim that are still in our hands."""
    tokens = {row.lease_token for row in rows}
    return Notification.objects.filter(pk__in=[row.pk for row in rows], lease_token__in=tokens)


def renew(rows: Sequence[Notification]) -> list[Notification]:
    """Make sure that rows of one claim are ours for long enough; return those that another worker has taken up."""
    now = timezone.now()
    # They have been leased together.
    if not rows or (rows[0].leased_until and rows[0].leased_until - now > LEASE / 2):
        return []
    until = now + LEASE
    n_ours = all_held(rows).update(leased_until=until)
    for row in rows:
        row.leased_until = until
    return [] if n_ours == len(rows) else lost(rows)


def lost(rows: Sequence[Notification]) -> list[Notification]:
    """Return those of some rows of one claim that are not in our hands any more."""
    ours = set(all_held(rows).values_list("pk", flat=True))
    return [row for row in rows if row.pk not in ours]


def give_back(rows: Sequence[Notification]) -> None:
    if rows:
        all_held(rows).update(**FREE)


def _due(now: datetime) -> QuerySet[Notification]:
    is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    return Notification.objects.filter(IN_THE_OUTBOX, is_free, next_attempt_at__lte=now)
