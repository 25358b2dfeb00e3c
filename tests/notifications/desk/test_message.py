"""One message: its life, its facts, and what its reader can do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from kyc.models import User
from notifications import outbox
from notifications.choices import AttemptOutcome, Kind, Status
from notifications.models import Notification
from tests.factories import AttemptFactory, ContactFactory, InboxAlarmFactory, NotificationFactory

pytestmark = pytest.mark.django_db


def page(client: Client, row: Notification, **headers: str) -> str:
    return client.get(f"/notifications/{row.pk}/", headers=headers).content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_its_life_tells_each_try_with_its_answer_and_who_did_what(
    officer_client: Client, supervisor: User
) -> None:
    row = NotificationFactory(status=Status.WITHHELD)
    assert outbox.release(row, by=supervisor)
    AttemptFactory(notification=row, answer="451 try later", at=timezone.now())
    Notification.objects.update(status=Status.GAVE_UP, next_attempt_at=None)
    assert outbox.try_again(row, by=supervisor)
    AttemptFactory(
        notification=row,
        answer="250 ok",
        outcome=AttemptOutcome.SENT,
        at=timezone.now() + timedelta(seconds=1),
    )
    shown = words(page(officer_client, row))

    assert in_order(
        shown, "Its life", "Written", "Released, by supervisor", "Try: Failed", "451 try later",
        "Put back, to be tried again, by supervisor", "Try: Sent", "250 ok",
    )  # fmt: skip


def test_the_life_of_one_about_no_session_is_on_the_system_s_chain(
    officer_client: Client, supervisor: User
) -> None:
    about = {"kind": Kind.INBOX_UNWELL, "recipient": "team@example.test", "session": None}
    alarms = [InboxAlarmFactory(closed_at=timezone.now()) for _ in range(2)]
    row, other = (NotificationFactory(status=Status.GAVE_UP, alarm=alarm, **about) for alarm in alarms)
    assert outbox.try_again(row, by=supervisor)

    assert "Put back, to be tried again, by supervisor" in words(page(officer_client, row))
    assert "Put back" not in words(page(officer_client, other))


def test_its_facts_are_all_there(officer_client: Client, supervisor: User) -> None:
    soon = timezone.now() + timedelta(minutes=3)
    row = NotificationFactory(
        not_before=soon, next_attempt_at=soon, n_attempts=2, withheld_because="late", released_by=supervisor,
        released_at=timezone.now(), lease_token=uuid4(), leased_until=soon,
    )  # fmt: skip
    shown = words(page(officer_client, row))

    assert in_order(
        shown, "About session", "round 1", "Channel", "email", "Time to undo until", "Withheld", "a day"
    )
    assert in_order(shown, "Released", ", by supervisor", "Tries 2, next", "In a worker’s hands until")
    assert row.message_id.strip("<>") in shown


@pytest.mark.parametrize(
    ("status", "button"),
    [
        (Status.WITHHELD, 'value="release"'),
        (Status.GAVE_UP, 'value="try-again"'),
        (Status.WAITING, None),
        (Status.SENT, None),
        (Status.CANCELLED, None),
    ],
)
def test_who_may_act_gets_the_button_and_others_the_words(
    supervisor_client: Client, auditor_client: Client, status: Status, button: str | None
) -> None:
    row = NotificationFactory(status=status)
    shown, read = page(supervisor_client, row), page(auditor_client, row)

    assert re.findall(r'name="act" (value="[\w-]+")', shown) == ([button] if button else [])
    assert 'name="act"' not in read and ("A supervisor can" in read) == (button is not None)


def test_a_missing_contact_can_be_entered_by_who_may(
    admin: User, admin_client: Client, officer_client: Client
) -> None:
    subject = uuid4()
    row = NotificationFactory(status=Status.WAITING, recipient=f"user:{subject}")
    add = f"/admin/kyc/contact/add/?entity_type=user&amp;subject_id={subject}"

    assert add in page(admin_client, row)
    assert admin_client.get(add.replace("&amp;", "&")).content.decode().count(f'value="{subject}"') == 1
    assert "/admin/" not in page(officer_client, row)
    contact = ContactFactory(subject_id=subject, email="")
    assert f"/admin/kyc/contact/{contact.pk}/change/" in page(admin_client, row)
    User.objects.filter(pk=admin.pk).update(is_staff=False)
    assert "/admin/" not in page(admin_client, row)


def test_it_leads_to_the_preview_for_who_opens_the_admin(
    supervisor_client: Client, officer_client: Client
) -> None:
    row = NotificationFactory()

    assert f"/admin/notifications/notification/{row.pk}/preview/" in page(supervisor_client, row)
    assert "/preview/" not in page(officer_client, row)


def test_htmx_gets_the_pane_and_others_a_page(officer_client: Client) -> None:
    row = NotificationFactory()
    pane = page(officer_client, row, HX_Request="true")

    assert pane.lstrip().startswith('<aside class="card peek') and "<html" not in pane
    assert f'data-session="{row.pk}"' in pane and "<html" in page(officer_client, row)


def test_the_queries_of_a_page(officer_client: Client, supervisor: User, queries: Callable[..., Any]) -> None:
    row = NotificationFactory(
        status=Status.GAVE_UP, kind=Kind.ESCALATED, recipient=f"person:{supervisor.pk}", occasion="a"
    )
    AttemptFactory.create_batch(3, notification=row)

    # Who asks: two; the message, its tries, its reader's name, its chain; the frame counts the queue; and the ledger's
    # entry of the reading, which SQLite takes one statement more for.
    with queries(10 if connection.vendor == "sqlite" else 9):
        page(officer_client, row)
