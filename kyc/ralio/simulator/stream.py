"""What is posted in which order: Ralio's own events among others, some of them twice, overtaken or late."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

from kyc.ralio.simulator.wire import Event

# How many later events overtake one that is out of order, and one that is late.
_OVERTAKEN_BY = (1, 10)
_LATE_BY = (50, 500)

type Source = Callable[[], Event]


def mixed(rng: Random, ordinary: Source, others: Sequence[tuple[float, Source]]) -> Iterator[Event]:
    """Yield events without end: of each other source its share, the rest ordinary."""
    shares = [share for share, _ in others]
    sources = [ordinary, *(source for _, source in others)]
    weights = [1 - sum(shares), *shares]
    while True:
        yield rng.choices(sources, weights)[0]()


def disturbed(
    events: Iterable[Event], rng: Random, *, duplicates: float, reordering: float, late: float = 0
) -> Iterator[Event]:
    """Yield the events with a share of them sent twice, a share overtaken by a few later ones, and a share by many.

    What is still held back at the end comes last, in the order in which it is due.
    """
    held: list[tuple[int, int, Event]] = []
    tie = itertools.count()
    for n, event in enumerate(events):
        for again in (False, True):
            if again and rng.random() >= duplicates:
                continue
            if delay := _delay(rng, reordering, late):
                heapq.heappush(held, (n + delay, next(tie), event))
            else:
                yield event
        while held and held[0][0] <= n:
            yield heapq.heappop(held)[2]
    while held:
        yield heapq.heappop(held)[2]


def _delay(rng: Random, reordering: float, late: float) -> int:
    """Return how many later events go first; none for most."""
    if rng.random() < reordering:
        return rng.randint(*_OVERTAKEN_BY)
    if late and rng.random() < late:
        return rng.randint(*_LATE_BY)
    return 0
