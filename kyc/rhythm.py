"""How often the sender usually delivers, and how long a silence is longer than that.

Deliveries closer together than a burst count as one occasion. From the instant that corresponds to the last delivery,
one to four weeks ago, it took so long until ten occasions had come: that is ten usual gaps, at that time of the week.
A night or a weekend in which nothing ever comes is within them, and an hour at noon may not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Subquery

from kyc.choices import DeliverySource
from kyc.models import Delivery

WEEK = timedelta(weeks=1)
WEEKS = (1, 2, 3, 4)
# For a sender so slow that four weeks do not hold ten occasions.
LONGER_AGO = (8, 16, 32, 64)
# Until the desk has seen each day of the week once, no silence is shorter than a long weekend.
FIRST_WEEK = timedelta(days=3)
# Repeats are read from the newest deliveries that came again.
N_REPEATED = 200

# From each start on, the first instants with a delivery more than a burst apart: one step, one look into the index.
_OCCASIONS = """
WITH RECURSIVE step (start, n, at) AS (
    {starts}
    UNION ALL
    SELECT start, n + 1, (
        SELECT received_at FROM kyc_delivery
        WHERE source = %s AND received_at > {after_a_burst} ORDER BY received_at LIMIT 1
    ) FROM step WHERE n < %s AND at IS NOT NULL
)
SELECT start, at FROM step WHERE n = %s AND at IS NOT NULL
"""
_START = {"sqlite": "SELECT {}, 0, %s", "postgresql": "SELECT {}, 0, %s::timestamptz"}
_AFTER_A_BURST = {
    "sqlite": "django_format_dtdelta('+', at, %s)",
    "postgresql": "at + %s * interval '1 microsecond'",
}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the sender was heard last, on the occasion `before` that, and first; `gap` is the usual one from there on.

    What was heard is what came through the webhook and was signed, repeats and quarantined deliveries too. `gap` is
    None while there are too few deliveries to know.
    """

    first: datetime | None = None
    last: datetime | None = None
    before: datetime | None = None
    gap: timedelta | None = None

    @property
    def is_young(self) -> bool:
        """Return True while not every day of the week has been seen."""
        return self.first is None or self.last is None or self.last - self.first < WEEK

    @property
    def limit(self) -> timedelta | None:
        """Return how long a silence may be."""
        if self.gap is None:
            return None
        limit: timedelta = self.gap * settings.KYC_INBOX_SILENCE_GAPS
        return max(limit, FIRST_WEEK) if self.is_young else limit


def burst() -> timedelta:
    """Return how close together deliveries count as one: as many such gaps as make a silence make the shortest one."""
    gap: timedelta = settings.KYC_INBOX_SILENCE / settings.KYC_INBOX_SILENCE_GAPS
    return gap


def rhythm() -> Rhythm:
    """Return the sender's rhythm as the deliveries tell it: four statements, of a bounded number of rows each."""
    came = Delivery.objects.filter(source=DeliverySource.WEBHOOK)
    oldest = came.order_by("received_at").values("received_at")[:1]
    newest = came.order_by("-received_at").values_list("received_at", Subquery(oldest)).first()
    if newest is None:
        return Rhythm()
    last, first = max([newest[0], *_repeats(came)]), newest[1]
    before = came.filter(received_at__lt=last - burst()).order_by("-received_at")
    gaps = _gaps(first, last)
    gap = gaps / settings.KYC_INBOX_SILENCE_GAPS if gaps else None
    return Rhythm(first, last, before.values_list("received_at", flat=True).first(), gap)


def _repeats(came: QuerySet[Delivery]) -> list[datetime]:
    repeated = came.filter(n_repeats__gt=0, last_repeat_at__isnull=False).order_by("-id")
    return [at for at in repeated.values_list("last_repeat_at", flat=True)[:N_REPEATED] if at]


def _gaps(first: datetime, last: datetime) -> timedelta | None:
    """Return how long it usually takes, from such a time of the week as `last`, until enough occasions have come."""
    starts = [last - n * WEEK for n in (*WEEKS, *LONGER_AGO)]
    took = _took([start if start >= first else None for start in starts] + [first])
    weekly = sorted(span for span in took[: len(WEEKS)] if span)
    if weekly:
        # One week of several may have been a silence of its own.
        return weekly[-2] if len(weekly) > 2 else weekly[-1]
    return next((span for span in took[len(WEEKS) :] if span), None)


def _took(starts: list[datetime | None]) -> list[timedelta | None]:
    """Return how long after each start enough occasions had come, or None where they have not."""
    known = {n: start for n, start in enumerate(starts) if start}
    start = _START[connection.vendor]
    sql = _OCCASIONS.format(
        starts=" UNION ALL ".join(start.format(n) for n in known),
        after_a_burst=_AFTER_A_BURST[connection.vendor],
    )
    adapt = connection.ops.adapt_datetimefield_value
    n_gaps, gap = settings.KYC_INBOX_SILENCE_GAPS, burst() // timedelta(microseconds=1)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*map(adapt, known.values()), DeliverySource.WEBHOOK.value, gap, n_gaps, n_gaps])
        ends = {n: _instant(at) for n, at in cursor.fetchall()}
    return [ends[n] - known[n] if n in ends else None for n in range(len(starts))]


def _instant(at: datetime | str) -> datetime:
    """Return an instant as the engine's driver gives it: SQLite's without a zone, perhaps as text."""
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    return known if known.tzinfo else known.replace(tzinfo=UTC)
