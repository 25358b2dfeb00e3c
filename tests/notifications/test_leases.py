"""Workers share the outbox: none sends what another holds, and what a dead one held is taken up again."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kyc import ledger
from kyc.models import LedgerEntry, Session
from notifications import leases, outbox, outgoing, recording, sending
from notifications.choices import AttemptOutcome, Status
from notifications.leases import LEASE, claim
from notifications.messages import Message
from notifications.models import Attempt, Notification
from notifications.sending import send_due
from tests.factories import ContactFactory
from tests.notifications.channels import Recorder

Act = Callable[..., Session]


@pytest.fixture
def recorder(settings: Any) -> Iterator[type[Recorder]]:
    """In the place of e-mail. `recorder.act` is done in the middle of each message."""
    settings.NOTIFICATION_CHANNELS = {"email": "tests.notifications.channels.Recorder"}
    Recorder.sent.clear()
    yield Recorder
    Recorder.act = staticmethod(lambda message: None)


def expire(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_workers_at_once_send_each_message_once(
    transactional_db: None, recorder: type[Recorder], review: Act
) -> None:
    for _ in range(24):
        review()
    tallies: list[Counter[str]] = []

    def work() -> None:
        while tally := send_due(3):
            tallies.append(tally)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(tallies, Counter()) == {"sent": 24}
    assert len(recorder.sent) == len(set(recorder.sent)) == 24
    assert set(Notification.objects.values_list("status", "n_attempts")) == {(Status.SENT, 1)}


def test_what_is_held_is_not_claimed(review: Act) -> None:
    review()
    (row,) = claim(10)

    assert claim(10) == []
    expire(row)
    (again,) = claim(10)
    assert again.lease_token != row.lease_token
    assert [attempt.outcome for attempt in row.attempts.all()] == [AttemptOutcome.LOST]


def test_a_worker_that_lost_its_lease_records_nothing(
    transactional_db: None, recorder: type[Recorder], review: Act
) -> None:
    review()
    taken: list[Notification] = []

    def another_takes_it_up(message: Message) -> None:
        expire(Notification.objects.get())
        taken.extend(claim(1))
        connection.close()

    recorder.act = staticmethod(another_takes_it_up)
    assert send_due() == {"lost": 1}

    row = Notification.objects.get()
    assert (row.status, row.lease_token) == (Status.PENDING, taken[0].lease_token)
    assert not LedgerEntry.objects.filter(action="notification.sent").exists()


def test_of_a_group_only_what_was_lost_is_not_recorded(
    transactional_db: None, recorder: type[Recorder], review: Act
) -> None:
    rows = [review().notifications.get() for _ in range(3)]

    def another_takes_one_up(message: Message) -> None:
        if message.message_id == rows[1].message_id:
            expire(rows[1])
            claim(1)
        connection.close()

    recorder.act = staticmethod(another_takes_one_up)
    assert send_due() == {"sent": 2, "lost": 1}

    assert Attempt.objects.filter(outcome=AttemptOutcome.SENT).count() == 2
    told = LedgerEntry.objects.filter(action="notification.sent").values_list("detail", flat=True)
    assert sorted(json.loads(detail)["notification"] for detail in told) == sorted(
        str(row.pk) for row in (rows[0], rows[2])
    )
    assert not list(ledger.verify())


def test_a_batch_that_takes_long_renews_its_leases_while_it_waits(
    review: Act, recorder: type[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message takes as long as nearly the whole lease: the second, which waits, is still ours."""
    review(), review()
    began = timezone.now()
    renewed = threading.Event()
    renew = leases.renew

    def looked(rows: list[Notification]) -> list[Notification]:
        lost = renew(rows)
        if rows and rows[0].leased_until and rows[0].leased_until - began > LEASE * 1.8:
            renewed.set()
        return lost

    def pass_time(message: Message) -> None:
        monkeypatch.setattr(leases.timezone, "now", lambda: began + LEASE * 0.9)
        assert renewed.wait(120), "Nobody renews the leases while a message is under way."

    monkeypatch.setattr(leases, "renew", looked)
    recorder.act = staticmethod(pass_time)

    assert send_due() == {"sent": 2}


def test_what_another_took_up_while_one_waited_is_left_to_it(
    transactional_db: None, recorder: type[Recorder], review: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stood still: when it goes on its leases are over, and all but the first are another's."""
    monkeypatch.setattr(outgoing, "MOST_UNDER_WAY", 4)
    rows = [review().notifications.get() for _ in range(12)]
    began, taken = timezone.now(), list[Notification]()

    def stand_still(message: Message) -> None:
        if not taken:
            Notification.objects.update(leased_until=began - timedelta(seconds=1))
            taken.extend(claim(12))
            monkeypatch.setattr(leases.timezone, "now", lambda: began + LEASE * 0.9)
            connection.close()

    recorder.act = staticmethod(stand_still)
    tally = send_due()

    assert tally["lost"] == len(taken) == 12
    # The few that were written already leave twice, under the same ids; the rest is left alone.
    assert len(recorder.sent) <= 1 + 4
    assert {row.lease_token for row in Notification.objects.all()} == {taken[0].lease_token}
    assert set(recorder.sent) <= {row.message_id for row in rows}


def test_a_killed_worker_can_have_sent_only_so_many_without_a_record(
    transactional_db: None, recorder: type[Recorder], review: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_UNRECORDED", 3)
    monkeypatch.setattr(outgoing, "MOST_UNDER_WAY", 4)
    for _ in range(20):
        review()
    unrecorded: list[int] = []

    def look(message: Message) -> None:
        unrecorded.append(len(recorder.sent) - Attempt.objects.count())
        connection.close()

    recorder.act = staticmethod(look)
    assert send_due() == {"sent": 20}
    assert max(unrecorded) <= 3 + 4


def test_a_contact_that_comes_while_it_is_looked_for_is_not_missed(reject: Act) -> None:
    row = reject().notifications.get()
    Notification.objects.update(next_attempt_at=timezone.now())
    (held,) = claim(1)
    outbox.wake(row.recipient)

    assert recording.wait(held) == "lost"
    row.refresh_from_db()
    assert (row.status, row.lease_token) == (Status.PENDING, None)


def test_a_contact_that_comes_while_its_message_leaves_does_not_send_it_twice(
    transactional_db: None, recorder: type[Recorder], reject: Act
) -> None:
    session = reject()
    ContactFactory(subject_id=session.user_id)
    Notification.objects.update(next_attempt_at=timezone.now())
    row = session.notifications.get()
    assert row.status == Status.WAITING

    def wake(message: Message) -> None:
        outbox.wake(row.recipient)
        connection.close()

    recorder.act = staticmethod(wake)
    assert (send_due(), send_due()) == ({"sent": 1}, {})
    assert len(recorder.sent) == 1
