"""What a flood of forged requests leaves behind: how quickly good deliveries are answered, and how much disk it takes.

    uv run python -m tests.bench.flood [--requests 1000000] [--bytes 3000] [--connections 8] [--workers 1]

Starts a throw-away PostgreSQL as it ships (default durability and autovacuum) and granian with the desk, and sends
forged requests at full speed over several connections: without --bytes mostly of 3 KB, some of 64 KB, a few of 8 MB.
Good deliveries come among them, and their answers are timed before, during and after. All of it shares this machine's
cores, so "during" says how the door is shared, and "after" whether the flood left a mark.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import re
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import psycopg

from kyc.ralio.signature import sign
from tests import postgres
from tests.server import SECRET, running_desk

AS_IT_SHIPS = ("max_connections=100", "listen_addresses=127.0.0.1")
# Of a hundred forged requests in a mixed flood, so many have so many bytes; one in a thousand has 8 MB.
MIX = (3_000,) * 70 + (300,) * 27 + (64_000,) * 3
LARGEST, LARGEST_EVERY = 8_000_000, 1_000
TRUSTED = ("kyc_delivery", "kyc_session", "kyc_check", "kyc_reason", "kyc_ledgerentry")
PAUSE = 0.1


def main() -> None:
    options = read_options()
    server = postgres.start(AS_IT_SHIPS)
    try:
        production = {"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": "bench" * 10}
        with (
            running_desk(server.url, workers=options.workers, threads=options.threads, **production) as port,
            psycopg.connect(server.url, autocommit=True) as database,
        ):
            measure(port, database, options)
    finally:
        server.stop()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench.flood", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000, help="forged requests (default: 100000)")
    parser.add_argument("--bytes", type=int, help="size of each body (default: a mix)")
    parser.add_argument("--connections", type=int, default=8, help="of the flood (default: 8)")
    parser.add_argument("--workers", type=int, default=1, help="granian's processes (default: 1)")
    parser.add_argument("--threads", type=int, default=16, help="threads in each of them (default: 16)")
    return parser.parse_args()


def measure(port: int, database: psycopg.Connection, options: argparse.Namespace) -> None:
    """Time good deliveries before, during and after the flood, and print what it left."""
    before = [deliver(port) for _ in range(100)]
    accepted, wal = len(before), wal_written(database)
    share = options.requests // options.connections
    flooders = [
        multiprocessing.Process(target=flood, args=(port, share, options.bytes))
        for _ in range(options.connections)
    ]
    started = time.perf_counter()
    for flooder in flooders:
        flooder.start()
    during, largest = watch(port, database, flooders)
    seconds = time.perf_counter() - started
    failed = sum(flooder.exitcode != 0 for flooder in flooders)
    next_one = deliver(port)
    after = [deliver(port) for _ in range(100)]
    accepted += len(during) + 1 + len(after)

    n_sent = share * options.connections
    print(
        f"{n_sent:,} forged requests in {seconds:.1f} s, {n_sent / seconds:,.0f} a second; {failed} connections failed"
    )
    for name, times in (("before", before), ("during", during), ("next", [next_one]), ("after", after)):
        print(f"good deliveries {name:7} {in_words(times)}")
    print(f"refused: {ring(database)}; its table and indexes at most {largest / 1e6:.1f} MB")
    print(f"written to PostgreSQL's log meanwhile: {(wal_written(database) - wal) / 1e6:.1f} MB")
    for table in TRUSTED:
        (n_rows,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
        print(f"{table}: {n_rows:,} rows, {size(database, table) / 1e6:.1f} MB")
    (n_kept,) = database.execute("SELECT count(*) FROM kyc_delivery WHERE status = 'applied'").fetchone()
    print(f"good deliveries acknowledged {accepted}, applied {n_kept}")


def watch(
    port: int, database: psycopg.Connection, flooders: list[multiprocessing.Process]
) -> tuple[list[float], int]:
    """Send good deliveries while the flood lasts; return their times and the ring's largest size on disk."""
    times, largest = [], 0
    while any(flooder.is_alive() for flooder in flooders):
        times.append(deliver(port))
        largest = max(largest, size(database, "kyc_refusedrequest"))
        time.sleep(PAUSE)
    return times, max(largest, size(database, "kyc_refusedrequest"))


