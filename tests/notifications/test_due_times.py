"""Who is told of a due time: who holds the session, or else the team; when it has passed the supervisors too."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.utils import timezone

from kyc import review as acts
from kyc.deadlines import warn
from kyc.models import LedgerEntry, Session, User
from notifications import notices
from notifications.choices import Choice, Kind, Status
from notifications.models import Notification
from notifications.preferences import choose
from notifications.sending import send_due
from tests.factories import UserFactory
from tests.notifications.decisions import later
from tests.notifications.happenings import TEAM, due_in, named
from tests.notifications.happenings import recipients_of as told
from tests.notifications.server import MailServer

Act = Callable[..., Session]
Mails = list[EmailMultiAlternatives]
HOUR = timedelta(hours=1)


@pytest.fixture
def soon(review: Act) -> Session:
    """Due in an hour."""
    return due_in(HOUR, review())


@pytest.fixture
def late(review: Act) -> Session:
    """Due an hour ago."""
    return due_in(-HOUR, review())


def test_the_holder_is_told_and_else_the_team(soon: Session, officer: User, review: Act) -> None:
    warn()
    assert told(Kind.DUE_SOON) == [TEAM]
    held = due_in(HOUR, review())
    acts.claim(held.pk, by=officer)
    warn()

    assert told(Kind.DUE_SOON) == [f"person:{officer.pk}"]


def test_a_holder_without_an_address_leaves_it_to_the_team(soon: Session) -> None:
    acts.claim(soon.pk, by=UserFactory(role="officer", email=""))
    warn()

    assert told(Kind.DUE_SOON) == [TEAM]


def test_a_holder_who_wants_nothing_of_the_kind_leaves_it_to_the_team(soon: Session, officer: User) -> None:
    choose(officer, {Kind.DUE_SOON: Choice.OFF})
    acts.claim(soon.pk, by=officer)
    warn()

    assert told(Kind.DUE_SOON) == [TEAM]


def test_whoever_wants_to_hear_of_each_at_once_is_told_beside_the_holder(
    soon: Session, officer: User, supervisor: User
) -> None:
    choose(supervisor, {Kind.DUE_SOON: Choice.AT_ONCE})
    acts.claim(soon.pk, by=officer)
    warn()

    assert told(Kind.DUE_SOON) == named(officer, supervisor)


@pytest.mark.parametrize("choice", [Choice.DIGEST, Choice.OFF])
def test_where_no_supervisor_hears_of_an_overdue_one_at_once_the_team_does(
    late: Session, officer: User, supervisor: User, choice: Choice
) -> None:
    choose(supervisor, {Kind.OVERDUE: choice})
    acts.claim(late.pk, by=officer)
    warn()

    assert told(Kind.OVERDUE) == [TEAM, *named(officer)]


def test_of_an_overdue_one_the_supervisors_are_told_too(
    late: Session, officer: User, supervisor: User
) -> None:
    acts.claim(late.pk, by=officer)
    warn()

    assert told(Kind.OVERDUE) == sorted(f"person:{person.pk}" for person in (officer, supervisor))
    assert told(Kind.DUE_SOON) == []


def test_a_supervisor_who_holds_it_is_told_once(late: Session, supervisor: User, mailoutbox: Mails) -> None:
    acts.claim(late.pk, by=supervisor)
    warn()

    assert send_due() == {"sent": 1}
    assert [mail.to for mail in mailoutbox] == [[supervisor.email]]


def test_without_supervisors_and_holder_the_team_is_told_once(late: Session) -> None:
    warn()

    assert told(Kind.OVERDUE) == [TEAM]


def test_with_nobody_to_tell_it_is_marked_all_the_same(late: Session, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    warn()

    assert not Notification.objects.exists()
    assert Session.objects.get(pk=late.pk).breached_for == late.due_at


def test_however_late_it_is_told(review: Act, mailoutbox: Mails) -> None:
    due_in(timedelta(days=-30), review())
    warn()

    assert send_due() == {"sent": 1}


def test_each_due_time_of_a_round_is_told(late: Session, mailoutbox: Mails) -> None:
    warn()
    send_due()
    Session.objects.update(due_at=timezone.now() - HOUR / 2)
    warn()
    warn()

    assert send_due() == {"sent": 1}
    assert len(mailoutbox) == 2
    rows = Notification.objects.filter(kind=Kind.OVERDUE)
    assert len(set(rows.values_list("message_id", "occasion"))) == 2


def test_a_due_time_that_moves_away_and_back_is_told_once(late: Session, mailoutbox: Mails) -> None:
    warn()
    Session.objects.update(due_at=timezone.now() + 9 * HOUR)
    assert send_due() == {"cancelled": 1}
    Session.objects.update(due_at=late.due_at, breached_for=None)
    warn()

    assert send_due() == {"sent": 1}


@pytest.mark.parametrize("change", ["decided", "moved", "passed"])
def test_what_is_no_longer_so_is_not_told(soon: Session, verify: Act, mailoutbox: Mails, change: str) -> None:
    warn()
    if change == "decided":
        verify(session_id=soon.pk, at=timezone.now() + timedelta(seconds=1))
    elif change == "moved":
        Session.objects.update(due_at=timezone.now() + 9 * HOUR)

    with later(2 * HOUR if change == "passed" else HOUR / 2):
        send_due()
    assert Notification.objects.get(kind=Kind.DUE_SOON).status == Status.CANCELLED
    assert mailoutbox == []
    assert notices.about(Notification.objects.get(kind=Kind.DUE_SOON)) is None


@pytest.mark.parametrize("closed", [{"is_active": False}, {"email": ""}])
def test_who_can_not_decide_any_more_is_not_mailed(
    soon: Session, officer: User, mailoutbox: Mails, closed: dict[str, Any]
) -> None:
    acts.claim(soon.pk, by=officer)
    warn()
    User.objects.filter(pk=officer.pk).update(**closed)

    assert send_due() == {"cancelled": 1}


def test_who_lost_the_role_is_not_mailed(soon: Session, officer: User, mailoutbox: Mails) -> None:
    acts.claim(soon.pk, by=officer)
    warn()
    officer.groups.clear()

    assert send_due() == {"cancelled": 1}


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize(("kind", "words"), [("soon", "is due soon"), ("late", "is overdue")])
def test_the_mail_says_what_and_when_and_nothing_of_the_subject(
    request: pytest.FixtureRequest, officer: User, mailoutbox: Mails, settings: Any, part: str, kind: str, words: str
) -> None:  # fmt: skip
    settings.TIME_ZONE, settings.DESK_URL = "Europe/Madrid", "https://desk.example.test"
    session: Session = request.getfixturevalue(kind)
    acts.claim(session.pk, by=officer)
    warn()
    send_due()
    mail = next(mail for mail in mailoutbox if mail.to == [officer.email])
    found = mail.body if part == "text" else mail.alternatives[0].content
    assert session.due_at
    due = session.due_at.astimezone(ZoneInfo("Europe/Madrid"))

    for fact in (words, str(session.pk), f"{due.day} {due:%b %Y}, {due:%H:%M} Europe/Madrid", "you",
                 f"https://desk.example.test/sessions/{session.pk}/"):  # fmt: skip
        assert fact in found
    for secret in (str(session.user_id), officer.username, "LOW_CONFIDENCE"):
        assert secret not in found.replace("an officer", "")
    assert mail.subject == f"{'Due soon' if kind == 'soon' else 'Overdue'}: session {str(session.pk)[:8]}"


def test_who_holds_it_is_said_as_it_is_when_the_mail_leaves(
    late: Session, officer: User, supervisor: User, mailoutbox: Mails
) -> None:
    acts.claim(late.pk, by=officer)
    warn()
    acts.release(late.pk, by=officer)
    send_due()

    assert all("Held by: nobody" in mail.body for mail in mailoutbox)
    assert len(mailoutbox) == 2


def test_it_is_in_the_ledger_without_an_address(late: Session, supervisor: User, mailoutbox: Mails) -> None:
    warn()
    send_due()
    entries = LedgerEntry.objects.filter(action__startswith="notification.", detail__contains="overdue")

    assert {entry.chain for entry in entries} == {f"session:{late.pk}"}
    assert "@" not in "".join(entry.detail for entry in entries)


def test_the_page_says_who_was_told(late: Session, officer: User, supervisor: User) -> None:
    acts.claim(late.pk, by=officer)
    warn()

    assert {notices.reader(row) for row in Notification.objects.all()} == {"the officer or a supervisor"}


def test_the_worker_warns_and_sends(
    transactional_db: None, worker: Callable[..., subprocess.Popen[str]], server: MailServer, review: Act
) -> None:
    sessions = [due_in(-HOUR, review()), due_in(HOUR, review())]
    process = worker("--once")
    _, log = process.communicate(timeout=120)

    assert process.returncode == 0, log
    subjects = sorted(str(mail["Subject"]) for mail in server.messages if "ession" in str(mail["Subject"]))
    assert subjects == [
        f"Due soon: session {str(sessions[1].pk)[:8]}",
        f"Overdue: session {str(sessions[0].pk)[:8]}",
    ]
    assert "sessions overdue: 1" in log
    assert "@" not in log


def test_after_an_outage_one_call_does_all_there_is(
    transactional_db: None, review: Act, mailoutbox: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kyc import deadlines

    one_at_a_time = deadlines.warn
    monkeypatch.setattr(deadlines, "warn", lambda: one_at_a_time(limit=1))
    for _ in range(3):
        review()
    Session.objects.update(due_at=timezone.now().astimezone(UTC) - timedelta(days=3))

    call_command("worker", "--once")

    assert Notification.objects.filter(kind=Kind.OVERDUE, status=Status.SENT).count() == 3
