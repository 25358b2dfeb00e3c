"""Two or three people, or Ralio, do something to the same session at the same instant: only one of them can be right.

    uv run python -m tests.chaos.decisions [--rounds 600] [--seed N]

Each side is a process of its own against a throw-away PostgreSQL; all of them begin each round together. Two decide,
settle, undo or confirm at once, somebody confirms what its maker takes back, and Ralio's next event comes while a
person decides. Everybody has to hear what is due to them, each session has to be what its events and decisions say
when it is folded anew, the ledger has to hold, and PostgreSQL's own count of deadlocks has to stay nought. Exits with 1
when anything is otherwise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from random import Random, randrange
from typing import TYPE_CHECKING

from tests import postgres
from tests.server import SECRET

if TYPE_CHECKING:
    from tests.chaos.bouts import Move

SIDES = 3
# Ample for a small machine that has other things to do.
WITHIN = 120.0
# So much one side may begin after another one, in seconds: each order of what they do comes to pass.
HEAD_START = 0.02


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=600, help="how many rounds (default: 600)")
    parser.add_argument("--seed", type=int, help="chooses who begins")
    options = parser.parse_args()
    if postgres.find_programs() is None:
        print(postgres.MISSING)
        return 2
    seed = randrange(1_000_000) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = postgres.start()
    try:
        wrongs = race(server.url, options.rounds, seed)
    finally:
        server.stop()
    for wrong in wrongs:
        print(f"WRONG: {wrong}")
    print(f"Seed {seed}." if wrongs else "All is as it should be.")
    return 1 if wrongs else 0


def race(url: str, n_rounds: int, seed: int) -> list[str]:
    """Let the sides meet in each round, and return what is wrong afterwards."""
    # Not copies of this process, which has connections.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(SIDES, timeout=WITHIN)
    given, told = [context.Queue() for _ in range(SIDES)], [context.Queue() for _ in range(SIDES)]
    sides = [
        context.Process(target=work, args=(side, url, seed, barrier, given[side], told[side]), daemon=True)
        for side in range(SIDES)
    ]
    for process in sides:
        process.start()
    _set_up(url)
    from django.core.management import call_command

    from tests.chaos import bouts

    call_command("migrate", verbosity=0, skip_checks=True)
    rounds = bouts.arrange(n_rounds)
    start = time.monotonic()
    for side, queue in enumerate(given):
        queue.put([bout.moves[side] if side < len(bout.moves) else None for bout in rounds])
    heard = list(zip(*(queue.get(timeout=WITHIN + n_rounds) for queue in told), strict=True))
    for process in sides:
        process.join()
    print(f"{n_rounds:,} rounds in {time.monotonic() - start:.1f} s, seed {seed}")
    tally = Counter((bout.kind, said) for bout, said in zip(rounds, heard, strict=True))
    for (kind, said), number in sorted(tally.items()):
        print(f"  {kind:<36}{number:>5,}  {', '.join(filter(None, said))}")
    return [*bouts.wrong_rounds(rounds, heard), *bouts.wrong_rows()]


def work(
    side: int,
    url: str,
    seed: int,
    barrier: Barrier,
    given: Queue[Sequence[Move | None]],
    told: Queue[list[str]],
) -> None:
    """Make this side's move of each round, at the instant when the others make theirs; tell what was heard."""
    _set_up(url)
    from tests.chaos import bouts

    random, heard = Random(f"{seed} {side}"), []
    for move in given.get(timeout=WITHIN):
        barrier.wait()
        time.sleep(random.random() * HEAD_START)
        heard.append(bouts.make(move) if move else "")
    told.put(heard)


def _set_up(url: str) -> None:
    """Have Django use this database."""
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_DEBUG": "true",
        # Where Django's test client says that it is.
        "DJANGO_ALLOWED_HOSTS": "testserver",
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "COMPLIANCE_TEAM_EMAILS": "team@example.test",
        "KYC_DIGEST_TIME": "none",
        "KYC_FOUR_EYES": "none",
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    import django

    django.setup()


if __name__ == "__main__":
    sys.exit(main())
