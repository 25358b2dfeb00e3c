"""Who holds which row of the outbox: a worker, under a token, until it has recorded the outcome or its time is up."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications.choices import AttemptOutcome
from notifications.models import IN_THE_OUTBOX, Attempt, Notification

# Longer than one message can take: the time-outs of all its answers together. Renewed when half of it is gone.
LEASE = timedelta(minutes=5)
FREE = {"lease_token": None, "leased_until": None}


def claim(limit: int) -> list[Notification]:
    """Take due notifications into our hands, most overdue first, and commit that.

    Of a row whose lease ended without a record nobody knows whether it was sent: that is recorded as a try.
    """
    due = _due(timezone.now())
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


def renew(row: Notification) -> bool:
    """Make sure that the row is ours for long enough; return False when another worker has taken it up."""
    now = timezone.now()
    if row.leased_until and row.leased_until - now > LEASE / 2:
        return True
    row.leased_until = now + LEASE
    return held(row).update(leased_until=row.leased_until) == 1


def give_back(row: Notification) -> None:
    held(row).update(**FREE)


def _due(now: datetime) -> QuerySet[Notification]:
    is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    return Notification.objects.filter(IN_THE_OUTBOX, is_free, next_attempt_at__lte=now)