def flood(port: int, n_requests: int, n_bytes: int | None) -> None:
    """Send forged requests over one connection, each as soon as the last one was answered."""
    requests = forged(n_bytes)
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    for _ in range(n_requests):
        connection.sendall(next(requests))
        answer = read_answer(connection)
        if not answer.startswith(b"HTTP/1.1 401"):
            raise SystemExit(f"The desk answered {answer[:60]!r}")
    connection.close()


def read_answer(connection: socket.socket) -> bytes:
    """Return the head and body of one answer, which has a length or comes in chunks."""
    answer = b""
    while not is_whole(answer):
        part = connection.recv(65_536)
        if not part:
            break
        answer += part
    return answer


def is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(found) and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))


def forged(n_bytes: int | None) -> Iterator[bytes]:
    """Yield requests that were made before, so that making them costs the flood nothing. Two in three look like Ralio's."""
    sizes = [n_bytes] if n_bytes else MIX
    made = [
        forge(sizes[number % len(sizes)], is_plausible=number % 3 != 0)
        for number in range(100 if not n_bytes or n_bytes < 1e6 else 3)
    ]
    largest = None if n_bytes else forge(LARGEST, is_plausible=False)
    number = 0
    while True:
        number += 1
        yield largest if largest and number % LARGEST_EVERY == 0 else made[number % len(made)]


def forge(n_bytes: int, *, is_plausible: bool) -> bytes:
    # Random digits: PostgreSQL compresses what repeats.
    filling = os.urandom(max(1, n_bytes // 2)).hex()
    body = json.dumps({"id": str(uuid4()), "data": filling}).encode() if is_plausible else filling.encode()
    signature = f"X-Signature: {os.urandom(32).hex()}\r\n" if is_plausible else ""
    head = f"POST /webhooks/ralio HTTP/1.1\r\nHost: x\r\n{signature}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_local = threading.local()


def deliver(port: int) -> float:
    """Post one good delivery and return how many seconds its answer took."""
    data = {
        "sessionId": str(uuid4()),
        "userId": str(uuid4()),
        "checks": [{"type": "face-matching", "state": 2}],
    }
    event = {
        "id": str(uuid4()),
        "event": "kyc_session_manual_review",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    body = json.dumps(event | {"data": data}).encode()
    if not hasattr(_local, "connection"):
        _local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.perf_counter()
    _local.connection.request("POST", "/webhooks/ralio", body, {"X-Signature": sign(SECRET, body)})
    response = _local.connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise SystemExit(f"The desk answered {response.status}: {answer!r}")
    return time.perf_counter() - started


def in_words(times: list[float]) -> str:
    ordered = sorted(1000 * seconds for seconds in times)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"median {statistics.median(ordered):6.1f} ms, 99th percentile {last:6.1f} ms, of {len(ordered):,}"


def ring(database: psycopg.Connection) -> str:
    n_rows, n_bytes, n_bodies = database.execute(
        "SELECT count(*), sum(n_kept_bytes), count(*) FILTER (WHERE n_kept_bytes > 0) FROM kyc_refusedrequest"
    ).fetchone()
    return f"{n_rows:,} rows, {n_bodies:,} with a body, {n_bytes / 1e6:.1f} MB of bodies"


def size(database: psycopg.Connection, table: str) -> int:
    return int(database.execute("SELECT pg_total_relation_size(%s)", [table]).fetchone()[0])


def wal_written(database: psycopg.Connection) -> int:
    return int(database.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()[0])


if __name__ == "__main__":
    main()
