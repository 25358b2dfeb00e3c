"""A recipient, or a mail server, that hangs: the others wait as little as can be."""

from __future__ import annotations

import smtplib
import subprocess
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from kyc.models import Session
from notifications import outgoing
from notifications.choices import Status
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import ContactFactory
from tests.notifications.server import MailServer
from tests.notifications.test_worker import wait_for

Act = Callable[..., Session]


@pytest.fixture
def rejected(reject: Act) -> Callable[[str], Notification]:
    def make(address: str) -> Notification:
        contact = ContactFactory(email=address)
        row = reject(user_id=contact.subject_id).notifications.get()
        Notification.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now(), not_before=None)
        return row

    return make


@pytest.fixture
def quickly(settings: Any, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`quickly(seconds)`: the mailer waits so long for an answer, and the others a tenth of a second for one that hangs."""

    def be(seconds: float) -> None:
        settings.MAILERS["default"]["OPTIONS"]["timeout"] = seconds
        monkeypatch.setattr(outgoing, "LONGEST_ALONE", 0.1)
        monkeypatch.setattr("notifications.sending.LONGEST_UNRECORDED", 0.05)

    return be


@pytest.mark.django_db(transaction=True)
def test_the_others_leave_while_one_hangs(
    server: MailServer, rejected: Callable[[str], Notification], quickly: Callable[[float], None]
) -> None:
    quickly(2.0)
    rows = [rejected(f"{n}@example.test") for n in range(5)]
    server.stalls_at = {"0@example.test", "1@example.test"}
    began = time.monotonic()
    came: list[float] = []
    server.on_taken = lambda: came.append(time.monotonic() - began)

    assert send_due() == {"failed": 2, "sent": 3}

    assert max(came) < 2.0, "They left before the mailer had lost its patience with the first two."
    assert {row.pk for row in rows[:2]} == set(pks(Status.PENDING))


def test_a_server_that_answers_nobody_is_soon_left_alone(
    server: MailServer, review: Act, quickly: Callable[[float], None]
) -> None:
    for _ in range(12):
        review()
    quickly(0.3)
    server.is_stalled = True

    assert send_due() == {"failed": 12}
    # Each that is never answered costs its connection.
    assert server.n_connections < 3 + outgoing.MOST_CONNECTIONS


def test_a_server_that_wants_no_second_connection_of_ours_gets_none(
    server: MailServer,
    rejected: Callable[[str], Notification],
    quickly: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quickly(2.0)
    for n in range(3):
        rejected(f"{n}@example.test")
    server.stalls_at = {"0@example.test"}
    connect, numbers = smtplib.SMTP.__init__, count(1)

    def limited(self: smtplib.SMTP, *args: Any, **options: Any) -> None:
        if next(numbers) == 2:
            raise smtplib.SMTPConnectError(421, b"Too many connections")
        connect(self, *args, **options)

    monkeypatch.setattr(smtplib.SMTP, "__init__", limited)

    assert send_due() == {"failed": 1, "sent": 2}


@pytest.mark.django_db(transaction=True)
def test_what_hung_before_keeps_no_new_message_waiting(
    worker: Callable[..., subprocess.Popen[str]], server: MailServer, rejected: Callable[[str], Notification]
) -> None:
    hung = rejected("hangs@example.test")
    Notification.objects.filter(pk=hung.pk).update(n_attempts=1)
    server.stalls_at = {"hangs@example.test"}
    worker("--interval=0.1")
    assert server.has_message.wait(60)
    began = time.monotonic()

    rejected("new@example.test")
    wait_for(lambda: server.recipients == ["new@example.test"])

    assert time.monotonic() - began < 8, "The mailer waits ten seconds for the other's answer."
    assert pks(Status.PENDING) == [hung.pk]


def pks(status: Status) -> list[Any]:
    wait_for(lambda: not Notification.objects.filter(status=Status.PENDING, n_attempts=0).exists())
    return list(Notification.objects.filter(status=status).values_list("pk", flat=True))
