"""What the inbox says of itself: one figure for each way in which it can be unwell, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kyc.choices import AlarmKind
from kyc.querysets import CAP


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its threshold; nothing in it is personal.

    `is_well` turns false when the threshold is crossed. `is_calm` holds again a good way on the other side of it, so
    that an alarm does not come and go. Where too little is known to judge, `is_known` is false and the figure is well.

    `value` is the figure in a few words ("3 waiting"), `says` one sentence about it, `threshold` when it is unwell,
    `advice` what to do when it is. `since` is the oldest instant that it is about: the last trusted delivery, the
    oldest delivery that waits. Of what is meant the oldest deliveries are in `delivery_ids`, the newest reason codes
    and event names in `code_ids` and `event_name_ids`, at most FEW of each; `names` are theirs, shortened.
    """

    kind: AlarmKind
    value: str
    says: str
    threshold: str
    advice: str = ""
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
    def verdict(self) -> str:
        """Return `unwell`, `well`, or `unknown` where too little is known yet."""
        if not self.is_known:
            return "unknown"
        return "well" if self.is_well else "unwell"

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as JSON holds it. `names` stay out: they are the sender's words, and this is kept."""
        return {
            "verdict": self.verdict,
            "value": self.value,
            "says": self.says,
            "threshold": self.threshold,
            "advice": self.advice,
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


def span(length: timedelta) -> str:
    """Write a length of time as officers say it: 3d 4h, 6h 12m, 24m."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days}d {hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h {minutes % 60:02}m" if minutes % 60 else f"{hours}h"
    return f"{minutes}m" if minutes else "under 1m"


def capped(number: int) -> str:
    """Write a count; one beyond the cap reads "1,000+"."""
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Write a count with its noun: 1 delivery, 1,000+ deliveries."""
    return f"{capped(number)} {noun if number == 1 else nouns or noun + 's'}"
