"""Two processes post two deliveries at the same instant, ten thousand times: of one session, or with the same new codes.

    uv run python -m tests.chaos.races [--rounds 10000] [--seed N]

Each process has a web process of its own behind it, and holds the last byte of its delivery back until the other one is
as far. Nobody may hear a 5xx, and each session must be what its events say. PostgreSQL's own count of deadlocks is
printed. Exits with 1 when anything is otherwise.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import randrange

from kyc.ralio.signature import sign
from kyc.ralio.simulator.journal import Journal, entries
from kyc.ralio.simulator.promises import Outcome, is_kept, outcome_of
from kyc.ralio.simulator.tally import Settled
from kyc.ralio.simulator.wire import Event
from tests import postgres
from tests.chaos.cluster import Cluster
from tests.chaos.duels import NOON, Duel, duels
from tests.chaos.stage import Stage, set_up
from tests.server import SECRET

BATCH = 500
ANSWER_WITHIN = 60.0
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10_000, help="how many pairs (default: 10000)")
    parser.add_argument("--seed", type=int, help="chooses the deliveries")
    options = parser.parse_args()
    if postgres.find_programs() is None:
        print(postgres.MISSING)
        return 2
    seed = randrange(1_000_000) if options.seed is None else options.seed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="kyc-races-"))
    cluster = Cluster.start_new(None)
    try:
        with set_up(cluster.url, folder, n_web=2, n_workers=0) as stage:
            wrongs = race(stage, cluster, options.rounds, seed)
    finally:
        cluster.server.stop()
    for wrong in wrongs:
        print(f"WRONG: {wrong}")
    if wrongs:
        print(f"Seed {seed}. Logs and the journals are in {folder}.")
        return 1
    shutil.rmtree(folder)
    print("All is as it should be.")
    return 0


def race(stage: Stage, cluster: Cluster, n_rounds: int, seed: int) -> list[str]:
    """Let both processes post, and return what is wrong afterwards."""
    journals = (stage.folder / "journal-1", stage.folder / "journal-2")
    # Not a copy of this process, which has threads.
    context = multiprocessing.get_context("spawn")
    barrier, start = context.Barrier(2, timeout=ANSWER_WITHIN), time.monotonic()
    sides = [
        context.Process(
            target=post_each, args=(side, stage.ports[side], seed, n_rounds, barrier, journals[side])
        )
        for side in (0, 1)
    ]
    for process in sides:
        process.start()
    for process in sides:
        process.join()
    print(f"{n_rounds:,} rounds in {time.monotonic() - start:.0f} s, seed {seed}")
    ((n_deadlocks,),) = cluster.ask(_DEADLOCKS)
    print(f"deadlocks that PostgreSQL counted: {n_deadlocks}")
    wrongs = ["A process did not come to its end."] if any(process.exitcode for process in sides) else []
    wrongs += wrong_answers(seed, n_rounds, journals)
    with ThreadPoolExecutor(2) as threads:
        questions = [threads.submit(wrong_rows, stage, journals), threads.submit(wrong_folds, stage, cluster)]
        return wrongs + [wrong for question in questions for wrong in question.result()]


def post_each(side: int, port: int, seed: int, n_rounds: int, barrier: Barrier, journal: Path) -> None:
    """Post this side of every duel, each at the instant when the other side does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WITHIN)
    with Journal(journal) as kept:
        for duel in duels(seed, n_rounds):
            kept.write(_post(connection, barrier, duel, side))


def _post(connection: http.client.HTTPConnection, barrier: Barrier, duel: Duel, side: int) -> Settled:
    body = duel.bodies[side]
    connection.putrequest("POST", "/webhooks/ralio")
    connection.putheader("X-Signature", sign(SECRET, body))
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:-1])
    barrier.wait()
    connection.send(body[-1:])
    answer = connection.getresponse()
    said = json.loads(answer.read())
    outcome = outcome_of(answer.status, said)
    is_as_promised = is_kept(duel.promise, outcome, answer.status, said)
    event = Event(duel.events[side], duel.kind, NOON, "g2", body, promise=duel.promise, trial=duel.kind)
    return Settled(event, outcome, answer.status, (), is_as_promised)


def wrong_answers(seed: int, n_rounds: int, journals: tuple[Path, Path]) -> list[str]:
    """Return what was answered otherwise than is due to the pair, with how often."""
    kinds, wrongs = Counter[str](), Counter[str]()
    for duel, *posts in zip(duels(seed, n_rounds), *map(entries, journals), strict=False):
        kinds[duel.kind] += 1
        heard = sorted((post.outcome, post.status) for post in posts)
        if [outcome for outcome, _ in heard] != sorted(duel.outcomes) or not _all_kept(duel, heard):
            wrongs[f"{duel.kind}: answered {heard}"] += 1
    for kind, number in kinds.most_common():
        print(f"  {kind:<32}{number:>7,}")
    if kinds.total() < n_rounds:
        wrongs[f"Only {kinds.total():,} rounds were posted by both"] += 1
    return [f"{what} ({n} times)." for what, n in wrongs.items()]


def _all_kept(duel: Duel, heard: list[tuple[Outcome, int | None]]) -> bool:
    return all(status == (400 if Outcome.REFUSED in duel.outcomes else 200) for _, status in heard)


def wrong_rows(stage: Stage, journals: tuple[Path, Path]) -> list[str]:
    done = stage.manage("simulate_ralio", "--compare-only", *map(str, journals))
    print(done.stdout.rstrip())
    wrongs = [done.stderr.strip()] if done.returncode else []
    done = stage.manage("verify_ledger")
    print(done.stdout.rstrip())
    return wrongs + ([done.stderr.strip()] if done.returncode else [])


def wrong_folds(stage: Stage, cluster: Cluster) -> list[str]:
    """Rebuild every session without writing, a batch at a time, and return what differs."""
    sessions = [str(row[0]) for row in cluster.ask("SELECT id FROM kyc_session ORDER BY id")]
    wrongs = []
    for batch in batched(sessions, BATCH, strict=False):
        done = stage.manage("rebuild_sessions", "--dry-run", *batch)
        if done.returncode:
            wrongs.append(f"{done.stderr.strip()}\n{done.stdout[:2000]}")
    print(f"{len(sessions):,} sessions recomputed in batches of {BATCH}")
    return wrongs


if __name__ == "__main__":
    sys.exit(main())
