"""Working time: which hours a setting says, and when a span of them is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kyc.calendars import LATEST, Calendar, holidays, week

MADRID = "Europe/Madrid"
OFFICE = week("Mon-Fri 09:00-17:30")
ALWAYS = week("Mon-Sun 00:00-24:00")


def madrid(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(MADRID))


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def test_a_week_is_read_day_by_day() -> None:
    read = week("Mon-Thu 09:00-14:00,  mon-thu 15:00-18:30, Fri 08:00-24:00")

    assert read[0] == read[3] == ((time(9), time(14)), (time(15), time(18, 30)))
    assert read[4] == ((time(8), None),)
    assert read[5] == read[6] == ()
    assert [bool(day) for day in week("Sat-Mon 10:00-12:00")] == [True, *[False] * 4, True, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "form"),
        ("Mon-Fri", "form"),
        ("Mon-Fri 9:00-17:30", "form"),
        ("Funday 09:00-17:30", "form"),
        ("Mon-Fun 09:00-17:30", "'Fun' is not a day"),
        ("Mon 09:00-17:60", "17:60 is not a time"),
        ("Mon 22:00-06:00", "midnight is 24:00"),
        ("Mon 09:00-09:00", "must end after it begins"),
        ("Mon-Fri 09:00-17:00, Wed 16:59-18:00", "the hours of Wed overlap"),
    ],
)
def test_wrong_hours_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        week(text)


def test_holidays_are_a_countrys_or_a_regions() -> None:
    second_of_may = date(2025, 5, 2)
    assert second_of_may in holidays("ES-MD", 2025)
    assert second_of_may not in holidays("ES", 2025)
    assert date(2026, 12, 25) in holidays("GB-ENG", 2026)
    assert holidays("ES", 9999) == frozenset()
    for place in ("Spain", "es", "ES-", "XX", "ES-ZZ"):
        with pytest.raises(ValueError, match="ES|XX|es|Spain"):
            holidays(place, 2026)


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ("2026-03-17 10:00", 2, "2026-03-17 12:00"),
        # To the end of the day is that day's end, and a minute more the next morning.
        ("2026-03-17 10:00", 7.5, "2026-03-17 17:30"),
        ("2026-03-17 10:00", 8, "2026-03-18 09:30"),
        # Before work, after it, and at its very end.
        ("2026-03-17 05:00", 1, "2026-03-17 10:00"),
        ("2026-03-17 23:00", 1, "2026-03-18 10:00"),
        ("2026-03-17 17:30", 1, "2026-03-18 10:00"),
        # Over a week-end, on one, and over the year's end with its holidays.
        ("2026-03-20 17:00", 1, "2026-03-23 09:30"),
        ("2026-03-21 12:00", 8.5, "2026-03-23 17:30"),
        ("2026-12-31 17:00", 1, "2027-01-04 09:30"),
        ("2026-12-24 17:00", 9, "2026-12-28 17:30"),
    ],
)
def test_a_span_of_working_time_ends(start: str, span: float, due: str) -> None:
    assert Calendar(OFFICE, MADRID, "ES-MD").after(madrid(start), hours(span)) == madrid(due)


def test_a_holiday_that_is_not_named_is_worked() -> None:
    start = madrid("2026-12-24 17:00")
    assert Calendar(OFFICE, MADRID).after(start, hours(9)) == madrid("2026-12-25 17:30")


def test_an_hour_is_an_hour_when_the_clock_changes() -> None:
    """On 29 March 2026 the day has 23 hours in Madrid, on 25 October it has 25."""
    calendar = Calendar(ALWAYS, MADRID)
    assert calendar.after(madrid("2026-03-29 00:00"), hours(24)) == madrid("2026-03-30 01:00")
    assert calendar.after(madrid("2026-10-25 00:00"), hours(24)) == madrid("2026-10-25 23:00")
    # From one until four there were two hours that night, whatever a quarter that never was says.
    night = Calendar(week("Sun 01:00-02:45, Sun 03:00-04:00"), MADRID)
    assert night.between(madrid("2026-03-29 00:00"), madrid("2026-03-30 00:00")) == hours(2)
    morning = Calendar(OFFICE, MADRID)
    assert morning.after(madrid("2026-03-27 17:00"), hours(1)) == madrid("2026-03-30 09:30")


def test_working_time_between_two_instants_leaves_the_rest_out() -> None:
    calendar = Calendar(OFFICE, MADRID, "ES-MD")
    year = calendar.between(madrid("2025-12-29 12:00"), madrid("2026-12-28 12:00"))
    weekdays = sum(
        date.fromordinal(n).weekday() < 5
        for n in range(date(2026, 1, 1).toordinal(), date(2026, 12, 29).toordinal())
    )
    free = sum(day.weekday() < 5 for day in holidays("ES-MD", 2026))
    # The two halves of 29 December 2025 and 28 December 2026 make one day, and two more days come before New Year.
    assert year == (weekdays - free + 2) * hours(8.5)
    assert calendar.between(madrid("2026-03-21 00:00"), madrid("2026-03-23 09:00")) == timedelta()


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_either_end_of_time_is_no_error(zone: str) -> None:
    calendar = Calendar(ALWAYS, zone, "ES")
    assert calendar.after(LATEST, hours(1)) == LATEST
    assert calendar.after(LATEST - timedelta(days=1), hours(48)) == LATEST
    first = datetime.min.replace(tzinfo=UTC)
    assert first < calendar.after(first, hours(1)) < first + timedelta(days=2)
    assert calendar.after(datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=20_000)).year == 2082
