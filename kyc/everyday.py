"""What is done once a day, at a time of the desk's zone, by whichever worker is up then."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.utils import timezone


def local_day(at: datetime) -> date:
    """Return the day that it is then in the desk's zone."""
    return timezone.localdate(at, timezone.get_default_timezone())


def instant(day: date, wanted: time) -> datetime:
    """Return when that time of the day is.

    A time that comes twice that day counts when it comes first. One that the clocks leap over counts as much later as
    they leap, or, where that would be the next day, as much earlier: no day goes without.
    """
    at = datetime.combine(day, wanted, timezone.get_default_timezone())
    either = (at.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next(found for found in either if local_day(found) == day)


def day_due(at: datetime, wanted: time | None) -> date | None:
    """Return the day that it is then, from the wanted time on; None before it, and where none is wanted."""
    today = local_day(at)
    return today if wanted is not None and at >= instant(today, wanted) else None
