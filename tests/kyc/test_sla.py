"""The target's clock: around the clock or in business hours, paused while a session waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.calendars import LATEST, Calendar, holidays, week
from kyc.models import QueueFacet, Session
from kyc.projection import Pause
from kyc.sla import around_the_clock, clock, in_business_hours
from tests import wire

HOUR = timedelta(hours=1)
free_days = cache(holidays)
FRIDAY = datetime(2026, 3, 20, 16, tzinfo=UTC)
MONDAY = datetime(2026, 3, 23, tzinfo=UTC)
CALENDARS = [
    Calendar(week("Mon-Fri 09:00-17:30"), "UTC"),
    Calendar(week("Mon-Thu 09:00-14:00, Mon-Thu 15:00-18:00, Fri 09:00-14:00"), "Europe/Madrid", "ES-MD"),
    Calendar(week("Sun-Thu 00:00-24:00, Fri 23:30-24:00"), "America/New_York", "US"),
]


def at(hour: float, day: datetime = MONDAY) -> datetime:
    return day + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ([], at(9.5)),
        # Over the week-end nothing runs, so nothing is lost; from Monday on it is.
        ([(FRIDAY + 2 * HOUR, at(9))], at(9.5)),
        ([(FRIDAY + 2 * HOUR, at(12))], at(12.5)),
        ([(FRIDAY + HOUR, FRIDAY + 1.25 * HOUR)], at(9.75)),
        # Twice, at the start, and when it was due already.
        ([(FRIDAY, FRIDAY + HOUR), (at(9.5), at(10.5))], at(11.5)),
        ([(FRIDAY - HOUR, FRIDAY + HOUR)], at(10.5)),
        ([(at(9.5), at(12))], at(9.5)),
        ([(FRIDAY, LATEST)], LATEST),
    ],
)
def test_a_pause_moves_the_due_time_by_the_work_that_it_covers(pauses: list[Pause], due: datetime) -> None:
    calendar = Calendar(week("Mon-Fri 09:00-17:30"), "UTC")
    assert in_business_hours(2 * HOUR, calendar)(FRIDAY, pauses) == due


def test_around_the_clock_each_hour_counts() -> None:
    due = around_the_clock(24 * HOUR)
    assert due(FRIDAY, []) == FRIDAY + 24 * HOUR
    assert due(FRIDAY, [(FRIDAY + HOUR, FRIDAY + 3 * HOUR)]) == FRIDAY + 26 * HOUR
    assert due(FRIDAY, [(FRIDAY + 24 * HOUR, FRIDAY + 90 * HOUR)]) == FRIDAY + 24 * HOUR
    assert due(LATEST, []) == due(FRIDAY, [(FRIDAY, LATEST)]) == LATEST


def test_the_clock_follows_the_settings(settings: Any) -> None:
    settings.KYC_REVIEW_SLA = 2 * HOUR
    assert clock()(FRIDAY, []) == FRIDAY + 2 * HOUR
    settings.KYC_BUSINESS_HOURS = "Mon-Fri 09:00-17:30"
    assert clock()(FRIDAY, []) == at(9.5)
    settings.TIME_ZONE = "America/New_York"
    assert clock()(FRIDAY, []) == FRIDAY + 2 * HOUR
    settings.TIME_ZONE, settings.KYC_HOLIDAYS_COUNTRY = "UTC", "AR"
    # 23 and 24 March 2026 are free in Argentina.
    assert clock()(FRIDAY, []) == at(9.5, datetime(2026, 3, 25, tzinfo=UTC))


@pytest.mark.django_db
def test_a_session_is_due_in_business_hours(settings: Any) -> None:
    settings.KYC_REVIEW_SLA, settings.KYC_BUSINESS_HOURS = 2 * HOUR, "Mon-Fri 09:00-17:30"
    wire.post(wire.payload("kyc_session_manual_review", at=FRIDAY))

    assert Session.objects.get().due_at == at(9.5)
    assert set(QueueFacet.objects.values_list("due_at", flat=True)) == {at(9.5)}


instants = st.datetimes(datetime(2025, 12, 20), datetime(2027, 1, 10), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(seconds=1), timedelta(hours=200))
pauses = st.lists(st.tuples(instants, st.timedeltas(timedelta(), timedelta(days=30))), max_size=3).map(
    lambda drawn: sorted((begin, begin + length) for begin, length in drawn)
)


def worked(calendar: Calendar, start: datetime, end: datetime, pauses: list[Pause]) -> timedelta:
    """Add up the working time from start to end that lies in no pause, one piece after the other."""
    edges = sorted({start, end, *(min(max(edge, start), end) for pause in pauses for edge in pause)})
    return sum(
        (
            calendar.between(one, other)
            for one, other in zip(edges, edges[1:], strict=False)
            if not any(begin <= one and other <= stop for begin, stop in pauses)
        ),
        timedelta(),
    )


@given(st.sampled_from(CALENDARS), instants, spans, pauses)
def test_what_is_worked_until_it_is_due_is_the_target(
    calendar: Calendar, start: datetime, target: timedelta, pauses: list[Pause]
) -> None:
    due = in_business_hours(target, calendar)(start, pauses)

    assert due >= start
    assert worked(calendar, start, due, pauses) == target
    # It falls into working time that is not paused: right before it there was some.
    moment = timedelta(microseconds=1)
    assert worked(calendar, due - moment, due, pauses) == moment


@given(st.sampled_from(CALENDARS), instants, spans, pauses)
def test_another_pause_never_makes_it_due_earlier(
    calendar: Calendar, start: datetime, target: timedelta, pauses: list[Pause]
) -> None:
    for run in (in_business_hours(target, calendar), around_the_clock(target)):
        due = [run(start, pauses[:n]) for n in range(len(pauses) + 1)]
        assert due == sorted(due)


@given(st.sampled_from(CALENDARS), instants, st.integers(0, 48))
def test_working_time_is_what_the_wall_clock_says(calendar: Calendar, start: datetime, n: int) -> None:
    """Count it again by the quarter of an hour, as the clock on the wall and the calendar beside it say."""
    start, quarter = start.replace(minute=0, second=0, microsecond=0), timedelta(minutes=15)
    counted = 0
    for each in range(n * 4):
        local = (start + each * quarter).astimezone(ZoneInfo(calendar.zone))
        free = calendar.place and local.date() in free_days(calendar.place, local.year)
        spans = () if free else calendar.hours[local.weekday()]
        counted += any(begin <= local.time() and (end is None or local.time() < end) for begin, end in spans)
    assert calendar.between(start, start + n * HOUR) == counted * quarter
