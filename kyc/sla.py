"""When a review is due: the target's hours after it began, less the time for which it was paused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from kyc.calendars import LATEST, Calendar, week
from kyc.projection import Clock, Pause


def clock() -> Clock:
    """Return the clock that the settings ask for."""
    hours, target = settings.KYC_BUSINESS_HOURS, settings.KYC_REVIEW_SLA
    if not hours:
        return around_the_clock(target)
    return _in_business_hours(target, hours, settings.TIME_ZONE, settings.KYC_HOLIDAYS_COUNTRY)


def around_the_clock(target: timedelta) -> Clock:
    """Return a clock that runs by day and night."""
    return _running(target, after=_later, between=lambda start, end: end - start)


def in_business_hours(target: timedelta, calendar: Calendar) -> Clock:
    """Return a clock that runs while people work."""
    return _running(target, after=calendar.after, between=calendar.between)


@lru_cache(maxsize=8)
def _in_business_hours(target: timedelta, hours: str, zone: str, place: str) -> Clock:
    return in_business_hours(target, Calendar(week(hours), zone, place))


def _running(
    target: timedelta,
    *,
    after: Callable[[datetime, timedelta], datetime],
    between: Callable[[datetime, datetime], timedelta],
) -> Clock:
    def due(start: datetime, pauses: Sequence[Pause]) -> datetime:
        left = target
        due_at = after(start, left)
        for begin, end in pauses:
            if due_at <= begin:
                break
            if begin > start:
                left -= between(start, begin)
            start = max(start, end)
            due_at = after(start, left)
        return due_at

    return due


def _later(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return LATEST
