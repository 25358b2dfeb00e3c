"""A real mail server that is away, refuses, drops or repeats addresses: nothing is lost, nobody else is delayed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kyc.models import LedgerEntry, Session
from notifications.channels.email import EmailChannel
from notifications.choices import AttemptOutcome, Status
from notifications.models import Notification
from notifications.sending import LONGEST_RETRY, MOST_TRIES, backoff, send_due
from tests.factories import ContactFactory
from tests.notifications.server import MailServer, Mute

Act = Callable[..., Session]


def make_due() -> None:
    in_the_outbox = Notification.objects.filter(status__in=[Status.PENDING, Status.WAITING])
    in_the_outbox.update(next_attempt_at=timezone.now())


@pytest.fixture
def rejected(reject: Act) -> Callable[[str], Notification]:
    """Return the notification of a rejected user with this address."""

    def make(address: str) -> Notification:
        contact = ContactFactory(email=address)
        return reject(user_id=contact.subject_id).notifications.get()

    return make


@pytest.fixture
def impatient(settings: Any, server: MailServer) -> dict[str, Any]:
    """The options of the mailer, which waits half a second for each answer."""
    options: dict[str, Any] = settings.MAILERS["default"]["OPTIONS"]
    options["timeout"] = 0.5
    return options


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


@pytest.mark.parametrize(
    "answer",
    [
        "451 4.7.1 Greylisted, come back",
        "452 4.2.2 The mailbox is full",
        "550 5.7.1 Relaying denied",
        "421 4.7.0 Goodbye",
    ],
)
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


@pytest.mark.parametrize("where", ["drops_in", "drops_at", "drops_after"])
def test_a_connection_that_drops_costs_only_the_message_in_hand(
    server: MailServer, rejected: Callable[[str], Notification], where: str
) -> None:
    """In the middle of it; when it is there; and after it was taken, before the answer: then it comes a second time."""
    dropped = rejected("dropped@example.test")
    rejected("other@example.test")
    setattr(server, where, {"dropped@example.test"})

    assert send_due() == {"failed": 1, "sent": 1}
    assert server.recipients.count("other@example.test") == 1

    setattr(server, where, set())
    make_due()
    assert send_due() == {"sent": 1}
    came = [mail["Message-ID"] for mail in server.messages if mail["To"] == "dropped@example.test"]
    assert came == [dropped.message_id] * (2 if where == "drops_after" else 1)


def test_a_server_that_takes_so_many_per_connection_delays_none(server: MailServer, review: Act) -> None:
    for _ in range(5):
        review()
    server.most_per_connection = 2

    assert send_due() == {"sent": 5}
    assert (server.n_connections, len(server.messages)) == (3, 5)


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


def test_a_message_that_is_never_answered_delays_the_others_by_its_time_out_only(
    server: MailServer, rejected: Callable[[str], Notification], impatient: Any
) -> None:
    stalled = [rejected("first@example.test"), rejected("second@example.test")][0]
    rejected("third@example.test")
    server.stalls_at = {"first@example.test"}
    # Enough for the others' answers on a busy machine.
    impatient["timeout"] = 4
    began = time.monotonic()

    assert send_due() == {"failed": 1, "sent": 2}
    assert time.monotonic() - began < 45
    stalled.refresh_from_db()
    assert (stalled.status, stalled.n_attempts) == (Status.PENDING, 1)
    assert sorted(server.recipients) == ["second@example.test", "third@example.test"]


def test_a_server_that_stalls_at_hello_holds_the_batch_by_one_time_out(
    server: MailServer, review: Act, impatient: Any
) -> None:
    for _ in range(3):
        review()
    server.stalls_at_hello = True
    began = time.monotonic()

    assert send_due() == {"failed": 3}
    assert time.monotonic() - began < 45


def test_a_server_that_takes_the_call_and_is_silent_is_left_alone_for_all(
    server: MailServer, review: Act, impatient: dict[str, Any]
) -> None:
    for _ in range(3):
        review()
    with Mute() as mute:
        impatient["port"] = mute.port
        assert send_due() == {"failed": 3}

    assert mute.n_connections <= 1


def test_a_server_that_never_finishes_its_sentence_is_cut_off(
    server: MailServer, review: Act, impatient: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter at a time is within every time-out: a message has one for all of it."""
    row = review().notifications.get()
    monkeypatch.setattr(EmailChannel, "longest", 0.5)
    with Mute(says="2") as mute:
        impatient["port"] = mute.port
        assert send_due() == {"failed": 1}

    row.refresh_from_db()
    assert (row.status, row.n_attempts) == (Status.PENDING, 1)


@pytest.mark.parametrize(
    "address", ["nobody", "a@b@example.test", "x@example.test\r\nBcc: y@example.test", "x y@example.test"]
)
def test_a_bad_address_is_no_contact(
    server: MailServer, rejected: Callable[[str], Notification], address: str
) -> None:
    bad = rejected(address)
    rejected("good@example.test")
    make_due()

    assert send_due() == {"waiting": 1, "sent": 1}

    bad.refresh_from_db()
    assert bad.status == Status.WAITING
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
