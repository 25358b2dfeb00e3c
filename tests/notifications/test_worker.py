"""The worker as a process: it drains, stops on request, survives the database, and may be killed at any instant."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from config.management.commands import worker as command
from kyc.choices import DeliveryStatus
from kyc.models import Delivery, Session
from notifications.choices import AttemptOutcome, Status
from notifications.models import Notification
from notifications.sending import send_due
from tests import locks, wire
from tests.notifications.server import MailServer

Act = Callable[..., Session]
Start = Callable[..., "subprocess.Popen[str]"]


def wait_for(what: Callable[[], Any], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "It did not come."
        time.sleep(0.05)


def n_sent() -> int:
    return Notification.objects.filter(status=Status.SENT).count()


def test_once_drains_and_exits(worker: Start, server: MailServer, review: Act) -> None:
    for _ in range(25):
        review()

    process = worker("--once")
    _, log = process.communicate(timeout=120)

    assert process.returncode == 0, log
    assert (n_sent(), len(server.messages)) == (25, 25)
    assert "messages sent: 25" in log
    assert "@" not in log


def test_killed_in_the_middle_it_loses_nothing(worker: Start, server: MailServer, review: Act) -> None:
    rows = [review().notifications.get() for _ in range(3)]
    server.is_stalled = True
    process = worker("--once")
    assert server.has_message.wait(120)

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert send_due() == {}, "The dead worker's leases still hold."
    server.is_stalled = False
    Notification.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert send_due() == {"sent": 3}
    assert sorted(mail["Message-ID"] for mail in server.messages) == sorted(row.message_id for row in rows)
    for row in rows:
        outcomes = [attempt.outcome for attempt in row.attempts.all()]
        assert outcomes == [AttemptOutcome.LOST, AttemptOutcome.SENT]


@pytest.mark.parametrize("seconds", ["-5", "nan", "inf", "soon"])
def test_it_looks_after_so_many_seconds_and_no_other_word(seconds: str) -> None:
    with pytest.raises(CommandError, match="interval"):
        call_command("worker", f"--interval={seconds}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_after_the_message_in_hand(
    worker: Start, server: MailServer, review: Act, number: signal.Signals
) -> None:
    for _ in range(3):
        review()
    # The answer comes when the signal has: a second is for the process to take note of it.
    server.is_holding, server.delay = True, 1.0
    process = worker("--interval=0.1")
    assert server.has_message.wait(120)

    process.send_signal(number)
    server.is_holding = False
    _, log = process.communicate(timeout=120)

    assert process.returncode == 0, log
    assert (n_sent(), len(server.messages)) == (1, 1)
    assert not Notification.objects.exclude(lease_token=None).exists()


def test_it_survives_a_lost_database_connection(worker: Start, review: Act) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose.")
    process = worker("--interval=0.1")
    review()
    wait_for(lambda: n_sent() == 1)
    locks.cut_other_connections()

    review()
    wait_for(lambda: n_sent() == 2)

    assert process.poll() is None


def test_one_kind_of_work_that_fails_stops_no_other(
    review: Act, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(limit: int = 100) -> int:
        raise OperationalError("The database went away.")

    review()
    monkeypatch.setattr(command.ingestion, "retry_failed", broken)
    monkeypatch.setattr(command.connection, "close", lambda: None)

    assert command.sweep(command.Stop()) == (1, False)
    assert len(mailoutbox) == 1
    with pytest.raises(CommandError, match="Not everything"):
        command.Command().drain(command.Stop())


def test_failed_deliveries_are_tried_again(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from kyc import folding

    def broken(session: Session) -> None:
        raise RuntimeError

    monkeypatch.setattr(folding, "fold", broken)
    wire.post(wire.payload("kyc_session_manual_review.g1", at=timezone.now()))
    assert Delivery.objects.get().status == DeliveryStatus.FAILED
    monkeypatch.undo()
    Delivery.objects.update(next_try_at=timezone.now())

    call_command("worker", "--once")

    assert Delivery.objects.get().status == DeliveryStatus.APPLIED
    assert n_sent() == 1
