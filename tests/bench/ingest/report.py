"""What is printed: each round's figures, the medians with their spread, and what was promised beside what is."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.ingest import memory
from tests.bench.ingest.rounds import ACCEPT, FLOOR, LIMIT, PEER, REPEAT, SECOND, TOLD, Figures, Rounds

NAMES = {
    LIMIT: "pgbench, the same writes",
    ACCEPT: "desk: new sessions",
    REPEAT: "desk: the same bytes again",
    SECOND: "desk: second events",
    TOLD: "desk: new, the team told",
    FLOOR: "floor: verify and decode",
    PEER: "dj-stripe",
}
MOST_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure of each round (or one of all), and the bound that it should keep."""

    name: str
    values: Sequence[float]
    least: float | None = None
    most: float | None = None
    stretch: float | None = None

    @property
    def is_met(self) -> bool:
        value = statistics.median(self.values)
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        if self.stretch is not None:
            bound += f", stretch {self.stretch:g}"
        return (
            f"{self.name:<58} {spread(self.values, '.3f')}   {bound:<26} {'met' if self.is_met else 'MISSED'}"
        )


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, and the least and the greatest."""
    return f"{statistics.median(values):7{form}} ({min(values):{form}} to {max(values):{form}})"


def round_lines(rounds: Rounds) -> list[str]:
    """Return the last round, a line for each turn."""
    return [f"  {NAMES[name]:<28} {_line(figures[-1])}" for name, figures in rounds.figures.items()]


def summary(rounds: Rounds) -> list[str]:
    """Return the medians over all rounds, a line for each contender."""
    head = ("answers per second", "ms of processor: web", "PostgreSQL's backends", "its background")
    lines = [f"{'median (least to greatest)':<28} " + " ".join(f"{title:<26}" for title in head).rstrip()]
    for name, turns in rounds.figures.items():
        columns = (
            spread([turn.rate for turn in turns], ".1f"),
            spread([turn.web_ms for turn in turns], ".2f"),
            spread([turn.backend_ms for turn in turns], ".2f"),
            spread([turn.background_ms for turn in turns], ".2f"),
        )
        lines.append(f"{NAMES[name]:<28} " + " ".join(f"{column:<26}" for column in columns).rstrip())
    shares = [turn.own_share for turns in rounds.figures.values() for turn in turns]
    lines.append(f"The load generator used at most {max(shares):.0%} of one core.")
    return lines


def promises(rounds: Rounds) -> list[Promise]:
    """Return what the figures at hand can tell about what was promised. Ratios are of turns of one round."""
    by = rounds.figures
    found = []
    if by[LIMIT] and by[ACCEPT]:
        values = _ratios(by[ACCEPT], by[LIMIT], _rate)
        found.append(Promise("1 accepted per second / pgbench's commits", values, least=0.20, stretch=0.30))
    if by[FLOOR] and by[ACCEPT]:
        values = _ratios(by[ACCEPT], by[FLOOR], _processor)
        found.append(Promise("2 processor time (web, backends) / the floor's", values, most=6))
    if by[PEER] and by[ACCEPT]:
        found.append(
            Promise("3 accepted per second / dj-stripe's", _ratios(by[ACCEPT], by[PEER], _rate), least=3)
        )
    if by[REPEAT] and by[ACCEPT]:
        values = _ratios(by[REPEAT], by[ACCEPT], _processor)
        found.append(Promise("4 processor time of a repeat / of an acceptance", values, most=0.5))
        values = _ratios(by[REPEAT], by[ACCEPT], _rate)
        found.append(Promise("4 repeats per second / acceptances", values, least=2))
    if by[ACCEPT]:
        found.append(
            Promise("5 99th percentile of the answer time / the median", [_tail(by[ACCEPT])], most=10)
        )
    return found


def memory_promise(samples: list[memory.Sample]) -> Promise:
    name = "6 growth of a web process's memory after a fifth of them"
    return Promise(name, [memory.growth(samples)], most=MOST_GROWTH)


def sample_line(sample: memory.Sample) -> str:
    mib = 1024 * 1024
    return (
        f"  {sample.n_deliveries:>7} deliveries   RSS {sample.found / mib:7.1f} MiB   "
        f"after collecting {sample.collected / mib:7.1f} MiB   {sample.n_objects:,} objects"
    )


def _line(turn: Figures) -> str:
    line = f"{turn.rate:7.1f}/s   web {turn.web_ms:5.2f} ms   PostgreSQL {turn.backend_ms:5.2f}"
    line += f" + {turn.background_ms:4.2f} ms"
    line += f"   WAL {turn.wal_bytes / 1024:5.1f} KiB"
    if turn.latencies:
        line += f"   p50 {turn.percentile(50):6.1f} ms   p99 {turn.percentile(99):6.1f} ms"
        line += f"   sender {turn.own_share:4.0%}"
    return line


def _ratios(ours: list[Figures], theirs: list[Figures], what: Callable[[Figures], float]) -> list[float]:
    return [what(our) / what(their) for our, their in zip(ours, theirs, strict=True)]


def _rate(turn: Figures) -> float:
    return turn.rate


def _processor(turn: Figures) -> float:
    return turn.processor_ms


def _tail(turns: list[Figures]) -> float:
    """Return the 99th percentile of the answer time over the median, of all turns together."""
    hundredths = statistics.quantiles([latency for turn in turns for latency in turn.latencies], n=100)
    return hundredths[98] / hundredths[49]
