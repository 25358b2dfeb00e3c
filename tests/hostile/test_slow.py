"""Slow, cut-off and endless bodies at the production server: others are served meanwhile, and memory stays bounded."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import good
from tests.hostile.raw import CHUNKED, chunk, request, send, whole
from tests.server import running_desk

pytestmark = [pytest.mark.own_database, pytest.mark.xdist_group("test_slow")]

THREADS = 32
MB = 1024 * 1024


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("desk")
    with running_desk(f"sqlite:///{folder}/desk.sqlite3", threads=THREADS) as found:
        yield found


@contextlib.contextmanager
def slow_clients(port: int, n: int, *, bytes_a_second: float) -> Iterator[list[bytes]]:
    """Let clients send their bodies byte by byte while the block runs; yield the bodies."""
    bodies, is_over = [good() for _ in range(n)], threading.Event()
    connections = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in bodies]

    def trickle() -> None:
        for at in range(10, 60):
            for connection, body in zip(connections, bodies, strict=True):
                with contextlib.suppress(OSError):
                    connection.sendall(body[at : at + 1])
            if is_over.wait(1 / bytes_a_second):
                return

    for connection, body in zip(connections, bodies, strict=True):
        connection.sendall(request(body) + body[:10])
    sender = threading.Thread(target=trickle)
    sender.start()
    try:
        yield bodies
    finally:
        is_over.set()
        sender.join()
        for connection in connections:
            connection.close()


def test_slow_bodies_hold_nobody_else_up(port: int) -> None:
    with slow_clients(port, THREADS - 2, bytes_a_second=5):
        time.sleep(0.5)
        for _ in range(5):
            assert send(port, whole()).statuses == [200]


def test_slow_clients_that_went_away_leave_their_threads(port: int) -> None:
    for _ in range(3):
        with slow_clients(port, THREADS - 2, bytes_a_second=5):
            time.sleep(0.2)
    assert send(port, whole()).statuses == [200]


def test_a_slow_body_that_is_whole_in_the_end_is_taken(port: int) -> None:
    body = good()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request(body))
        for at in range(0, len(body), 50):
            connection.sendall(body[at : at + 50])
            time.sleep(0.05)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_slow_heads_hold_no_thread(port: int) -> None:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(5 * THREADS)]
    for connection in connections:
        connection.sendall(b"POST /webhooks/ralio HTTP/1.1\r\nHost: x\r\nX-A: ")
    assert send(port, whole()).statuses == [200]
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("is_chunked", [True, False], ids=["chunked", "declared"])
def test_a_body_of_100_mb_is_refused_without_being_held_in_memory(port: int, is_chunked: bool) -> None:
    before = memory(port)
    part = chunk(b"x" * 65_536) if is_chunked else b"x" * 65_536
    head = request(b"", CHUNKED, length=None) if is_chunked else request(b"", length=b"%d" % (100 * MB))
    answers = send(port, head, *[part] * 1600)

    assert answers.statuses == [413]
    assert memory(port) - before < 40 * MB
    assert send(port, whole()).statuses == [200]


def memory(port: int) -> int:
    """Return the most bytes that any of the server's processes has held so far."""
    server = next(
        pid for pid in children(os.getpid()) if f"\0{port}\0" in Path(f"/proc/{pid}/cmdline").read_text()
    )
    lines = [
        line
        for pid in children(server)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    if not lines:
        pytest.skip("This system does not tell what memory a process has held.")
    return max(int(line.split()[1]) * 1024 for line in lines)


def children(pid: int) -> list[int]:
    if not Path("/proc/self/status").exists():
        pytest.skip("This system does not tell what memory a process has held.")
    return [
        int(found)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for found in (task / "children").read_text().split()
    ]
