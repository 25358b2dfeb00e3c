"""How many sessions were rejected when: one grouped query over a bounded span, drawn as bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, Count, DateField, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext

from kyc.desk.rejections import OFFICER, RALIO, Filters, midnight
from kyc.languages import day_words, decimal, whole

# Longer spans are drawn by the week, and the longest not at all: each row of the span is counted.
MOST_DAYS, MOST_DAYS_BY_WEEK = 92, 371
HEIGHT, LEAST = 44, 2
GAP = 0.22


@dataclass(frozen=True, slots=True)
class Bar:
    """One day or week from `since`. Places are per cent of the width and pixels from the top, as SVG takes them."""

    since: date
    n_ralio: int
    n_officer: int
    x: str
    width: str
    ralio_height: int
    officer_height: int

    @property
    def label(self) -> str:
        return day_words(self.since)

    @property
    def total(self) -> int:
        return self.n_ralio + self.n_officer

    @property
    def ralio_y(self) -> int:
        return HEIGHT - self.ralio_height

    @property
    def officer_y(self) -> int:
        # A line of one pixel keeps the two apart.
        return self.ralio_y - self.officer_height - (1 if self.ralio_height else 0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A word under the axis, at a place in per cent."""

    x: int
    anchor: str
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """The bars of a span, and what the same count says of entities and deciders, each without its own filter."""

    bars: Sequence[Bar]
    is_weekly: bool
    by_entity: Counter[str]
    by_decider: Counter[str]

    @property
    def n_ralio(self) -> int:
        return sum(bar.n_ralio for bar in self.bars)

    @property
    def n_officer(self) -> int:
        return sum(bar.n_officer for bar in self.bars)

    @property
    def total(self) -> int:
        return self.n_ralio + self.n_officer

    @property
    def ticks(self) -> list[Tick]:
        places = {0: "start", 50: "middle", 100: "end"} if len(self.bars) > 1 else {50: "middle"}
        last = len(self.bars) - 1
        return [Tick(x, anchor, self.bars[last * x // 100].label) for x, anchor in places.items()]

    @property
    def sentence(self) -> str:
        """Return in words what the bars show."""
        if not self.total:
            return gettext("No session was rejected in this time.")
        most = max(self.bars, key=lambda bar: bar.total)
        mean = self.total / len(self.bars)
        words = (
            gettext("%(mean)s a week on average, most in the week from %(day)s (%(n)s).")
            if self.is_weekly
            else gettext("%(mean)s a day on average, most on %(day)s (%(n)s).")
        )
        is_whole = f"{mean:.1f}".endswith(".0")
        shown = f"{mean:.0f}" if is_whole else decimal(mean)
        return words % {"mean": shown, "day": most.label, "n": whole(most.total)}


type Group = tuple[date, str, str, int]


def histogram(filters: Filters) -> Histogram | None:
    """Return the bars of the filtered span, or None where it is too long to be counted. One query."""
    today = timezone.localdate()
    since, until = filters.span.since, max(filters.span.until or today, filters.span.since or today)
    if since is None or (until - since).days >= MOST_DAYS_BY_WEEK:
        return None
    groups = _groups(filters, until)
    is_weekly = (until - since).days >= MOST_DAYS
    by_bar: Counter[tuple[date, str]] = Counter()
    by_entity: Counter[str] = Counter()
    by_decider: Counter[str] = Counter()
    for day, entity, decider, n in groups:
        is_entity = not filters.entities or entity in filters.entities
        is_decider = not filters.deciders or decider in filters.deciders
        if is_decider:
            by_entity[entity] += n
        if is_entity:
            by_decider[decider] += n
        if is_entity and is_decider:
            by_bar[_start(day, is_weekly), decider] += n
    starts = list(dict.fromkeys(_start(day, is_weekly) for day in _days(since, until)))
    return Histogram(_bars(starts, by_bar), is_weekly, by_entity, by_decider)


def _groups(filters: Filters, last: date) -> list[Group]:
    """Return how many were rejected by day, entity and decider; what is dated later counts on the last day."""
    late = When(state_since__gte=midnight(last + timedelta(days=1)), then=Value(last, DateField()))
    rows = (
        filters.for_counting()
        .order_by()
        .annotate(
            day=Case(late, default=TruncDate("state_since"), output_field=DateField()),
            decider=Case(When(decided_by__isnull=True, then=Value(RALIO)), default=Value(OFFICER)),
        )
        .values_list("day", "entity_type", "decider")
        .annotate(n=Count("pk"))
    )
    return list(rows)


def _days(since: date, until: date) -> Iterable[date]:
    return (since + timedelta(days=n) for n in range((until - since).days + 1))


def _start(day: date, is_weekly: bool) -> date:
    return day - timedelta(days=day.weekday()) if is_weekly else day


def _bars(starts: Sequence[date], counts: Counter[tuple[date, str]]) -> list[Bar]:
    most = max((counts[start, RALIO] + counts[start, OFFICER] for start in starts), default=0)
    step = 100 / len(starts)
    return [
        Bar(
            start,
            counts[start, RALIO],
            counts[start, OFFICER],
            f"{step * (place + GAP / 2):.2f}",
            f"{step * (1 - GAP):.2f}",
            _height(counts[start, RALIO], most),
            _height(counts[start, OFFICER], most),
        )
        for place, start in enumerate(starts)
    ]


def _height(n: int, most: int) -> int:
    return max(LEAST, round((HEIGHT - 1) * n / most)) if n else 0
