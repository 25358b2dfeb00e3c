"""When the day's digest is written: once for each who would read anything in it, whoever looks and whatever the clocks do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from kyc.models import LedgerEntry, Session, User
from notifications import daily, outbox, preferences
from notifications.choices import Choice, Kind, Status
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import SessionFactory, UserFactory
from tests.notifications.happenings import TEAM, named, recipients_of

Act = Callable[..., Session]
Mails = list[Any]
EIGHT = datetime(2026, 11, 18, 8, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def at_eight(settings: Any) -> None:
    settings.KYC_DIGEST_TIME, settings.TIME_ZONE = time(8), "UTC"


@pytest.fixture
def waiting(db: None) -> Session:
    return SessionFactory(state_since=EIGHT - HOUR)


def at(instant: datetime) -> time_machine.travel:
    return time_machine.travel(instant, tick=True)


def days() -> list[str]:
    return sorted(Notification.objects.values_list("occasion", flat=True))


def test_it_is_written_at_its_time_once_to_the_team_and_to_who_wants_it(
    waiting: Session, officer: User, supervisor: User, auditor: User
) -> None:
    preferences.choose(supervisor, {Kind.DAILY_DIGEST: Choice.OFF})
    another = UserFactory(role="supervisor")

    assert daily.write(EIGHT - MINUTE) == 0
    assert daily.write(EIGHT) == 3
    cache.clear()
    assert daily.write(EIGHT + HOUR) == 0

    assert recipients_of(Kind.DAILY_DIGEST) == sorted([TEAM, *named(officer, another)])
    assert set(days()) == {"2026-11-18"}
    assert set(Notification.objects.values_list("event_at", flat=True)) == {EIGHT}
    entry = LedgerEntry.objects.get(action="notification.created")
    assert (entry.chain, "@" in entry.detail) == ("system", False)


def test_who_would_read_nothing_has_none_that_day(officer: User) -> None:
    assert daily.write(EIGHT) == 0
    SessionFactory(state_since=EIGHT)
    assert daily.write(EIGHT + HOUR) == 0

    # What waits for supervisors alone is nothing to an officer, but that it is overdue, or due today.
    Session.objects.update(escalated_at=EIGHT, due_at=EIGHT + 9 * DAY)
    assert daily.write(EIGHT + DAY) == 1
    assert recipients_of(Kind.DAILY_DIGEST) == [TEAM]


def test_a_worker_that_was_down_writes_today_s_and_none_of_days_past(waiting: Session, officer: User) -> None:
    daily.write(EIGHT)
    daily.write(EIGHT + 3 * DAY + 15 * HOUR)
    daily.write(EIGHT + 5 * DAY - HOUR)

    assert days() == ["2026-11-18"] * 2 + ["2026-11-21"] * 2


def test_without_a_time_there_is_none(waiting: Session, settings: Any) -> None:
    settings.KYC_DIGEST_TIME = None

    assert daily.write(EIGHT) == 0


@pytest.mark.parametrize(
    ("zone", "clock", "day", "utc"),
    [
        pytest.param("Europe/Madrid", time(8), date(2026, 7, 1), "2026-07-01T06:00", id="in summer"),
        pytest.param("Europe/Madrid", time(2, 30), date(2026, 3, 29), "2026-03-29T01:30", id="leapt over"),
        pytest.param("Europe/Madrid", time(2, 30), date(2026, 10, 25), "2026-10-25T00:30", id="comes twice"),
        pytest.param("America/Nuuk", time(23, 30), date(2026, 3, 28), "2026-03-29T00:30", id="into the next day"),
        pytest.param("Africa/Cairo", time(0, 30), date(2026, 4, 24), "2026-04-23T22:30", id="after midnight"),
    ],
)  # fmt: skip
def test_whatever_the_clocks_do_there_is_one_a_day(
    waiting: Session, settings: Any, zone: str, clock: time, day: date, utc: str
) -> None:
    settings.KYC_DIGEST_TIME, settings.TIME_ZONE = clock, zone
    Session.objects.update(due_at=EIGHT)
    due = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert daily.instant(day) == due

    # Every half of an hour, from a day before to a day after, and the hour by which a day may be longer.
    for half in range(-50, 51):
        daily.write(due + half * HOUR / 2)

    assert {(day + span).isoformat() for span in (-DAY, 0 * DAY, DAY)} <= set(days())
    assert len(days()) == len(set(days()))


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_at_once_one_writes_it() -> None:
    SessionFactory(state_since=EIGHT - HOUR)
    UserFactory(role="officer")
    barrier, written = threading.Barrier(3), []
    put = outbox.put_digests

    def together(*arguments: Any, **also: Any) -> int:
        barrier.wait(120)
        written.append(n := put(*arguments, **also))
        return n

    def work() -> None:
        try:
            daily.write(EIGHT)
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outbox, "put_digests", together)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(written) == [0, 0, 2]
    assert Notification.objects.count() == 2


def test_the_worker_writes_it_and_sends_it(
    transactional_db: None, settings: Any, officer: User, mailoutbox: Mails
) -> None:
    settings.KYC_DIGEST_TIME = time(0)
    session = SessionFactory()
    call_command("worker", "--once")
    call_command("worker", "--once")

    digests = [mail for mail in mailoutbox if mail.to in ([TEAM], [officer.email])]
    assert len(digests) == len(mailoutbox) == 2
    for mail in digests:
        said = f"{mail.subject}{mail.body}{mail.alternatives[0].content}"
        assert str(session.user_id) not in said


@pytest.mark.parametrize("what", ["the next is due", "nothing waits any more", "it is turned off"])
def test_a_late_one_that_says_nothing_new_is_not_sent(
    waiting: Session, officer: User, settings: Any, mailoutbox: Mails, what: str
) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    with at(EIGHT):
        daily.write()
    if what == "nothing waits any more":
        Session.objects.update(state="VERIFIED", due_at=None)
    elif what == "it is turned off":
        preferences.choose(officer, {Kind.DAILY_DIGEST: Choice.OFF})
    with at(EIGHT + (DAY if what == "the next is due" else 23 * HOUR)):
        assert send_due() == {"cancelled": 1}

    assert mailoutbox == []
    assert Notification.objects.get().status == Status.CANCELLED


def test_until_the_next_is_due_it_is_sent(waiting: Session, mailoutbox: Mails) -> None:
    with at(EIGHT):
        daily.write()
    with at(EIGHT + 23 * HOUR):
        assert send_due() == {"sent": 1}
