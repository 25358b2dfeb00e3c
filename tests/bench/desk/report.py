"""What is printed: each request's medians in both databases, and what was promised beside what is."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench.desk.turns import CAPPED_PEER, FIRST_PAGE, PEER, Turn

MOST_GROWTH, MOST_DEPTH, MOST_OF_PEER, MOST_QUERIES = 1.5, 1.2, 1.0, 10
LISTED = re.compile(rb'<tr class="qrow')


@dataclass(slots=True)
class Figures:
    """What a request came to in the small and in the large database, in milliseconds, a pair for each round."""

    turn: Turn
    queries: tuple[int, int]
    rows: tuple[int, int]
    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        return statistics.median(self.large) / statistics.median(self.small)


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    value: float
    most: float

    @property
    def is_met(self) -> bool:
        return self.value <= self.most

    def __str__(self) -> str:
        return f"{self.name:<64} {self.value:6.2f}   at most {self.most:<4g} {'met' if self.is_met else 'MISSED'}"


def table(figures: Sequence[Figures], sizes: tuple[str, str]) -> Iterator[str]:
    small, large = sizes
    yield f"{'medians, ms':<44} {small:>9} {large:>11} {'ratio':>6} {'queries':>8} {'rows':>9}"
    for each in figures:
        queries = "/".join(str(n) for n in dict.fromkeys(each.queries))
        rows = "/".join(str(n) for n in dict.fromkeys(each.rows)) if any(each.rows) else ""
        times = f"{statistics.median(each.small):9.1f} {statistics.median(each.large):11.1f}"
        yield f"{each.turn.name:<44} {times} {each.growth:6.2f} {queries:>8} {rows:>9}".rstrip()


def verdicts(figures: Sequence[Figures]) -> list[Verdict]:
    by_name = {each.turn.name: each for each in figures}
    promised = [each for each in figures if each.turn.is_promised]
    found = [Verdict(f"{each.turn.name}: large / small", each.growth, MOST_GROWTH) for each in promised]
    for each in figures:
        if each.turn.of:
            first = statistics.median(by_name[each.turn.of].large)
            found.append(
                Verdict(f"{each.turn.name} / page 1", statistics.median(each.large) / first, MOST_DEPTH)
            )
    ours = statistics.median(by_name[FIRST_PAGE].large)
    found.append(
        Verdict(f"{FIRST_PAGE} / {PEER}", ours / statistics.median(by_name[PEER].large), MOST_OF_PEER)
    )
    lists = [each for each in promised if each.turn.name.startswith("queue")]
    most = max(lists, key=lambda each: max(each.queries))
    found.append(Verdict(f"queries, most of {most.turn.name}", max(most.queries), MOST_QUERIES))
    return found


def aside(figures: Sequence[Figures]) -> str:
    """Return what no promise is about."""
    by_name = {each.turn.name: statistics.median(each.large) for each in figures}
    return f"{FIRST_PAGE} / {CAPPED_PEER}: {by_name[FIRST_PAGE] / by_name[CAPPED_PEER]:.2f}"


def listed(content: bytes) -> int:
    """Return how many rows of the queue a page has."""
    return len(LISTED.findall(content))
