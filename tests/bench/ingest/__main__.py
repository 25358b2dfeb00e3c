"""Measure what was promised of ingestion's speed, on PostgreSQL with its default durability.

    uv run python -m tests.bench.ingest [--rounds 5] [--seconds 10] [--clients 8] [--only accept,cpu] [--memory]

All share this machine's cores: the sender, the servers and the database. So only ratios of turns of one round tell
something, and the rounds are interleaved. Deliveries are of 3 KB, 4 checks, 4 reasons, and a new session each.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal

from tests.bench.ingest import limit, memory, peer, report, servers
from tests.bench.ingest.rounds import ACCEPT, LIMIT, REPEAT, SECOND, Rounds

# Each question, and the turns of the desk and of pgbench that it needs.
TURNS = {
    "accept": (LIMIT, ACCEPT),
    "cpu": (ACCEPT,),
    "peer": (ACCEPT,),
    "duplicate": (ACCEPT, REPEAT),
    "second": (ACCEPT, SECOND),
    "told": (),
    "memory": (),
}
# The load average above which others disturb the figures.
QUIET = 0.5
FLOOR_TARGET = ["--factory", "django.core.wsgi:get_wsgi_application"]
FLOOR_SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.bench.ingest.floor_settings"}


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print_scene(options)
    kept = []
    if set(options.only) - {"memory"}:
        kept += compare(options)
    if "memory" in options.only:
        kept.append(watch_memory(options))
    print("\nPromised")
    for promise in kept:
        print(promise)
    if options.strict and not all(promise.is_met for promise in kept):
        raise SystemExit(1)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench.ingest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how many turns each has (default: 5)")
    parser.add_argument("--seconds", type=int, default=10, help="how long each turn takes (default: 10)")
    parser.add_argument("--clients", type=int, default=8, help="connections at once, for all (default: 8)")
    parser.add_argument("--workers", type=int, default=2, help="granian's processes (default: 2)")
    parser.add_argument("--threads", type=int, default=4, help="threads in each of them (default: 4)")
    parser.add_argument(
        "--only",
        type=questions,
        default=[name for name in TURNS if name != "memory"],
        help=f"some of {','.join(TURNS)} (default: all but memory)",
    )
    parser.add_argument("--memory", action="store_true", help="the same as --only memory")
    parser.add_argument(
        "--deliveries", type=int, default=100_000, help="how many for memory (default: 100000)"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a promise is missed")
    options = parser.parse_args()
    if options.memory:
        options.only = ["memory"]
    return options


def questions(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - TURNS.keys():
        raise argparse.ArgumentTypeError(f"not one of {','.join(TURNS)}: {','.join(sorted(unknown))}")
    return names


def print_scene(options: argparse.Namespace) -> None:
    print(
        f"{os.cpu_count()} cores for all; granian with {options.workers} processes of {options.threads} threads;"
        f" {options.clients} connections; {options.rounds} rounds of {options.seconds} s a turn"
    )
    if (load := os.getloadavg()[0]) > QUIET:
        print(f"The machine is at work already (load {load:.1f}): the figures will tell of that, too.")


def compare(options: argparse.Namespace) -> list[report.Promise]:
    """Play the rounds, print them, and return what became of the promises."""
    wanted = {turn for question in options.only for turn in TURNS[question]}
    size = servers.Size(options.workers, options.threads)
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(servers.postgresql())
        print_database(database)
        rounds = Rounds(
            database, stack.enter_context(servers.desk(database, size)), options.clients, options.seconds
        )
        if "told" in options.only:
            rounds.told = stack.enter_context(servers.desk(database, size, team="team@example.test"))
        if "cpu" in options.only:
            rounds.floor = stack.enter_context(
                servers.granian(FLOOR_TARGET, size, folder=servers.ROOT, environment=FLOOR_SETTINGS)
            )
        if "peer" in options.only:
            rounds.peer = enter_peer(stack, database.another("djstripe"), size)
        rounds.warm_up(wanted)
        if LIMIT in wanted:
            print_same_writes(rounds)
        for number in range(1, options.rounds + 1):
            rounds.play(wanted)
            print(f"\nround {number}", *report.round_lines(rounds), sep="\n", flush=True)
    print("", *report.summary(rounds), sep="\n")
    return report.promises(rounds)


def enter_peer(
    stack: contextlib.ExitStack, database: servers.Database, size: servers.Size
) -> peer.Peer | None:
    """Install and serve dj-stripe, or say why there is no comparison with it."""
    try:
        found = stack.enter_context(peer.dj_stripe(database, size))
    except peer.NotInstalled as error:
        print(f"No comparison with dj-stripe: {error}.")
        return None
    print(peer.ITS_WORK)
    return found


def print_database(database: servers.Database) -> None:
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    told = [f"{name} {database.execute(f'SHOW {name}')[0][0]}" for name in names]
    print("PostgreSQL: " + ", ".join(told))


def print_same_writes(rounds: Rounds) -> None:
    """Show that pgbench writes what the desk writes, row for row; stop when it does not."""
    added = rounds.same_writes()
    print("Rows per delivery, the desk's and pgbench's:")
    for table, (ours, theirs) in added.items():
        print(f"  {table:<24} {ours:5.2f} {theirs:5.2f}")
    if any(round(ours, 1) != round(theirs, 1) for ours, theirs in added.values()):
        raise SystemExit(f"{limit.SCRIPT.name} does not write what the desk writes: bring it up to date.")


def watch_memory(options: argparse.Namespace) -> report.Promise:
    """Post the deliveries to one web process and print its memory on the way."""
    samples = []
    with servers.postgresql() as database:
        print(f"\nMemory of one web process with {options.threads} threads")
        for sample in memory.watch(database, options.clients, options.threads, options.deliveries):
            samples.append(sample)
            print(report.sample_line(sample), flush=True)
    return report.memory_promise(samples)


if __name__ == "__main__":
    main()
