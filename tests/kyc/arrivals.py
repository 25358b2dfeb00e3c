"""Deliveries that came at given instants, without the webhook's own work: a rhythm needs many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db import connection

from kyc import inbox
from kyc.choices import AlarmKind, DeliverySource, DeliveryStatus
from kyc.figures import Figure
from kyc.models import Delivery

# A Monday.
MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def came(*instants: datetime, source: DeliverySource = DeliverySource.WEBHOOK, n_repeats: int = 0) -> None:
    """Keep a delivery for each instant, as an event that is not KYC: it touches nothing else."""
    Delivery.objects.bulk_create(
        Delivery(
            source=source,
            status=DeliveryStatus.IGNORED,
            n_bytes=2,
            sha256="0" * 64,
            event_id=uuid4(),
            event_name="payin_completed",
            received_at=at,
            n_repeats=n_repeats,
            last_repeat_at=at if n_repeats else None,
        )
        for at in instants
    )


def every(gap: timedelta, start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += gap


def office_hours(weeks: Iterable[int], gap: timedelta = 30 * MINUTE) -> Iterator[datetime]:
    """Yield an instant every few minutes from 9 to 18 UTC, Mondays to Fridays."""
    for week in weeks:
        for day in range(5):
            morning = MONDAY + week * WEEK + day * DAY + 9 * HOUR
            yield from every(gap, morning, morning + 9 * HOUR)


def figure(kind: AlarmKind, at: datetime) -> Figure:
    return inbox.health(at).figure(kind)


def silence(at: datetime) -> Figure:
    return figure(AlarmKind.SILENCE, at)


def explained(sql: str) -> str:
    """Return how the engine would read a large table: the plan of a statement with its values in it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {sql.replace('%', '%%')}")
        return "".join(f"{row[-1]}\n" for row in cursor.fetchall())
