"""The supervisors hear once that the inbox is unwell, and once more when it is well again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.management.commands import worker
from kyc import ledger
from kyc.alarms import watch
from kyc.models import InboxAlarm, LedgerEntry, User
from notifications import notices, outbox
from notifications.choices import Choice, Kind, Status
from notifications.models import Notification
from notifications.preferences import choose
from notifications.sending import send_due
from tests.factories import ReasonCodeFactory, SessionFactory, UserFactory
from tests.kyc.arrivals import DAY, HOUR, WEEK, came, every
from tests.notifications.happenings import named

Silence = Callable[[], InboxAlarm]


@pytest.fixture
def silence(db: None) -> Silence:
    """`silence()` opens the alarm: a sender of two weeks has not been heard for half a day."""

    def open_alarm() -> InboxAlarm:
        now = timezone.now()
        came(*every(HOUR, now - 2 * WEEK, now - 12 * HOUR))
        (alarm,) = watch(now)
        return alarm

    return open_alarm


def heard_again() -> None:
    now = timezone.now()
    came(now - HOUR, now)
    watch(now + timedelta(seconds=1))


def told(kind: Kind = Kind.INBOX_UNWELL) -> list[str]:
    return sorted(Notification.objects.filter(kind=kind).values_list("recipient", flat=True))


def test_each_supervisor_who_can_be_reached_is_told_once(
    silence: Silence, supervisor: User, officer: User, admin: User
) -> None:
    second = UserFactory(role="supervisor")
    UserFactory(role="supervisor", email="")
    UserFactory(role="supervisor", is_active=False)
    UserFactory(role="supervisor", email=second.email.upper())
    alarm = silence()
    watch(timezone.now())

    assert told() == [f"person:{supervisor.pk}", f"person:{second.pk}"]
    rows = Notification.objects.all()
    assert {(row.alarm_id, row.session_id, row.round, row.status) for row in rows} == {
        (alarm.pk, None, None, Status.PENDING)
    }


def test_without_supervisors_the_team_is_told(silence: Silence, settings: Any) -> None:
    silence()

    assert told() == settings.COMPLIANCE_TEAM_EMAILS


def test_with_nobody_to_tell_the_alarm_opens_all_the_same(silence: Silence, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []

    assert silence().pk
    assert not Notification.objects.exists()


def test_who_heard_of_it_hears_that_it_is_over(
    silence: Silence, supervisor: User, mailoutbox: list[Any]
) -> None:
    silence()
    assert send_due() == {"sent": 1}
    UserFactory(role="supervisor")
    heard_again()
    assert told(Kind.INBOX_WELL) == [f"person:{supervisor.pk}"]
    assert send_due() == {"sent": 1}

    assert [mail.subject for mail in mailoutbox] == ["Inbox unwell: Silence", "Inbox well again: Silence"]
    assert [mail.to for mail in mailoutbox] == [[supervisor.email]] * 2
    assert mailoutbox[0].extra_headers["References"] == mailoutbox[1].extra_headers["References"]
    assert send_due() == {}


def test_who_wants_no_mail_when_it_is_over_has_none(silence: Silence, supervisor: User) -> None:
    other = UserFactory(role="supervisor")
    choose(other, {Kind.INBOX_WELL: Choice.DIGEST})
    silence()
    heard_again()

    assert told() == named(supervisor, other)
    assert told(Kind.INBOX_WELL) == named(supervisor)


def test_the_last_supervisor_to_turn_it_off_leaves_it_to_the_team(
    silence: Silence, supervisor: User, settings: Any
) -> None:
    choose(supervisor, {Kind.INBOX_UNWELL: Choice.OFF})
    silence()
    heard_again()

    assert told() == told(Kind.INBOX_WELL) == settings.COMPLIANCE_TEAM_EMAILS


def test_the_mail_says_what_is_wrong_since_when_and_what_to_do(
    silence: Silence, supervisor: User, mailoutbox: list[Any], settings: Any
) -> None:
    settings.DESK_URL = "https://desk.example.test"
    alarm = silence()
    send_due()
    text, html = mailoutbox[0].body, mailoutbox[0].alternatives[0].content

    for part in (text, html):
        assert "The last trusted delivery came 13h ago." in part
        assert "Unwell after 10h without one, 10 times the usual gap." in part
        assert "https://desk.example.test/deliveries/" in part
        assert f"{alarm.opened_at:%H:%M} UTC" in part
        assert "Ask Ralio whether they still send" in part
        assert supervisor.username not in part


def test_a_mail_that_leaves_late_says_that_it_is_over(
    silence: Silence, supervisor: User, mailoutbox: list[Any]
) -> None:
    silence()
    heard_again()
    send_due()

    unwell, well = sorted(mailoutbox, key=lambda mail: mail.subject)
    assert "Well again:" in unwell.body
    assert "Now: The last trusted delivery came under 1m ago." in well.body


def test_new_codes_are_named_in_the_mail_and_nowhere_else(supervisor: User, mailoutbox: list[Any]) -> None:
    now = timezone.now()
    ReasonCodeFactory(code="OLD", first_seen_at=now - 2 * WEEK)
    ReasonCodeFactory(code="NEW\n<b>", first_seen_at=now - DAY)
    came(*every(HOUR, now - 2 * WEEK, now))
    watch(now)
    send_due()
    (mail,) = mailoutbox

    assert mail.subject == "Inbox unwell: Names and codes never seen before"
    assert "- NEW <b>\n" in mail.body
    assert "NEW &lt;b&gt;" in mail.alternatives[0].content


def test_who_does_not_supervise_any_more_is_not_mailed(
    silence: Silence, supervisor: User, mailoutbox: list[Any]
) -> None:
    silence()
    supervisor.groups.clear()

    assert send_due() == {"cancelled": 1}
    assert mailoutbox == []
    notice = notices.about(Notification.objects.get())
    assert notice and "The message to a supervisor was not sent." in notice.title


def test_acts_on_it_stand_on_the_system_s_chain(
    silence: Silence, supervisor: User, mailoutbox: list[Any]
) -> None:
    alarm = silence()
    send_due()
    entries = LedgerEntry.objects.filter(action__startswith="notification.").order_by("seq")
    details = [json.loads(entry.detail) for entry in entries]

    assert [(entry.chain, entry.action) for entry in entries] == [
        ("system", "notification.created"),
        ("system", "notification.sent"),
    ]
    assert all(detail["alarm"] == alarm.pk for detail in details)
    assert details[0]["notifications"][0]["to"] == f"person:{supervisor.pk}"
    assert "@" not in "".join(entry.detail for entry in entries)
    assert not list(ledger.verify())


def test_it_is_retried_by_hand_and_shown_in_the_admin(silence: Silence, supervisor_client: Client) -> None:
    alarm, row = silence(), Notification.objects.get()
    Notification.objects.update(status=Status.GAVE_UP, next_attempt_at=None)
    assert outbox.try_again(row, by=User.objects.get(username="supervisor"))
    page = supervisor_client.get(reverse("admin:notifications_notification_change", args=[row.pk]))
    listed = supervisor_client.get(reverse("admin:notifications_notification_changelist"))

    assert reverse("admin:kyc_inboxalarm_change", args=[alarm.pk]) in page.content.decode()
    assert ">supervisor<" in page.content.decode()
    assert listed.status_code == 200
    assert LedgerEntry.objects.get(action="notification.retried").chain == "system"


@pytest.mark.parametrize(
    "columns",
    [
        {"session": True},
        {"session": True, "alarm": None},
        {"alarm": None},
        {"round": 1},
        {"kind": Kind.REVIEW_OPENED},
    ],
)
def test_it_is_about_an_alarm_or_a_session_and_never_both(
    silence: Silence, supervisor: User, columns: dict[str, Any]
) -> None:
    silence()
    if "session" in columns:
        columns = columns | {"session": SessionFactory()}
    with pytest.raises(IntegrityError, match="about_one_thing"), transaction.atomic():
        Notification.objects.update(**columns)


def test_the_database_refuses_to_tell_a_supervisor_twice(silence: Silence, supervisor: User) -> None:
    silence()
    row = Notification.objects.get()
    row.pk = uuid4()

    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_several_workers_make_one_alarm_and_one_mail_each(mailoutbox: list[Any]) -> None:
    UserFactory(role="supervisor"), UserFactory(role="supervisor")
    now = timezone.now()
    came(*every(HOUR, now - 2 * WEEK, now - 12 * HOUR))

    def work() -> None:
        try:
            worker.Command().drain(worker.Stop())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert InboxAlarm.objects.count() == 1
    assert Notification.objects.filter(status=Status.SENT).count() == 2
    assert len(mailoutbox) == 2
