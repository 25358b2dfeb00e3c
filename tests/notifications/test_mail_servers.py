"""A real mail server that is away, refuses, drops or repeats addresses: nothing is lost, nobody else is delayed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kyc.models import LedgerEntry, Session
from notifications.choices import AttemptOutcome, Status
from notifications.models import Notification
from notifications.sending import LONGEST_RETRY, MOST_TRIES, backoff, send_due
from tests.factories import ContactFactory
from tests.notifications.server import MailServer

Act = Callable[..., Session]


def make_due() -> None:
    Notification.objects.filter(status=Status.PENDING).update(next_attempt_at=timezone.now())


@pytest.fixture
def rejected(reject: Act) -> Callable[[str], Notification]:
    """Return the notification of a rejected user with this address."""

    def make(address: str) -> Notification:
        contact = ContactFactory(email=address)
        return reject(user_id=contact.subject_id).notifications.get()

    return make


def test_a_batch_goes_through_one_connection(server: MailServer, review: Act) -> None:
    for _ in range(3):
        review()

    assert send_due() == {"sent": 3}
    assert (server.n_connections, len(server.messages)) == (1, 3)


def test_a_server_that_is_down_is_waited_for(server: MailServer, review: Act) -> None:
    rows = [review().notifications.get() for _ in range(2)]
    server.stop()

    assert send_due() == {"failed": 2}
    assert send_due() == {}
    for row in rows:
        row.refresh_from_db()
        assert (row.status, row.n_attempts) == (Status.PENDING, 1)
        wait = row.next_attempt_at - timezone.now()
        assert timedelta(seconds=40) < wait <= timedelta(minutes=1)

    server.start()
    make_due()
    assert send_due() == {"sent": 2}
    assert {mail["Message-ID"] for mail in server.messages} == {row.message_id for row in rows}


def test_a_refused_recipient_stops_nobody_else(
    server: MailServer, rejected: Callable[[str], Notification]
) -> None:
    good = [rejected("first@example.test"), rejected("last@example.test")]
    bad = rejected("gone.person@example.test")
    Notification.objects.filter(pk=good[1].pk).update(next_attempt_at=timezone.now())
    server.refused["gone.person@example.test"] = (
        "550 5.1.1 <gone.person@example.test>: no mailbox gone.person here"
    )

    assert send_due() == {"sent": 2, "gave_up": 1}

    bad.refresh_from_db()
    assert (bad.status, bad.attempts.get().outcome) == (Status.GAVE_UP, AttemptOutcome.REFUSED)
    assert "550 5.1.1" in bad.last_error
    assert "gone" not in bad.last_error + bad.attempts.get().answer
    assert LedgerEntry.objects.filter(action="notification.gave_up").count() == 1


@pytest.mark.parametrize("answer", ["452 4.2.2 The mailbox is full", "550 5.7.1 Relaying denied"])
def test_a_recipient_who_is_refused_for_now_is_tried_again(
    server: MailServer, rejected: Callable[[str], Notification], answer: str
) -> None:
    row = rejected("full@example.test")
    server.refused["full@example.test"] = answer

    assert send_due() == {"failed": 1}
    server.refused.clear()
    make_due()
    assert send_due() == {"sent": 1}

    assert [attempt.outcome for attempt in row.attempts.all()] == [AttemptOutcome.FAILED, AttemptOutcome.SENT]


def test_a_connection_that_drops_in_a_message_costs_only_that_one(
    server: MailServer, rejected: Callable[[str], Notification]
) -> None:
    dropped = rejected("dropped@example.test")
    rejected("other@example.test")
    server.drops_at = {"dropped@example.test"}

    assert send_due() == {"failed": 1, "sent": 1}
    assert server.recipients == ["other@example.test"]

    server.drops_at = set()
    make_due()
    assert send_due() == {"sent": 1}
    assert server.messages[-1]["Message-ID"] == dropped.message_id


@pytest.mark.parametrize("answer", ["451 4.3.0 Try later", "554 5.7.1 Not from you", "421 4.3.2 Going away"])
def test_a_message_that_is_not_taken_is_tried_again(server: MailServer, review: Act, answer: str) -> None:
    row = review().notifications.get()
    server.answer = answer

    assert send_due() == {"failed": 1}
    row.refresh_from_db()
    assert row.last_error.startswith(answer[:3])

    server.answer = "250 OK"
    make_due()
    assert send_due() == {"sent": 1}


def test_a_server_that_stalls_does_not_hold_the_worker(server: MailServer, review: Act) -> None:
    row = review().notifications.get()
    server.is_stalled = True

    assert send_due() == {"failed": 1}
    row.refresh_from_db()
    assert row.status == Status.PENDING


@pytest.mark.parametrize(
    "address", ["nobody", "a@b@example.test", "x@example.test\r\nBcc: y@example.test", "x y@example.test"]
)
def test_a_bad_address_gives_up_at_once(
    server: MailServer, rejected: Callable[[str], Notification], address: str
) -> None:
    bad = rejected(address)
    rejected("good@example.test")

    assert send_due() == {"gave_up": 1, "sent": 1}

    bad.refresh_from_db()
    assert bad.last_error == "The address is not a valid e-mail address."
    assert server.recipients == ["good@example.test"]


def test_mail_that_is_not_set_up_well_is_tried_again(review: Act, settings: Any) -> None:
    settings.MAILERS = {"default": {"BACKEND": "nowhere.EmailBackend"}}
    row = review().notifications.get()

    assert send_due() == {"failed": 1}
    row.refresh_from_db()
    assert row.last_error == "Not sent: InvalidMailer."


def test_it_gives_up_in_the_end(server: MailServer, review: Act) -> None:
    row = review().notifications.get()
    server.stop()
    for _ in range(MOST_TRIES):
        make_due()
        send_due()

    row.refresh_from_db()
    assert (row.status, row.next_attempt_at, row.n_attempts) == (Status.GAVE_UP, None, MOST_TRIES)
    assert row.attempts.count() == MOST_TRIES


@pytest.mark.parametrize(("n", "minutes"), [(1, 1), (2, 2), (5, 16), (11, 1024), (12, 1440), (40, 1440)])
def test_waits_double_up_to_a_day(n: int, minutes: int) -> None:
    waits: list[Any] = [backoff(n) for _ in range(50)]

    assert max(waits) <= timedelta(minutes=minutes) <= LONGEST_RETRY
    assert min(waits) >= timedelta(minutes=minutes) * 0.8
    assert len(set(waits)) > 1
