"""What the inbox says of itself: one figure for each way in which it can be unwell, in numbers and in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext

from kyc.choices import AlarmKind
from kyc.languages import per_language, spoken, whole
from kyc.querysets import CAP


@dataclass(frozen=True, slots=True)
class Words:
    """What a figure says.

    `value` is the figure in a few words ("3 waiting"), `says` one sentence about it, `threshold` when it is unwell,
    `advice` what to do when it is.
    """

    value: str
    says: str
    threshold: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its threshold; nothing in it is personal.

    `is_well` turns false when the threshold is crossed. `is_calm` holds again a good way on the other side of it, so
    that an alarm does not come and go. Where too little is known to judge, `is_known` is false and the figure is well.

    `tell` makes its words, in the language that is spoken when they are asked for. `since` is the oldest instant that
    it is about: the last trusted delivery, the oldest delivery that waits. Of what is meant the oldest deliveries are in
    `delivery_ids`, the newest reason codes and event names in `code_ids` and `event_name_ids`, at most FEW of each;
    `names` are theirs, shortened.
    """

    kind: AlarmKind
    tell: Callable[[], Words]
    is_well: bool = True
    is_calm: bool = True
    is_known: bool = True
    since: datetime | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    delivery_ids: tuple[int, ...] = ()
    code_ids: tuple[int, ...] = ()
    event_name_ids: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return what is watched, such as "Silence" or "Failed deliveries"."""
        return str(self.kind.label)

    @property
    def value(self) -> str:
        return self.tell().value

    @property
    def says(self) -> str:
        return self.tell().says

    @property
    def threshold(self) -> str:
        return self.tell().threshold

    @property
    def advice(self) -> str:
        return self.tell().advice

    @property
    def verdict(self) -> str:
        """Return `unwell`, `well`, or `unknown` where too little is known yet."""
        if not self.is_known:
            return "unknown"
        return "well" if self.is_well else "unwell"

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as JSON holds it. `names` stay out: they are the sender's words, and this is kept."""
        return {
            "verdict": self.verdict,
            **asdict(self.tell()),
            "since": self.since.isoformat() if self.since else None,
            "numbers": dict(self.numbers),
            "deliveries": list(self.delivery_ids),
            "codes": list(self.code_ids),
            "event_names": list(self.event_name_ids),
        }


@dataclass(frozen=True, slots=True)
class Health:
    """How the inbox was `at` one instant: one figure per AlarmKind, in that order."""

    at: datetime
    figures: tuple[Figure, ...]

    @property
    def is_well(self) -> bool:
        return all(figure.is_well for figure in self.figures)

    @property
    def unwell(self) -> list[Figure]:
        return [figure for figure in self.figures if not figure.is_well]

    def figure(self, kind: AlarmKind) -> Figure:
        return next(figure for figure in self.figures if figure.kind == kind)

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "is_well": self.is_well,
            "figures": {str(figure.kind): figure.as_dict() for figure in self.figures},
        }


# No list in a figure is longer.
FEW = 5


@dataclass(frozen=True, slots=True)
class _Spans:
    """How lengths of time are written in one language."""

    days: str
    days_and_hours: str
    hours: str
    hours_and_minutes: str
    minutes: str
    less: str


@per_language
def _spans() -> _Spans:
    return _Spans(
        days=gettext("%(days)dd"),
        days_and_hours=gettext("%(days)dd %(hours)dh"),
        hours=gettext("%(hours)dh"),
        hours_and_minutes=gettext("%(hours)dh %(minutes)02dm"),
        minutes=gettext("%(minutes)dm"),
        less=gettext("under 1m"),
    )


def span(length: timedelta) -> str:
    """Write a length of time as officers say it: 3d 4h, 6h 12m, 24m."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    parts, words = {"days": days, "hours": hours, "minutes": minutes % 60}, _spans()
    if days:
        return (words.days_and_hours if hours else words.days) % parts
    if hours:
        return (words.hours_and_minutes if minutes % 60 else words.hours) % parts
    return words.minutes % parts if minutes else words.less


def span_patterns() -> dict[str, str]:
    """Return what `span` writes lengths of time with, by the parts that each names."""
    return asdict(_spans())


def capped(number: int) -> str:
    """Write a count; one beyond the cap reads "1,000+"."""
    return _beyond(CAP, spoken()) if number > CAP else whole(number)


@lru_cache(maxsize=16)
def _beyond(cap: int, language: str | None) -> str:
    """Return what is read of more than the cap, in the language that is spoken."""
    return f"{whole(cap)}+"
