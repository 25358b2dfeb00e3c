"""Post events as Ralio does: signed, tried again after 5xx, redirects and failed connections, never after a 4xx."""

from __future__ import annotations

import ipaddress
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from kyc.ralio.signature import sign
from kyc.ralio.simulator.promises import ACKNOWLEDGED, Outcome, is_failure, is_kept, outcome_of
from kyc.ralio.simulator.tally import Settled, Tally
from kyc.ralio.simulator.wire import Event

# The spacing of Ralio's tries is not published; what is known is that it grows exponentially.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# Ralio gives a receiver so many seconds to answer.
ANSWER_WITHIN = 60.0
# How long what is on its way may take after `stop`.
GRACE = 1.0
_CHUNK = 64 * 1024


class Player:
    """Posts events to one address, or to several in turn, and keeps the tally.

    `stop` ends it early, between events and in a wait alike; what a receiver has not answered soon after is given up.
    `record` is told of each post that is settled, one at a time.
    """

    def __init__(
        self,
        url: str | Iterable[str],
        secret: str,
        *,
        n_tries: int = 8,
        first_wait: float = FIRST_WAIT,
        longest_wait: float = LONGEST_WAIT,
        timeout: float = ANSWER_WITHIN,
        stop: threading.Event | None = None,
        record: Callable[[Settled], None] | None = None,
    ) -> None:
        self.tally = Tally()
        self.stop = stop or threading.Event()
        urls = [url] if isinstance(url, str) else list(url)
        self._urls, self._secret = itertools.cycle(urls), secret
        self._n_tries, self._first_wait, self._longest_wait = n_tries, first_wait, longest_wait
        self._record = record
        self._lock, self._drawing = threading.Lock(), threading.Lock()
        self._in_flight: dict[int, Event] = {}
        self._flights = itertools.count()
        self._is_abandoned = False
        # A proxy named in the environment could not reach this machine's own loopback.
        trust_env = not all(_is_loopback(each) for each in urls)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.Client(timeout=timeout, trust_env=trust_env, limits=limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def play(self, events: Iterable[Event], *, n_connections: int = 1, rate: float = 0) -> None:
        """Post each event, at most `rate` a second (0: no limit). Return when all are settled, or soon after `stop`."""
        source = _paced(events, rate, self.stop)
        errors: list[BaseException] = []
        # Daemons, for a receiver that never answers must not keep the process alive.
        threads = [
            threading.Thread(target=self._post_each, args=(source, errors), daemon=True)
            for _ in range(n_connections)
        ]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) and not self.stop.is_set():
                next(thread for thread in threads if thread.is_alive()).join(0.05)
        finally:
            # Ctrl-C comes here too.
            if any(thread.is_alive() for thread in threads):
                self.stop.set()
                self._abandon(threads)
        for error in errors:
            raise error

    def post(self, event: Event) -> None:
        """Post one event until it is acknowledged, refused or given up; and what is to follow it."""
        settled = self._post(event)
        if settled.outcome in ACKNOWLEDGED:
            for following in event.then:
                self.post(following)

    def _post_each(self, source: Iterator[Event], errors: list[BaseException]) -> None:
        try:
            while True:
                with self._drawing:
                    event = next(source, None)
                if event is None:
                    return
                self.post(event)
        except BaseException as error:  # noqa: BLE001 - it is raised where `play` was called
            errors.append(error)
            self.stop.set()

    def _abandon(self, threads: list[threading.Thread]) -> None:
        """Give what is on its way a moment, and give the rest up: what its receiver says later is not heard."""
        deadline = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._is_abandoned = True
            for event in self._in_flight.values():
                self._count(Settled(event, Outcome.GIVEN_UP, is_as_promised=False))

    def _post(self, event: Event) -> Settled:
        with self._lock:
            flight = next(self._flights)
            self._in_flight[flight] = event
            self.tally.n_sent += 1
        settled = self._tried(event)
        with self._lock:
            del self._in_flight[flight]
            if not self._is_abandoned:
                self._count(settled)
        return settled

    def _tried(self, event: Event) -> Settled:
        """Post the same bytes until an answer ends it, and return how it ended."""
        content, headers = event.content, self._headers(event)
        met: list[int] = []
        for n in range(self._n_tries):
            if n:
                if self.stop.wait(min(self._first_wait * 2 ** (n - 1), self._longest_wait)):
                    break
                with self._lock:
                    self.tally.n_retries += 1
            try:
                sent = _chunks(content) if event.is_chunked else content
                answer = self._client.post(next(self._urls), content=sent, headers=headers)
            except httpx.TransportError:
                continue
            if answer.is_success or answer.is_client_error:
                return _settled(event, answer, met)
            met.append(answer.status_code)
        return Settled(event, Outcome.GIVEN_UP, met=tuple(met), is_as_promised=False)

    def _headers(self, event: Event) -> dict[str, str]:
        make = event.forge or sign
        signature = make(self._secret, event.content)
        headers = {"Content-Type": "application/json"}
        return headers if signature is None else headers | {"X-Signature": signature}

    def _count(self, settled: Settled) -> None:
        self.tally.add(settled)
        if self._record:
            self._record(settled)


def _settled(event: Event, answer: httpx.Response, met: list[int]) -> Settled:
    """Return how an answer ends a post. What is odd is promised never to meet an error that is not a 503."""
    said = _object(answer)
    outcome = outcome_of(answer.status_code, said)
    is_as_promised = is_kept(event.promise, outcome, answer.status_code, said)
    if event.trial and any(map(is_failure, met)):
        is_as_promised = False
    return Settled(event, outcome, answer.status_code, tuple(met), is_as_promised)


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


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


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
