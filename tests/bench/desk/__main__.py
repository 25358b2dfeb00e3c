"""Measure what was promised of the desk's speed, on PostgreSQL, with a million sessions beside a thousand.

    uv run python -m tests.bench.desk [--sessions 1000000] [--rounds 15] [--keep FOLDER] [--only TEXT]

Whole requests of a signed-in officer, middleware, view and template, through Django's test client in this process. Both
databases have the same shape: of the million 50,000 are in REVIEW, of the thousand 400, so that every view fills a
page in both. Each round asks for every page in both, in turn; figures are medians over the rounds.
With --keep the filled databases stay in the folder, and later runs are quick. Ends with 1 when a promise is missed.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests import postgres
from tests.bench.desk import cluster

if TYPE_CHECKING:
    from tests.bench.desk.desks import Desk
    from tests.bench.desk.report import Figures
    from tests.bench.desk.shape import Size
    from tests.bench.desk.turns import Turn

SMALL = 1000
# The load average above which others disturb the figures.
QUIET = 0.5
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DJANGO_DEBUG": "true",
    "RALIO_WEBHOOK_SECRETS": "bench",
    "LOG_LEVEL": "ERROR",
}


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.simplefilter("ignore")
    print(f"{os.cpu_count()} cores for this process and PostgreSQL; {options.rounds} rounds")
    if (load := os.getloadavg()[0]) > QUIET:
        print(f"The machine is at work already (load {load:.1f}): the figures will tell of that, too.")
    with ExitStack() as stack:
        folder = options.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kyc-bench-", dir=passable()))
        )
        with cluster.serve(folder, cluster.FILLING) as server:
            sizes = made(server, options.sessions)
        with cluster.serve(folder, cluster.MEASURED) as server:
            figures = measured(server, sizes, options)
    from tests.bench.desk import report

    print("", *report.table(figures, ("1,000", f"{options.sessions:,}")), sep="\n")
    print(f"\n{report.aside(figures)}\n\nPromised")
    kept = report.verdicts(figures)
    print(*kept, sep="\n")
    if not all(verdict.is_met for verdict in kept):
        raise SystemExit(1)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench.desk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sessions", type=int, default=1_000_000, help="the large database (default: 1000000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="how often each page is asked for (default: 15)"
    )
    parser.add_argument(
        "--keep", type=Path, help="keep the filled databases in this folder, or use those in it"
    )
    parser.add_argument(
        "--only", default="", help="only pages whose name has this in it, and those compared with"
    )
    return parser.parse_args()


def passable() -> str:
    return postgres._passable_folder(postgres._owner())


def set_up(server: str) -> None:
    """Set Django up as in production, but for its static files and its pool."""
    os.environ |= {**ENVIRONMENT, "DATABASE_URL": f"{server}postgres"}
    import django
    from django.conf import settings

    django.setup()
    from tests.bench.desk import peer

    settings.DEBUG = settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    settings.ROOT_URLCONF = peer.__name__
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "NAME": "desk"}, peer.TEMPLATES]
    # One connection to each database, which stays.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)


def made(server: str, n_sessions: int) -> list[Size]:
    """Fill the two databases unless they are there, and return their sizes. Migrations that came since are run."""
    set_up(server)
    from django.core.management import call_command
    from django.db import connections

    from tests.bench.desk import desks, fill, shape

    sizes = [shape.Size(number) for number in (SMALL, n_sessions)]
    for size in sizes:
        is_new = not cluster.has(server, size.database)
        if is_new:
            cluster.create(server, size.database)
        connections["default"] = desks.connect(server, size.database)
        try:
            call_command("migrate", verbosity=0, skip_checks=True)
            if is_new:
                print(f"{size.n_sessions:,} sessions, {size.n_review:,} in REVIEW", flush=True)
                fill.fill(size)
        except BaseException:
            connections["default"].close()
            if is_new:
                cluster.drop(server, size.database)
            raise
        connections["default"].close()
    return sizes


def measured(server: str, sizes: Sequence[Size], options: argparse.Namespace) -> list[Figures]:
    """Ask both databases for every page, in turn, round after round."""
    from tests.bench.desk.desks import Desk
    from tests.bench.desk.report import Figures

    desks = [Desk.open(server, size) for size in sizes]
    figures, requests = [], []
    for pair in zip(*(wanted(desk, options.only) for desk in desks), strict=True):
        tried = [_tried(desk, turn) for desk, turn in zip(desks, pair, strict=True)]
        queries, rows = zip(*tried, strict=True)
        figures.append(Figures(pair[0], queries, rows))
        requests.append(pair)
    # What is there now stays; collecting it again and again would stand in the figures.
    gc.freeze()
    for number in range(options.rounds):
        for each, pair in zip(figures, requests, strict=True):
            turns = [(desks[0], pair[0], each.small), (desks[1], pair[1], each.large)]
            for desk, turn, times in turns if number % 2 else reversed(turns):
                gc.collect()
                times.append(desk.timed(turn.request))
    return figures


def _tried(desk: Desk, turn: Turn) -> tuple[int, int]:
    """Return a request's number of statements, and how many rows it lists. Asked twice: the first time fills what a
    process keeps, and what PostgreSQL has in memory."""
    from tests.bench.desk.report import listed

    for _ in range(2):
        try:
            answer, number = desk.tried(turn.request)
        except Exception as error:
            raise SystemExit(f"{turn.name}: {error!r}") from error
    if answer.status_code >= 400:
        raise SystemExit(f"{turn.name}: the answer was {answer.status_code}.")
    return number, listed(answer.content)


def wanted(desk: Desk, only: str) -> list[Turn]:
    """Return the requests whose name has the text in it, and those that they are compared with."""
    from tests.bench.desk.turns import CAPPED_PEER, FIRST_PAGE, PEER, turns

    found = list(turns(desk))
    chosen = [turn for turn in found if only in turn.name]
    names = {FIRST_PAGE, PEER, CAPPED_PEER, *(turn.of for turn in chosen), *(turn.name for turn in chosen)}
    return [turn for turn in found if turn.name in names]


if __name__ == "__main__":
    main()
