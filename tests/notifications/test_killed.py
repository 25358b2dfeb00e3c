"""Workers killed in turns while hundreds of messages leave through a real mail server: each arrives, and all is accounted for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Count, Q

from kyc import ledger
from kyc.models import LedgerEntry, Session
from notifications.choices import AttemptOutcome, Status
from notifications.models import Attempt, Notification
from tests.notifications.server import MailServer
from tests.notifications.test_worker import wait_for
from tests.server import database_url

Act = Callable[..., Session]

TEAM = [f"member{number}@example.test" for number in range(12)]
N_SESSIONS = 25
N_MESSAGES = len(TEAM) * N_SESSIONS
# Seconds; those that stood still for longer have lost what they held.
LEASE = "2.0"
SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)


@pytest.fixture
def start(transactional_db: None, server: MailServer) -> Iterator[Callable[[], int]]:
    """Start a worker and return its process id."""
    environment = {**os.environ, "DATABASE_URL": database_url(), "EMAIL_URL": server.url}
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.notifications.workers", LEASE],
        env=environment,
        cwd=django_settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert starter.stdin and starter.stdout

    def start_one() -> int:
        starter.stdin.write("\n")
        starter.stdin.flush()
        return int(starter.stdout.readline())

    yield start_one
    starter.stdin.close()
    starter.wait(60)
    starter.stdout.close()


def test_killed_in_turns_they_lose_nothing_and_account_for_what_came_twice(
    start: Callable[[], int], server: MailServer, review: Act, settings: Any
) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = TEAM
    for _ in range(N_SESSIONS):
        review()
    # SQLite has one writer at a time: a second worker would only wait for the first.
    workers = [start() for _ in range(2 if connection.vendor == "postgresql" else 1)]
    server.delay = 0.005

    for number, share in enumerate(SHARES):
        wait_for(lambda least=share * N_MESSAGES: len(server.messages) >= least)
        turn = number % len(workers)
        os.kill(workers[turn], signal.SIGKILL)
        workers[turn] = start()
    wait_for(lambda: Notification.objects.filter(status=Status.SENT).count() == N_MESSAGES)

    came = Counter(str(mail["Message-ID"]) for mail in server.messages)
    assert came.keys() == set(Notification.objects.values_list("message_id", flat=True))
    lost = Count("attempts", filter=Q(attempts__outcome=AttemptOutcome.LOST))
    n_lost = dict(Notification.objects.annotate(n_lost=lost).values_list("message_id", "n_lost"))
    assert sum(n_lost.values()) > 0, "No kill hit a worker at work."
    unexplained = {pk: n for pk, n in came.items() if n > 1 + n_lost[pk]}
    assert not unexplained, "What came twice was in the hands of one that was killed."
    # Nobody recorded what another held.
    sent = Attempt.objects.filter(outcome=AttemptOutcome.SENT)
    assert (sent.count(), sent.values("notification").distinct().count()) == (N_MESSAGES, N_MESSAGES)
    assert not Attempt.objects.exclude(outcome__in=[AttemptOutcome.SENT, AttemptOutcome.LOST]).exists()
    assert LedgerEntry.objects.filter(action="notification.sent").count() == N_MESSAGES
    assert not Notification.objects.exclude(lease_token=None).exists()
    assert not list(ledger.verify())
