"""Play Ralio at full rate against the desk while everything it stands on is killed, and prove that nothing was lost.

    uv run python -m tests.chaos [--seconds 60] [--seed N] [--short]

Starts a throw-away PostgreSQL with its default durability, on a small disk of its own where the machine allows one,
several web processes, workers and a mail server. While `simulate_ralio` posts signed events, duplicates, hostile bodies
and forgeries, web processes and workers are killed, PostgreSQL is restarted and killed, connections are cut and the
disk fills, in random order. Then everything is brought up, the workers drain, and the database is compared with what
was acknowledged. Exits with 1 when anything is missing, there twice, or otherwise than it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random, randrange

from tests import postgres
from tests.chaos import verdict
from tests.chaos.cluster import Cluster
from tests.chaos.disk import Disk, NoDisk, small_disk
from tests.chaos.faults import Torment
from tests.chaos.stage import MAX_BYTES, Stage, set_up

SHORT_SECONDS = 9.0
# Of what is played. The waits are short so that a minute holds many faults.
SHARES = ("duplicates=0.15", "reordering=0.2", "late=0.03", "old=0.05", "hostile=0.08", "forged=0.08")
PATIENCE = ("first-wait=0.05", "longest-wait=1", "tries=500", "timeout=20")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long events are posted (default: 60)"
    )
    parser.add_argument("--seed", type=int, help="chooses the faults and the events")
    parser.add_argument("--short", action="store_true", help="some of each fault, in about 25 seconds")
    parser.add_argument("--web", type=int, default=3, help="how many web processes (default: 3)")
    parser.add_argument("--workers", type=int, default=2, help="how many workers (default: 2)")
    options = parser.parse_args()
    if postgres.find_programs() is None:
        print(postgres.MISSING)
        return 2
    if options.short:
        options.seconds, options.web = SHORT_SECONDS, 2
    options.seed = randrange(1_000_000) if options.seed is None else options.seed
    # A signal ends the run as Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="kyc-chaos-"))
    with _disk(options.seconds) as disk, _cluster(disk) as cluster:
        wrongs = run(cluster, disk, folder, options)
    for wrong in wrongs:
        print(f"WRONG: {wrong}")
    if wrongs:
        print(f"Seed {options.seed}. Logs and the journal are in {folder}.")
        return 1
    shutil.rmtree(folder)
    print("All is as it should be.")
    return 0


def run(cluster: Cluster, disk: Disk | None, folder: Path, options: argparse.Namespace) -> list[str]:
    """Play, harm, mend and compare; return what is wrong."""
    say = _Clock()
    journal = folder / "journal"
    with set_up(cluster.url, folder, n_web=options.web, n_workers=options.workers) as stage:
        say(f"{options.web} web processes, {options.workers} workers, seed {options.seed}")
        ralio = _play(stage, journal, options)
        try:
            torment = Torment(stage, cluster, disk, Random(options.seed), say, journal)
            torment.go_on(options.seconds, pause=0.3 if options.short else 1.5)
            cluster.ensure_up()
            stage.ensure_up()
            stage.wait_until_ready()
            say(f"{torment.done.total()} faults; now all is up again, and what was begun is settled")
            ralio.terminate()
            told, _ = ralio.communicate(timeout=300)
        finally:
            ralio.kill()
        say(told.rstrip())
        say(cluster.what_it_met())
        wrongs = [] if ralio.returncode == 0 else ["Not every post was answered as promised."]
        wrongs += verdict.drain(stage, cluster)
        say("the workers have nothing left to do")
        wrongs += verdict.answers(journal, say)
        with ThreadPoolExecutor() as threads:
            questions = [
                threads.submit(verdict.deliveries, stage, journal, say),
                threads.submit(verdict.projection, stage, cluster, say, most=80 if options.short else 0),
                threads.submit(verdict.record, stage, say),
                threads.submit(verdict.notifications, stage, cluster, say),
            ]
            return wrongs + [wrong for question in questions for wrong in question.result()]


class _Clock:
    """Says things with the seconds since the start; what has several lines stands below."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        between = "\n" if "\n" in text else ""
        print(f"{time.monotonic() - self._start:7.1f} s  {between}{text}", flush=True)


def _play(stage: Stage, journal: Path, options: argparse.Namespace) -> subprocess.Popen[str]:
    """Start `simulate_ralio`, which goes to the web processes in turn, as behind a load balancer."""
    addresses = [f"url=http://127.0.0.1:{port}/webhooks/ralio" for port in stage.ports]
    how = ["count=0", "rate=0", "connections=12", f"seed={options.seed}"]
    arguments = [*addresses, *how, *SHARES, *PATIENCE, f"limit={MAX_BYTES}", f"journal={journal}"]
    command = [sys.executable, "manage.py", "simulate_ralio", *(f"--{argument}" for argument in arguments)]
    return subprocess.Popen(
        command, env=stage.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@contextlib.contextmanager
def _disk(seconds: float) -> Iterator[Disk | None]:
    """Give PostgreSQL a disk of its own that can be filled, or say why that fault is left out."""
    with contextlib.ExitStack() as stack:
        disk = None
        try:
            disk = stack.enter_context(small_disk(int(320 + 8 * seconds)))
        except NoDisk as error:
            print(f"SKIPPED: the disk is not filled, for {error}. Root may, for instance in a container.")
        yield disk


@contextlib.contextmanager
def _cluster(disk: Disk | None) -> Iterator[Cluster]:
    cluster = Cluster.start_new(disk.folder if disk else None)
    try:
        yield cluster
    finally:
        cluster.server.stop()


if __name__ == "__main__":
    sys.exit(main())
