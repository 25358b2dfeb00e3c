"""Post events as Ralio does: signed, tried again after 5xx, redirects and failed connections, never after a 4xx."""

from __future__ import annotations

import ipaddress
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from kyc.ralio.signature import sign
from kyc.ralio.simulator.wire import Event

# The spacing of Ralio's tries is not published; what is known is that it grows exponentially.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# Ralio gives a receiver so many seconds to answer.
ANSWER_WITHIN = 60.0


@dataclass(slots=True)
class Tally:
    """What became of the events. Each one posted is accepted, a duplicate, quarantined, refused or given up."""

    n_sent: int = 0
    n_accepted: int = 0
    n_duplicates: int = 0
    n_quarantined: int = 0
    n_refused: Counter[int] = field(default_factory=Counter)
    n_retries: int = 0
    n_given_up: int = 0

    @property
    def n_unacknowledged(self) -> int:
        """Return how many events never got a 2xx."""
        return self.n_refused.total() + self.n_given_up

    def lines(self) -> list[str]:
        refused = [f"  refused with {status}" for status in sorted(self.n_refused)]
        names = ["sent", "  accepted", "  duplicates", "  quarantined", *refused, "  given up", "tried again"]
        counts = [
            self.n_sent,
            self.n_accepted,
            self.n_duplicates,
            self.n_quarantined,
            *(self.n_refused[status] for status in sorted(self.n_refused)),
            self.n_given_up,
            self.n_retries,
        ]
        return [f"{name:<20}{count:>8,}" for name, count in zip(names, counts, strict=True)]


class Player:
    """Posts events to one address and keeps the tally. `stop` ends it early, between events and in a wait alike."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        n_tries: int = 8,
        first_wait: float = FIRST_WAIT,
        timeout: float = ANSWER_WITHIN,
        stop: threading.Event | None = None,
    ) -> None:
        self.tally = Tally()
        self.stop = stop or threading.Event()
        self._url, self._secret = url, secret
        self._n_tries, self._first_wait = n_tries, first_wait
        self._lock = threading.Lock()
        # A proxy named in the environment could not reach this machine's own loopback.
        self._client = httpx.Client(timeout=timeout, trust_env=not _is_loopback(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def play(self, events: Iterable[Event], *, n_connections: int = 1, rate: float = 0) -> None:
        """Post each event, at most `rate` a second (0: no limit). Return when all are settled, or after `stop`."""
        free = threading.Semaphore(n_connections)
        errors: list[BaseException] = []

        def settled(post: Future[None]) -> None:
            free.release()
            if error := post.exception():
                errors.append(error)
                self.stop.set()

        with ThreadPoolExecutor(n_connections) as threads:
            try:
                for event in _paced(events, rate, self.stop):
                    free.acquire()
                    if self.stop.is_set():
                        break
                    threads.submit(self.post, event).add_done_callback(settled)
            except BaseException:
                self.stop.set()
                raise
        for error in errors:
            raise error

    def post(self, event: Event) -> None:
        """Post one event until it is acknowledged, refused or given up."""
        headers = {"Content-Type": "application/json", "X-Signature": sign(self._secret, event.body)}
        self._count(n_sent=1)
        for n in range(self._n_tries):
            if n:
                if self.stop.wait(min(self._first_wait * 2 ** (n - 1), LONGEST_WAIT)):
                    break
                self._count(n_retries=1)
            try:
                answer = self._client.post(self._url, content=event.body, headers=headers)
            except httpx.TransportError:
                continue
            if answer.is_success:
                return self._count_accepted(answer)
            if answer.is_client_error:
                return self._count_refused(answer.status_code)
        return self._count(n_given_up=1)

    def _count_accepted(self, answer: httpx.Response) -> None:
        said = _object(answer)
        if said.get("duplicate"):
            self._count(n_duplicates=1)
        elif said.get("quarantined"):
            self._count(n_quarantined=1)
        else:
            self._count(n_accepted=1)

    def _count_refused(self, status: int) -> None:
        with self._lock:
            self.tally.n_refused[status] += 1

    def _count(self, **changes: int) -> None:
        with self._lock:
            for name, change in changes.items():
                setattr(self.tally, name, getattr(self.tally, name) + change)


def disturbed(
    events: Iterable[Event], rng: Random, *, duplicates: float, reordering: float
) -> Iterator[Event]:
    """Yield the events with a share of them sent twice, and a share overtaken by up to ten later ones."""
    held: list[tuple[int, Event]] = []
    for n, event in enumerate(events):
        for again in (False, True):
            if again and rng.random() >= duplicates:
                continue
            if rng.random() < reordering:
                held.append((n + rng.randrange(1, 11), event))
            else:
                yield event
        yield from (late for due, late in held if due <= n)
        held = [(due, late) for due, late in held if due > n]
    yield from (late for _, late in held)


def _paced(events: Iterable[Event], rate: float, stop: threading.Event) -> Iterator[Event]:
    """Yield the events in time. Each is drawn when its time has come: what is said of this moment is of this moment."""
    start, source = time.monotonic(), iter(events)
    for n in itertools.count():
        if rate:
            stop.wait(max(0.0, start + n / rate - time.monotonic()))
        event = None if stop.is_set() else next(source, None)
        if event is None:
            return
        yield event


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
