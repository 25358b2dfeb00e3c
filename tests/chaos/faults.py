"""What goes wrong, in random order: each of it at least once, as long as the time lasts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.cluster import FULL, Cluster
from tests.chaos.disk import Disk
from tests.chaos.stage import Child, Stage

# So much is settled between two faults, unless it takes too long.
ENOUGH_POSTS, LINE_LENGTH, POSTS_WITHIN = 20, 260, 15.0
FULL_AT_MOST = 6.0

type Say = Callable[[str], None]


@dataclass(slots=True)
class Torment:
    """Harms everything in reach, and mends it again after each fault."""

    stage: Stage
    cluster: Cluster
    disk: Disk | None
    rng: Random
    say: Say
    journal: Path
    done: Counter[str] = field(default_factory=Counter)

    def go_on(self, seconds: float, *, pause: float) -> None:
        """Harm for this long, and until each kind of fault was there. A pause comes after each."""
        until, deck = time.monotonic() + seconds, self._deck()
        n_kinds = len(deck)
        while deck or time.monotonic() < until:
            deck = deck or self._deck()
            name, harm = deck.pop()
            self._wait_for_posts()
            self.say(name)
            harm()
            self.done[name] += 1
            # Whoever was killed is back after a moment, as under any supervisor.
            self.stage.ensure_up()
            self.cluster.ensure_up()
            if self.done.total() >= n_kinds and time.monotonic() >= until:
                return
            time.sleep(self.rng.uniform(0.5, 1.5) * pause)

    def _wait_for_posts(self) -> None:
        """Return when posts have been settled since the last fault: what stands still already cannot be harmed."""
        deadline, before = time.monotonic() + POSTS_WITHIN, self._journal_size()
        while self._journal_size() < before + ENOUGH_POSTS * LINE_LENGTH and time.monotonic() < deadline:
            time.sleep(0.05)

    def _journal_size(self) -> int:
        return self.journal.stat().st_size if self.journal.exists() else 0

    def _deck(self) -> list[tuple[str, Callable[[], None]]]:
        kinds: list[tuple[str, Callable[[], None]]] = [
            ("a web process is killed", self._kill_web),
            ("a worker is killed", self._kill_worker),
            ("all web processes and workers are killed", self._kill_all),
            ("PostgreSQL is restarted", lambda: self._stop("fast")),
            ("PostgreSQL is stopped without a checkpoint", lambda: self._stop("immediate")),
            ("PostgreSQL is killed", self._kill_postgresql),
            ("a process of PostgreSQL is killed", self.cluster.kill_backend),
            ("connections are cut", self._cut),
        ]
        if self.disk is not None:
            kinds.append(("the disk is full", self._fill_disk))
        self.rng.shuffle(kinds)
        return kinds

    def _wait(self, longest: float) -> None:
        time.sleep(self.rng.uniform(0.05, longest))

    def _kill_web(self) -> None:
        self.rng.choice(self.stage.web).kill()
        self._wait(0.5)

    def _kill_worker(self) -> None:
        self.rng.choice(self.stage.workers).kill()
        self._wait(0.5)

    def _kill_all(self) -> None:
        for child in (*self.stage.web, *self.stage.workers):
            child.kill()

    def _stop(self, mode: str) -> None:
        self.cluster.stop(mode)
        self._meanwhile()
        self._wait(0.7)

    def _kill_postgresql(self) -> None:
        self.cluster.kill()
        self._meanwhile()
        self._wait(0.7)

    def _meanwhile(self) -> None:
        """Let somebody die while PostgreSQL is away, now and then."""
        victims: list[Child] = [*self.stage.web, *self.stage.workers]
        if self.rng.random() < 0.4:
            self.rng.choice(victims).kill()

    def _cut(self) -> None:
        for _ in range(self.rng.randrange(2, 6)):
            self.cluster.cut(self.rng.choice((0.3, 0.6, 1.0)))
            self._wait(0.2)

    def _fill_disk(self) -> None:
        """Keep the disk full until PostgreSQL has met it, and for a while then."""
        assert self.disk is not None
        until, n_before, was_met = time.monotonic() + FULL_AT_MOST, self.cluster.n_told(FULL), False
        try:
            while time.monotonic() < until:
                self.disk.fill()
                time.sleep(0.05)
                if not was_met and self.cluster.n_told(FULL) > n_before:
                    was_met, until = True, time.monotonic() + self.rng.uniform(0.5, 2.0)
        finally:
            self.disk.relieve()
