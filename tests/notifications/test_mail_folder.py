"""Where mail lands in a folder, the desk shows it; everywhere else the page does not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyc.models import Contact, Session
from notifications.folder import FILE_BACKEND, mail_folder
from notifications.sending import send_due
from tests import wire

Act = Callable[..., Session]


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DEBUG = True
    settings.MAILERS = {"default": {"BACKEND": FILE_BACKEND, "OPTIONS": {"file_path": str(tmp_path)}}}
    return tmp_path


def page(session: Session) -> str:
    return reverse("mail", args=[session.pk])


def test_it_shows_the_messages_of_one_session(
    folder: Path, review: Act, reject: Act, contact: Contact, officer_client: Client
) -> None:
    team, subject = review(), reject(user_id=contact.subject_id)
    send_due()

    shown = officer_client.get(page(subject)).content.decode()

    assert "About your identity verification" in shown
    assert f"Hello {contact.name}," in shown
    assert "auto-generated" in shown
    assert str(team.pk) not in shown


def test_the_timeline_links_to_it(folder: Path, review: Act) -> None:
    session = review()
    assert "/mail/" not in render_to_string(
        "notifications/_entry.html", {"notification": session.notifications.get()}
    )
    send_due()

    row = session.notifications.get()
    shown = render_to_string("notifications/_entry.html", {"notification": row})
    assert f'href="{page(session)}#mail-{row.pk}"' in shown


def test_its_anchor_is_on_the_page(folder: Path, review: Act, officer_client: Client) -> None:
    session = review()
    send_due()

    assert f'id="mail-{session.notifications.get().pk}"' in officer_client.get(page(session)).content.decode()


def test_a_subject_s_personal_link_is_not_shown(folder: Path, officer_client: Client) -> None:
    event = wire.payload("related_party.kyc_session_created", at=timezone.now())
    link = {"url": "https://verify.example.test/?token=secret", "expiresAt": "2999-01-01T00:00:00Z"}
    event["data"]["kycSession"] |= link
    wire.post(event)
    assert send_due() == {"sent": 1}

    shown = officer_client.get(page(Session.objects.get())).content.decode()
    assert "The personal link stands here." in shown and "verify.example.test" not in shown


def test_without_mail_it_says_so(folder: Path, review: Act, officer_client: Client) -> None:
    assert "No mail yet" in officer_client.get(page(review())).content.decode()


def test_an_unknown_session_is_missing(folder: Path, officer_client: Client) -> None:
    assert officer_client.get(reverse("mail", args=[uuid4()])).status_code == 404


def test_it_is_for_people_of_the_desk(folder: Path, review: Act, outsider_client: Client) -> None:
    session = review()

    assert outsider_client.get(page(session)).status_code == 403
    answer = Client().get(page(session))
    assert (answer.status_code, answer["Location"].startswith("/account/login/")) == (302, True)


def test_it_only_shows(folder: Path, review: Act, officer_client: Client) -> None:
    assert officer_client.post(page(review())).status_code == 405


@pytest.mark.parametrize("change", ["debug", "smtp"])
def test_elsewhere_there_is_no_such_page(
    folder: Path, settings: Any, review: Act, officer_client: Client, change: str
) -> None:
    session = review()
    if change == "debug":
        settings.DEBUG = False
    else:
        settings.MAILERS = {
            "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {}}
        }

    assert mail_folder() is None
    assert officer_client.get(page(session)).status_code == 404


def test_what_is_no_mail_is_passed_over(folder: Path, review: Act, officer_client: Client) -> None:
    session = review()
    (folder / "rubbish.log").write_bytes(b"\xff" + session.pk.hex.encode() + b"@localhost>\n")
    (folder / "other.txt").write_text("Nothing.")

    assert officer_client.get(page(session)).status_code == 200
