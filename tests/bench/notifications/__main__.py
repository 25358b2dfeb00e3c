"""Measure what was promised of sending, on PostgreSQL with its default durability.

    uv run python -m tests.bench.notifications [--rounds 5] [--messages 2000] [--backlog 100000]

One real worker sends through a real mail server, which runs in a process of its own. After each of its turns a bare
smtplib client sends the same bytes through one connection to the same server; both are timed by the server, and only
the ratio of the two turns of one round tells something. Then the backlog is let loose on the worker at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.ingest import processes, servers
from tests.bench.ingest.report import Promise, spread
from tests.bench.notifications.mailbox import Mailbox, Taken, send_bare
from tests.server import ROOT

LEAST_SHARE = 0.5
MOST_DRIFT = 0.2
MOST_GROWTH = 1.1
# The load average above which others disturb the figures.
QUIET = 0.5
TENTHS = 10
# A worker that sends nothing for so long has stopped.
PATIENCE = 60.0


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print_scene(options)
    with servers.postgresql() as database, Mailbox() as mailbox:
        environment = settings(database.url, mailbox.url)
        os.environ.update(environment)
        prepare(options.warm_up + options.rounds * options.messages + options.backlog)
        with worker(options.log) as process:
            kept = measure(mailbox, process, options)
    print("\nPromised")
    for promise in kept:
        print(promise)
    if options.strict and not all(promise.is_met for promise in kept):
        raise SystemExit(1)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench.notifications",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="how many turns each has (default: 5)")
    parser.add_argument("--messages", type=int, default=2000, help="how many a turn sends (default: 2000)")
    parser.add_argument("--warm-up", type=int, default=500, help="how many go before (default: 500)")
    parser.add_argument(
        "--backlog", type=int, default=100_000, help="how many are due at once; 0: none (default: 100000)"
    )
    parser.add_argument("--log", type=Path, help="where the worker's log goes (default: nowhere)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a promise is missed")
    return parser.parse_args()


def print_scene(options: argparse.Namespace) -> None:
    print(
        f"{os.cpu_count()} cores for all: the worker, PostgreSQL, the mail server;"
        f" {options.rounds} rounds of {options.messages:,} messages a turn, a backlog of {options.backlog:,}"
    )
    if (load := os.getloadavg()[0]) > QUIET:
        print(f"The machine is at work already (load {load:.1f}): the figures will tell of that, too.")


def settings(database_url: str, mail_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "EMAIL_URL": mail_url,
        "DEFAULT_FROM_EMAIL": "KYC Desk <desk@example.test>",
        "COMPLIANCE_TEAM_EMAILS": "",
        "RALIO_API_URL": "",
        "RALIO_WEBHOOK_SECRETS": "bench",
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": "bench" * 10,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def prepare(n: int) -> None:
    """Migrate the database and fill the outbox."""
    began = time.monotonic()
    migrate = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(migrate, cwd=ROOT, env=os.environ, check=True)
    import django

    django.setup()
    from tests.bench.notifications import fill

    fill.fill(n)
    print(f"{n:,} messages written in {time.monotonic() - began:.0f} s", flush=True)


@contextlib.contextmanager
def worker(log: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command as in production while the block does."""
    command = [sys.executable, "manage.py", "worker", "--interval", "0.2"]
    with (log or Path(os.devnull)).open("wb") as told:
        process = subprocess.Popen(command, cwd=ROOT, stderr=told)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def measure(mailbox: Mailbox, process: subprocess.Popen[bytes], options: argparse.Namespace) -> list[Promise]:
    """Play the rounds and drain the backlog; print the figures and return what became of the promises."""
    from tests.bench.notifications import fill

    ours: list[float] = []
    bare: list[float] = []
    fill.make_due(options.warm_up, first=1)
    wait_for(mailbox, process, options.warm_up)
    first = options.warm_up + 1
    for number in range(1, options.rounds + 1):
        mailbox.take(keeps=True)
        fill.make_due(options.messages, first)
        wait_for(mailbox, process, options.messages)
        taken = mailbox.take(keeps=False)
        ours.append(taken.rate)
        bare.append(bare_rate(mailbox, taken))
        first += options.messages
        size = sum(len(content) for _, _, content in taken.mails) / len(taken.mails)
        print(
            f"round {number}: worker {ours[-1]:7.1f} messages per second, bare client {bare[-1]:7.1f},"
            f" ratio {ours[-1] / bare[-1]:.3f}, {size:,.0f} bytes each",
            flush=True,
        )
    print(f"messages per second, median (least to greatest): worker {spread(ours, '.1f')}", end="")
    print(f", bare client {spread(bare, '.1f')}")
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    kept = [Promise("one worker beside a bare mail client, per second", ratios, least=LEAST_SHARE)]
    if options.backlog:
        kept += drain(mailbox, process, options.backlog, first)
    check_outcome(first - 1 + options.backlog)
    return kept


def bare_rate(mailbox: Mailbox, taken: Taken) -> float:
    send_bare(mailbox.port, taken.mails)
    return mailbox.take(keeps=False).rate


def wait_for(mailbox: Mailbox, process: subprocess.Popen[bytes], n: int) -> None:
    """Return when so many messages have come."""
    came, since = 0, time.monotonic()
    while (now := mailbox.count()) < n:
        if now > came:
            came, since = now, time.monotonic()
        if process.poll() is not None or time.monotonic() - since > PATIENCE:
            raise SystemExit(f"The worker stopped sending: {now} of {n} messages came.")
        time.sleep(0.05)


def drain(mailbox: Mailbox, process: subprocess.Popen[bytes], n: int, first: int) -> list[Promise]:
    """Let the backlog loose and look at the worker after each tenth."""
    from tests.bench.notifications import fill

    mailbox.take(keeps=False)
    fill.make_due(n, first)
    resident = []
    for tenth in range(1, TENTHS + 1):
        wait_for(mailbox, process, n * tenth // TENTHS)
        resident.append(processes.resident(process.pid))
    at = mailbox.take(keeps=False).at
    rates = [tenth_rate(at, number) for number in range(TENTHS)]
    for number, (rate, held) in enumerate(zip(rates, resident, strict=True), 1):
        print(
            f"  backlog {number * 100 // TENTHS:3} %: {rate:7.1f} messages per second, {held / 1e6:6.1f} MB"
        )
    return [
        Promise(
            "backlog: its last tenth beside its first, per second",
            [rates[-1] / rates[0]],
            least=1 - MOST_DRIFT,
        ),
        Promise("backlog: memory at its end beside 10 %", [resident[-1] / resident[0]], most=MOST_GROWTH),
    ]


def tenth_rate(at: list[float], number: int) -> float:
    share = len(at) // TENTHS
    first, last = at[number * share], at[(number + 1) * share - 1]
    return (share - 1) / (last - first)


def check_outcome(n: int) -> None:
    """Stop unless every message is recorded as sent, by one try each."""
    from tests.bench.notifications import fill

    until = time.monotonic() + PATIENCE
    while (found := fill.outcome()) != [("sent", n, n)]:
        if time.monotonic() > until:
            raise SystemExit(f"Of {n} messages sent by one try each the outbox says: {found}.")
        time.sleep(0.2)
    print(f"Every one of {n:,} messages is recorded as sent, by one try each.")


if __name__ == "__main__":
    main()
