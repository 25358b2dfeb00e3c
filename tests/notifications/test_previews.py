"""The preview in the admin is what would be sent now, but for a personal link; who looked is on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from kyc.models import Contact, LedgerEntry, ReasonCode, Session, User
from notifications import outbox
from notifications.choices import WITH_OCCASION, Kind
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import UserFactory
from tests.notifications import every_kind

Act = Callable[..., Session]
NAME = "admin:notifications_notification_preview"
READERS = {"supervisor", "auditor", "admin"}
ROLES = READERS | {"officer"}


@pytest.fixture
def row(verify: Act, contact: Contact) -> Notification:
    """The message to a subject who was verified, and has a contact."""
    return every_kind.message(verify(user_id=contact.subject_id), Kind.VERIFIED)


@pytest.fixture
def client(supervisor: User) -> Client:
    return signed_in(supervisor)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(row: Notification) -> str:
    return reverse(NAME, args=[row.pk])


def html(row: Notification) -> str:
    return reverse(f"{NAME}_html", args=[row.pk])


def test_it_shows_what_is_sent_then(
    client: Client, row: Notification, contact: Contact, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    shown, framed = client.get(page(row)).content.decode(), client.get(html(row)).content.decode()
    send_due()
    (mail,) = [mail for mail in mailoutbox if mail.to == [contact.email]]

    assert escape(mail.body) in shown
    for name, value in {"To": contact.email, "Subject": mail.subject, **mail.extra_headers}.items():
        assert f'<th scope="row">{name}</th><td>{escape(value)}</td>' in shown
    assert framed == mail.alternatives[0].content
    assert "The user who is verified" in shown
    assert f'<a href="{page(row)}">Preview</a>' in client.get(change(row)).content.decode()


def change(row: Notification) -> str:
    return reverse("admin:notifications_notification_change", args=[row.pk])


def test_every_kind_can_be_previewed(client: Client, db: None) -> None:
    for kind, row in every_kind.every().items():
        if row._state.adding:
            row.next_attempt_at = row.created_at
            row.occasion = row.occasion or ("decision 1" if kind in WITH_OCCASION else "")
            row.save()
        answer = client.get(page(row))
        assert answer.status_code == 200, kind
        assert client.get(html(row)).content.decode() == answer.context["preview"].message.html, kind


def test_it_never_shows_a_personal_link(client: Client, db: None) -> None:
    row = every_kind.message(every_kind.invited(), Kind.SESSION_CREATED)

    for address in (page(row), html(row)):
        shown = client.get(address).content.decode()
        assert "signup.example.test" not in shown
        assert "Only the person concerned is shown it." in shown


# --- What is worth saying ---------------------------------------------------------------------------
def remarks(client: Client, row: Notification) -> str:
    return " ".join(client.get(page(row)).context["preview"].remarks)


def test_of_a_sent_one_it_says_that_this_is_today(client: Client, row: Notification, mailoutbox: Any) -> None:
    assert remarks(client, row) == ""
    send_due()

    assert "What is shown here is what would be sent today." in remarks(client, row)


def test_without_a_contact_it_shows_the_message_and_no_headers(client: Client, row: Notification) -> None:
    Contact.objects.all().delete()
    shown = client.get(page(row)).content.decode()

    assert "No contact with an address is known" in shown
    assert "Hello,\n" in shown
    assert "Without an address there are none yet." in shown


def test_under_suspicion_it_says_that_nothing_is_sent(
    client: Client, reject: Act, contact: Contact, supervisor: User
) -> None:
    row = every_kind.message(reject(user_id=contact.subject_id), Kind.VERIFICATION_FAILED)
    ReasonCode.objects.update(is_suspicion=True)
    assert "marked as a suspicion: nothing is sent" in remarks(client, row)

    send_due()
    assert "leaves only when a supervisor releases it" in remarks(client, row)
    row.refresh_from_db()
    outbox.release(row, by=supervisor)
    assert remarks(client, row) == ""


def test_what_is_not_so_any_more_is_said_not_to_leave(client: Client, row: Notification, reject: Act) -> None:
    assert row.session is not None
    reject(session_id=row.session.pk, user_id=row.session.user_id)

    assert "what it tells is not so any more" in remarks(client, row)


# --- Its doors --------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["supervisor", "auditor", "admin", "officer", "", "staff", "visitor"])
def test_it_opens_to_who_may_view_notifications(row: Notification, role: str) -> None:
    person = UserFactory(username="someone", role=role if role in ROLES else "", is_staff=role == "staff")
    someone = Client() if role == "visitor" else signed_in(person)

    for address in (page(row), html(row)):
        answer = someone.get(address)
        if role in READERS:
            assert answer.status_code == 200
        else:
            assert answer.status_code in (302, 403)
            assert b"Hello" not in answer.content
    n_read = LedgerEntry.objects.filter(action="notification.read").count()
    assert n_read == (2 if role in READERS else 0)


def test_only_reading_opens_it_and_only_what_there_is(client: Client, row: Notification) -> None:
    for address in (page(row), html(row)):
        assert client.post(address).status_code == 405
    for name in (NAME, f"{NAME}_html"):
        assert client.get(reverse(name, args=[uuid4()])).status_code == 404


def test_an_opening_is_on_the_reader_s_chain(client: Client, supervisor: User, row: Notification) -> None:
    client.get(page(row))

    entry = LedgerEntry.objects.get(action="notification.read")
    assert entry.chain == f"person:{supervisor.pk}"
    assert json.loads(entry.detail) == {"session": str(row.session_id), "notification": str(row.pk)}


def test_only_the_preview_may_frame_and_only_its_frame_has_styles(client: Client, row: Notification) -> None:
    shown, framed, other = (client.get(address) for address in (page(row), html(row), change(row)))

    policies = [answer["Content-Security-Policy"] for answer in (shown, framed, other)]
    assert ["frame-src 'self'" in policy for policy in policies] == [True, False, False]
    assert ["unsafe-inline" in policy for policy in policies] == [False, True, False]
    assert policies[1] == (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox"
    )
    frames = [answer["X-Frame-Options"] for answer in (shown, framed, other)]
    assert frames == ["DENY", "SAMEORIGIN", "DENY"]
    assert "sandbox" in shown.content.decode()
