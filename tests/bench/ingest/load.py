"""Send ready-made requests over kept-alive connections, from one loop that costs little beside what it measures."""

from __future__ import annotations

import gc
import itertools
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Longer than any answer may take: a server that hangs ends the run.
PATIENCE = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Turn:
    """What one turn came to: answers, the seconds from the first request to the last answer, each answer's seconds.

    `own_share` is the part of one core that the sender itself used.
    """

    n_answers: int
    seconds: float
    latencies: list[float]
    own_share: float

    @property
    def rate(self) -> float:
        return self.n_answers / self.seconds


@dataclass(slots=True)
class Connection:
    """One kept-alive connection with one request under way."""

    socket: socket.socket
    sent_at: float = 0.0
    answer: bytes = b""
    latencies: list[float] = field(default_factory=list)

    def send(self, request: bytes) -> None:
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come, and return True when the answer is whole."""
        part = self.socket.recv(65_536)
        if not part:
            raise SystemExit(f"The server closed a connection after {self.answer!r}.")
        self.answer += part
        if not _is_whole(self.answer):
            return False
        self.latencies.append(time.perf_counter() - self.sent_at)
        return True


def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    clients: int,
    seconds: float,
    expected: bytes = b"",
    again: bool = False,
) -> Turn:
    """Send `requests` in order over `clients` connections until the seconds are over or they are all sent.

    Each is sent once, or over and over when `again`. Every answer must be a 200 that holds `expected`: any other ends
    the run. A request under way when the time is over is waited for, and counts.
    """
    connections = [_connect(port) for _ in range(clients)]
    supply = itertools.cycle(requests) if again else iter(requests)
    # The collector would stop the loop to look at thousands of waiting requests.
    gc.disable()
    try:
        busy, started = time.process_time(), time.perf_counter()
        _exchange(connections, supply, until=started + seconds, expected=expected)
        elapsed = time.perf_counter() - started
        own_share = (time.process_time() - busy) / elapsed
    finally:
        gc.enable()
        for connection in connections:
            connection.socket.close()
    latencies = [latency for connection in connections for latency in connection.latencies]
    return Turn(len(latencies), elapsed, latencies, own_share)


def _exchange(
    connections: list[Connection], supply: Iterator[bytes], *, until: float, expected: bytes
) -> None:
    with selectors.DefaultSelector() as selector:
        n_busy = 0
        for connection, request in zip(connections, supply, strict=False):
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
            n_busy += 1
        while n_busy:
            ready = selector.select(PATIENCE)
            if not ready:
                raise SystemExit(f"The server has not answered for {PATIENCE} s.")
            for key, _ in ready:
                connection = key.data
                if not connection.receive():
                    continue
                _check(connection.answer, expected)
                following = next(supply, None) if time.perf_counter() < until else None
                if following is None:
                    selector.unregister(connection.socket)
                    n_busy -= 1
                else:
                    connection.send(following)


def _connect(port: int) -> Connection:
    made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(made)


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


def _check(answer: bytes, expected: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 200") or expected not in answer:
        raise SystemExit(f"The server answered {answer[:2000].decode(errors='replace')}")
