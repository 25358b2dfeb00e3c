"""A hundred officers press "Claim next" at the same instant; they claim the same session; and then all of it at once.

    uv run python -m tests.chaos.claims [--officers 100] [--processes 10] [--seconds 10] [--seed N]

Each officer is a thread with a database connection of its own, in one of several processes, against a throw-away
PostgreSQL. Nobody may get what another one got, nobody may go away empty-handed while a session is free, and after a
storm of claims, releases, assignments, questions and answers on a few sessions, with leases that end and accounts that
are closed meanwhile, each session's chain must tell, act by act, how it came to whoever has it. PostgreSQL's own count
of deadlocks has to stay nought. Exits with 1 when anything is otherwise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from random import Random, randrange
from typing import TYPE_CHECKING

from tests import postgres
from tests.server import SECRET

if TYPE_CHECKING:
    from tests.chaos.desk import Judge

# Ample for a hundred connections on a small machine.
WITHIN = 120.0
PHASES = ("enough for everybody", "half as many as people", "one session", "a storm")
STORM = PHASES.index("a storm")

# Who, in which phase, and what they heard: a session's id, a refusal's name, "" for nothing, or "!" and an error.
Heard = tuple[int, int, str]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--officers", type=int, default=100, help="how many people (default: 100)")
    parser.add_argument("--processes", type=int, default=10, help="in how many processes (default: 10)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the storm lasts (default: 10)")
    parser.add_argument("--seed", type=int, help="chooses who does what in the storm")
    options = parser.parse_args()
    if postgres.find_programs() is None:
        print(postgres.MISSING)
        return 2
    options.seed = randrange(1_000_000) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = postgres.start((*postgres.QUICK, f"max_connections={options.officers + 50}"))
    try:
        _set_up(server.url)
        wrongs = race(options)
    finally:
        server.stop()
    for wrong in wrongs:
        print(f"WRONG: {wrong}")
    print(f"Seed {options.seed}." if wrongs else "All is as it should be.")
    return 1 if wrongs else 0


def race(options: argparse.Namespace) -> list[str]:
    """Let everybody run through the phases, and return what is wrong afterwards."""
    from django.core.management import call_command

    from tests.chaos import desk

    # Not copies of this process, which has threads.
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(options.officers + 1, timeout=WITHIN), context.Queue()
    everybody = range(options.officers)
    shares = [everybody[number :: options.processes] for number in range(options.processes)]
    processes = [
        context.Process(target=work, args=(share, options, barrier, told), daemon=True) for share in shares
    ]
    for process in processes:
        process.start()
    # They load what they need meanwhile.
    call_command("migrate", verbosity=0, skip_checks=True)
    people = desk.hire(options.officers)
    barrier.wait()
    judges: list[Judge] = []
    for number in range(len(PHASES)):
        judges.append(desk.arrange(number, people))
        barrier.wait()
        start = time.monotonic()
        if number == STORM:
            desk.disturb(options.seconds, Random(options.seed), people)
        barrier.wait()
        print(f"{PHASES[number]}: {time.monotonic() - start:.2f} s")
    heard = [each for _ in processes for each in told.get(timeout=WITHIN)]
    for process in processes:
        process.join()
    return list(_judge(judges, heard))


def _judge(judges: list[Judge], heard: list[Heard]) -> Iterator[str]:
    from tests.chaos import desk

    for number, judge in enumerate(judges):
        answers = [said for in_phase, _, said in heard if in_phase == number]
        errors = Counter(said for said in answers if said.startswith("!"))
        yield from (f"{PHASES[number]}: {n} times {error[1:]}" for error, n in errors.items())
        yield from (f"{PHASES[number]}: {wrong}" for wrong in judge(answers))
    for what, number in sorted(Counter(said for phase, _, said in heard if phase == STORM).items()):
        print(f"  {what:<24}{number:>7,}")
    yield from desk.wrong_rows()


def work(share: range, options: argparse.Namespace, barrier: Barrier, told: Queue[list[Heard]]) -> None:
    """Be some of the officers, each on a thread of its own."""
    _set_up(os.environ["DATABASE_URL"])
    from tests.chaos.officer import Officer

    heard: list[Heard] = []

    def run(place: int) -> None:
        barrier.wait()
        officer = Officer(place)
        for number in range(len(PHASES)):
            barrier.wait()
            heard.extend((number, place, said) for said in officer.act(number, options.seconds, options.seed))
            barrier.wait()
        officer.leave()

    threads = [threading.Thread(target=run, args=[place]) for place in share]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(heard)


def _set_up(url: str) -> None:
    """Have Django use this database."""
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_DEBUG": "true",
        "RALIO_WEBHOOK_SECRETS": SECRET,
        "KYC_CLAIM_MINUTES": "60",
        "DATABASE_POOL_SIZE": "50",
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    import django

    django.setup()


if __name__ == "__main__":
    sys.exit(main())
