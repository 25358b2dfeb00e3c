"""The worker watches the inbox about once a minute, also when nothing arrives at all."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from config.management.commands import worker
from kyc import alarms
from kyc.models import InboxAlarm
from tests.factories import UserFactory
from tests.kyc.arrivals import HOUR, MINUTE, WEEK, came, every


def test_a_mail_about_silence_leaves_although_nothing_arrives(
    transactional_db: None, mailoutbox: list[Any]
) -> None:
    now = timezone.now()
    UserFactory(role="supervisor")
    came(*every(HOUR, now - 2 * WEEK, now))
    call_command("worker", "--once")
    assert mailoutbox == []
    with time_machine.travel(now + 12 * HOUR):
        call_command("worker", "--once")
        call_command("worker", "--once")

    assert [mail.subject for mail in mailoutbox] == ["Inbox unwell: Silence"]
    assert InboxAlarm.objects.get().closed_at is None


def test_it_watches_once_a_minute(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[object] = []
    monkeypatch.setattr(alarms, "watch", lambda now: watched.append(now) or [])
    seconds = 1000.0
    monkeypatch.setattr(worker.time, "monotonic", lambda: seconds)
    work = worker._now_and_then(worker._inbox, first_after=5)
    for seconds, n_times in ((1000.0, 0), (1005.0, 1), (1064.0, 1), (1065.0, 2), (1066.0, 2)):
        work(worker.Stop())
        assert len(watched) == n_times, seconds

    assert work.__name__ == "_inbox"
    assert MINUTE.total_seconds() == worker.SECONDS_BETWEEN_WATCHES


def test_an_inbox_that_cannot_be_read_stops_no_other_work(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(alarms, "watch", broken)
    monkeypatch.setattr(worker.connection, "close", lambda: None)

    assert worker.sweep(worker.Stop(), (worker._inbox, *worker.WORKS)) == (0, False)
