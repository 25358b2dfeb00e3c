"""Working time: the hours of a week, the holidays of a place, and when a span of it that began at an instant is over."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LATEST = datetime.max.replace(tzinfo=UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ITEM = re.compile(r"([A-Za-z]{3})(?:-([A-Za-z]{3}))? (\d\d:\d\d)-(\d\d:\d\d)")
_PLACE = re.compile(r"([A-Z]{2})(?:-(.+))?")
_MIDNIGHT = "24:00"

# Wall-clock times; an end of None is midnight.
Span = tuple[time, time | None]
# Each weekday's spans in order, Monday's first.
Week = tuple[tuple[Span, ...], ...]


def week(text: str) -> Week:
    """Return the hours that a text like "Mon-Thu 09:00-18:00, Fri 09:00-14:00" says; ValueError says what is wrong."""
    days: list[list[Span]] = [[] for _ in DAYS]
    for item in text.split(","):
        wanted, span = _item(" ".join(item.split()))
        for day in wanted:
            days[day].append(span)
    for day, spans in enumerate(days):
        spans.sort(key=lambda span: span[0])
        for (_, end), (begin, _) in zip(spans, spans[1:], strict=False):
            if end is None or begin < end:
                raise ValueError(f"the hours of {DAYS[day].title()} overlap")
    return tuple(map(tuple, days))


def _item(item: str) -> tuple[list[int], Span]:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise ValueError(f"{item!r} is not of the form Mon-Fri 09:00-17:30")
    first, last, begin, end = found.groups()
    one, other = _day(first), _day(last or first)
    span = (_time(begin), None if end == _MIDNIGHT else _time(end))
    if span[1] is not None and span[1] <= span[0]:
        raise ValueError(f"{item!r} must end after it begins; midnight is {_MIDNIGHT}")
    # Sat-Mon is three days.
    return [(one + n) % 7 for n in range((other - one) % 7 + 1)], span


def _day(name: str) -> int:
    if name.lower() not in DAYS:
        raise ValueError(f"{name!r} is not a day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
    return DAYS.index(name.lower())


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a time of day") from None


def holidays(place: str, year: int) -> frozenset[date]:
    """Return a year's public holidays in a place such as "ES" or "GB-ENG"; ValueError for a place that is not known."""
    # The library takes a third of a second to import, and most desks have no use for it.
    from holidays import country_holidays

    found = _PLACE.fullmatch(place)
    if found is None:
        raise ValueError(f"{place!r} is not of the form ES or GB-ENG")
    try:
        return frozenset(country_holidays(found[1], subdiv=found[2], years=year))
    except NotImplementedError:
        raise ValueError(f"the holidays of {place!r} are not known") from None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: by a week's hours in a time zone, less the holidays of a place if one is named."""

    hours: Week
    zone: str
    place: str = ""

    def after(self, start: datetime, span: timedelta) -> datetime:
        """Return when `span` of working time, more than none, has passed since `start`; the end of time if it never has."""
        year = self._year_of(start)
        left = span + _year(self, year).worked(start)
        while year < LATEST.year and left > _year(self, year).total:
            left -= _year(self, year).total
            year += 1
        return _year(self, year).reached(left)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from one instant to another that is no earlier."""
        first, last = self._year_of(start), self._year_of(end)
        passed = _year(self, last).worked(end) - _year(self, first).worked(start)
        return sum((_year(self, year).total for year in range(first, last)), passed)

    def _year_of(self, at: datetime) -> int:
        try:
            return at.astimezone(ZoneInfo(self.zone)).year
        except OverflowError:
            return at.year


@dataclass(frozen=True, slots=True)
class _Year:
    """The working spans of one year as instants: how much was worked when each began and ended."""

    begins: list[datetime]
    ends: list[datetime]
    before: list[timedelta]
    after: list[timedelta]

    @property
    def total(self) -> timedelta:
        return self.after[-1] if self.after else timedelta()

    def worked(self, at: datetime) -> timedelta:
        """Return how much of the year's work lies before an instant."""
        n = bisect_right(self.ends, at)
        return self.before[n] + max(at - self.begins[n], timedelta()) if n < len(self.ends) else self.total

    def reached(self, worked: timedelta) -> datetime:
        """Return when so much of the year's work was done."""
        n = bisect_left(self.after, worked)
        return self.ends[n] - (self.after[n] - worked) if n < len(self.ends) else LATEST


# Two or three years are in use at a time; an event may name any of ten thousand.
@lru_cache(maxsize=32)
def _year(calendar: Calendar, year: int) -> _Year:
    found = _Year([], [], [], [])
    for begin, end in _spans(calendar, year):
        # Where the clock is put forward or back a span may be nothing, or begin in the one before.
        begin = max(begin, found.ends[-1]) if found.ends else begin
        if end > begin:
            worked = found.total
            found.begins.append(begin)
            found.ends.append(end)
            found.before.append(worked)
            found.after.append(worked + (end - begin))
    return found


def _spans(calendar: Calendar, year: int) -> Iterator[tuple[datetime, datetime]]:
    free = holidays(calendar.place, year) if calendar.place else frozenset()
    for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day in free:
            continue
        for begin, end in calendar.hours[day.weekday()]:
            try:
                yield _instant(day, begin, calendar.zone), _instant(day, end, calendar.zone)
            except OverflowError:
                # A day or two at either end of time.
                continue


def _instant(day: date, at: time | None, zone: str) -> datetime:
    if at is None:
        day, at = day + timedelta(days=1), time()
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
