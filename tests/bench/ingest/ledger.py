"""Measure what the ledger adds to an ingestion: the same requests with and without its entry, in turns of one.

    uv run python -m tests.bench.ingest.ledger [--requests 2000] [--strict]

One process hands signed deliveries of new sessions to the desk's own WSGI application, every other one with a fast path
that hashes nothing and writes neither entry nor head. PostgreSQL has its default durability. What is compared is the median
of processor time, of this process and of PostgreSQL's for it, and the median of the time that a request took. The HTTP
server is left out, which would make the difference look smaller.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.bench.ingest import servers, signed
from tests.server import SECRET

MOST = 1.1
WARM_UP = 200
_WRITES = re.compile(r",\nnext AS \(.*?\n\),\nentry AS \(.*?\n\),\nhead AS \(.*?\n\)(?=\nSELECT)", re.DOTALL)

type Answer = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Spent(NamedTuple):
    """Milliseconds that one request took, and that processors were at work for it: here, and in PostgreSQL."""

    took: float
    here: float
    in_database: float

    @property
    def processor(self) -> float:
        return self.here + self.in_database


@dataclass(frozen=True, slots=True)
class Desk:
    """The application, how it does without the ledger, and the process of PostgreSQL's that works for it."""

    answer: Answer
    backend: Path

    def post(self, request: bytes) -> Spent:
        environ = _environ(request)
        before = time.perf_counter_ns(), time.process_time_ns(), self._of_backend()
        statuses: list[str] = []
        response = self.answer(environ, lambda status, headers, fault=None: statuses.append(status))
        body = b"".join(response)
        response.close()
        after = time.perf_counter_ns(), time.process_time_ns(), self._of_backend()
        if statuses != ["200 OK"] or body != signed.ACCEPTED:
            raise SystemExit(f"The desk answered {statuses} {body!r}.")
        return Spent(*((now - then) / 1e6 for now, then in zip(after, before, strict=True)))

    def _of_backend(self) -> int:
        """Return the nanoseconds for which the backend had a processor."""
        return int(self.backend.read_text().split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.bench.ingest.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--requests", type=int, default=2000, help="how many of each (default: 2000)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when the promise is missed")
    options = parser.parse_args()
    with servers.postgresql() as database:
        desk = set_up(database)
        recorded, unrecorded = compare(desk, options.requests)
    print(f"{options.requests} requests of each; load {os.getloadavg()[0]:.1f}")
    print_line("with the ledger", recorded)
    print_line("without it", unrecorded)
    ratio = median(recorded, "processor") / median(unrecorded, "processor")
    took = median(recorded, "took") / median(unrecorded, "took")
    print(f"processor time with / without: {ratio:.3f} (promised: at most {MOST})")
    print(f"time taken with / without: {took:.3f}")
    if options.strict and ratio > MOST:
        raise SystemExit(1)


def set_up(database: servers.Database) -> Desk:
    """Make the desk's tables, and return its application, with the one connection that it uses."""
    os.environ |= {
        "DATABASE_URL": database.url,
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
    }
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from config.wsgi import application

    call_command("migrate", verbosity=0)
    settings.DEBUG = False
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    # Each request would give it back to the pool, and get it again.
    return Desk(application, Path(f"/proc/{pid}/schedstat"))


def compare(desk: Desk, number: int) -> tuple[list[Spent], list[Spent]]:
    """Return what each request cost with the ledger, and without; those that come first take turns, too."""
    for writes in (nullcontext, unrecorded):
        with writes():
            for one in signed.new_sessions(WARM_UP):
                desk.post(one.request)
    found: tuple[list[Spent], list[Spent]] = ([], [])
    for turn, one in enumerate(signed.new_sessions(2 * number)):
        # With, without, without, with: whatever grows meanwhile grows for both.
        is_without = turn % 4 in (1, 2)
        with unrecorded() if is_without else nullcontext():
            found[is_without].append(desk.post(one.request))
    return found


@contextmanager
def unrecorded() -> Iterator[None]:
    """Let the fast path write nothing to the ledger."""
    from kyc import fastpath, ledger

    with (
        mock.patch.object(fastpath, "_STORE", statement_without()),
        mock.patch.object(ledger, "first_entry", lambda chain, action, detail: {}),
    ):
        yield


@cache
def statement_without() -> Any:
    """Return the fast path's statement less what it writes to the ledger."""
    from kyc import fastpath

    rest, number = _WRITES.subn("", Path(fastpath.__file__).with_suffix(".sql").read_text())
    if number != 1 or "ledger" in rest:
        raise SystemExit("fastpath.sql writes the ledger in another way: bring this module up to date.")
    return fastpath._Statement(rest)


def median(spent: list[Spent], what: str) -> float:
    return statistics.median(getattr(each, what) for each in spent)


def print_line(name: str, spent: list[Spent]) -> None:
    figures = (f"{what} {median(spent, what):.3f}" for what in ("took", "here", "in_database", "processor"))
    print(f"  {name:<16} median ms: {'   '.join(figures)}")


def _environ(request: bytes) -> dict[str, Any]:
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": signed.WEBHOOK,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": headers["Content-Type"],
        "CONTENT_LENGTH": headers["Content-Length"],
        "HTTP_X_SIGNATURE": headers["X-Signature"],
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }


if __name__ == "__main__":
    main()
