"""Workers share the outbox: none sends what another holds, and what a dead one held is taken up again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

import pytest
from django.db import connection
from django.utils import timezone

from kyc.models import LedgerEntry, Session
from notifications import leases, sending
from notifications.choices import AttemptOutcome, Status
from notifications.leases import LEASE, claim
from notifications.messages import Message
from notifications.models import Notification
from notifications.sending import send_due

Act = Callable[..., Session]


class Recorder:
    """A second channel: keeps what it is given, and does something in the middle if told."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.sent: list[str] = []
        self.act = act

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def send(self, message: Message) -> str:
        self.act()
        self.sent.append(message.message_id)
        return "Taken."


def expire(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_workers_at_once_send_each_message_once(transactional_db: None, review: Act) -> None:
    for _ in range(24):
        review()
    channel = Recorder()
    tallies: list[Counter[str]] = []

    def work() -> None:
        while tally := send_due(3, channel=channel):
            tallies.append(tally)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(tallies, Counter()) == {"sent": 24}
    assert len(channel.sent) == len(set(channel.sent)) == 24
    assert set(Notification.objects.values_list("status", "n_attempts")) == {(Status.SENT, 1)}


def test_what_is_held_is_not_claimed(review: Act) -> None:
    review()
    (row,) = claim(10)

    assert claim(10) == []
    expire(row)
    (again,) = claim(10)
    assert again.lease_token != row.lease_token
    assert [attempt.outcome for attempt in row.attempts.all()] == [AttemptOutcome.LOST]


def test_a_worker_that_lost_its_lease_records_nothing(review: Act) -> None:
    review()
    taken: list[Notification] = []

    def another_takes_it_up() -> None:
        expire(Notification.objects.get())
        taken.extend(claim(1))

    assert send_due(channel=Recorder(another_takes_it_up)) == {"lost": 1}

    row = Notification.objects.get()
    assert (row.status, row.lease_token) == (Status.PENDING, taken[0].lease_token)
    assert not LedgerEntry.objects.filter(action="notification.sent").exists()


def test_a_slow_batch_renews_its_leases(review: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    review(), review()
    began = timezone.now()
    last_ends: list[timedelta] = []

    def pass_time() -> None:
        monkeypatch.setattr(leases.timezone, "now", lambda: began + LEASE * 0.9)
        held = Notification.objects.exclude(lease_token=None).order_by("-leased_until")
        last_ends.append(held.values_list("leased_until", flat=True)[0] - began)

    assert send_due(channel=Recorder(pass_time)) == {"sent": 2}
    assert last_ends[0] < LEASE * 1.1
    assert last_ends[1] > LEASE * 1.8


def test_a_contact_that_comes_while_it_is_looked_for_is_not_missed(reject: Act) -> None:
    from notifications import outbox

    row = reject().notifications.get()
    Notification.objects.update(next_attempt_at=timezone.now())
    (held,) = claim(1)
    outbox.wake(row.recipient)

    assert sending._waits(held) == "lost"
    row.refresh_from_db()
    assert (row.status, row.lease_token) == (Status.PENDING, None)
