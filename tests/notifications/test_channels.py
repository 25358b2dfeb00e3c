"""A second channel beside e-mail: rows of its own, tries of its own, and failures that are nobody else's."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from kyc import deadlines
from kyc.models import Session, User
from notifications.choices import AttemptOutcome, Kind, Status
from notifications.models import Attempt, Notification
from notifications.sending import send_due
from tests.factories import UserFactory
from tests.notifications.channels import Pager
from tests.notifications.conftest import told
from tests.notifications.server import MailServer, Mute

CHANNELS = {
    "email": "notifications.channels.email.EmailChannel",
    "pager": "tests.notifications.channels.Pager",
}


class Exchange(socketserver.StreamRequestHandler):
    """The pager's other side."""

    lines: ClassVar[list[str]] = []

    def handle(self) -> None:
        for line in self.rfile:
            self.lines.append(line.decode().strip())
            self.wfile.write(b"Paged.\n")


@pytest.fixture
def pages(settings: Any) -> Iterator[list[str]]:
    """What the pager's exchange was told. It runs, and the desk is set to page."""
    settings.NOTIFICATION_CHANNELS = CHANNELS
    Exchange.lines.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Exchange) as exchange:
        exchange.daemon_threads = True
        threading.Thread(target=exchange.serve_forever, args=(0.02,)).start()
        Pager.port = exchange.server_address[1]
        yield Exchange.lines
        exchange.shutdown()


@pytest.fixture
def overdue(db: None, server: MailServer) -> Session:
    """Overdue, and nobody was told before."""
    UserFactory(role="supervisor", email="supervisor@example.test")
    session = told("kyc_session_manual_review")
    Notification.objects.all().delete()
    Session.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    session.refresh_from_db()
    return session


def statuses() -> dict[tuple[str, str], str]:
    rows = Notification.objects.filter(kind=Kind.OVERDUE)
    return {(row.channel, row.recipient.partition(":")[0]): str(row.status) for row in rows}


def test_each_channel_that_takes_it_has_a_row_of_its_own(pages: list[str], overdue: Session) -> None:
    deadlines.warn()

    assert statuses() == {
        ("email", "person"): Status.PENDING,
        ("pager", "person"): Status.PENDING,
        ("email", "compliance@example.test"): Status.PENDING,
    }
    assert Notification.objects.filter(channel="pager").count() == 1


def test_both_leave_and_say_what_was_answered(pages: list[str], overdue: Session, server: MailServer) -> None:
    deadlines.warn()
    send_due()

    assert set(statuses().values()) == {Status.SENT}
    row = Notification.objects.get(channel="pager")
    assert len(pages) == 1 and pages[0].startswith(row.message_id)
    assert [attempt.answer for attempt in row.attempts.all()] == ["Paged."]
    assert "supervisor@example.test" in server.recipients


def test_one_channel_that_is_away_delays_no_other(
    pages: list[str], overdue: Session, server: MailServer
) -> None:
    deadlines.warn()
    server.stop()
    send_due()

    by_mail = {status for (channel, _), status in statuses().items() if channel == "email"}
    assert (by_mail, len(pages)) == ({Status.PENDING}, 1)
    assert Notification.objects.get(channel="pager").status == Status.SENT
    assert send_due() == {}, "What failed waits for its next try."


def test_nor_does_one_that_hangs_and_it_is_cut_off(
    pages: list[str], overdue: Session, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pager, "longest", 0.1)
    deadlines.warn()
    with Mute() as exchange:
        Pager.port = exchange.port
        began = time.monotonic()
        send_due()
        assert time.monotonic() - began < 60

    row = Notification.objects.get(channel="pager")
    assert (row.status, row.n_attempts) == (Status.PENDING, 1)
    assert set(Attempt.objects.values_list("notification__channel", "outcome")) == {
        ("email", AttemptOutcome.SENT),
        ("pager", AttemptOutcome.FAILED),
    }


def test_what_no_channel_takes_is_not_written(settings: Any, db: None) -> None:
    settings.NOTIFICATION_CHANNELS = {"pager": CHANNELS["pager"]}
    User.objects.update(email="")

    told("kyc_session_manual_review")

    assert not Notification.objects.exists()


def test_rows_of_a_channel_that_was_taken_away_fail_for_all_to_see(
    pages: list[str], overdue: Session, settings: Any, server: MailServer
) -> None:
    deadlines.warn()
    settings.NOTIFICATION_CHANNELS = {"email": CHANNELS["email"]}
    send_due()
    assert send_due() == {"failed": 1}

    row = Notification.objects.get(channel="pager")
    assert (row.status, row.last_error) == (Status.PENDING, "No channel pager is set up.")
    assert pages == []
