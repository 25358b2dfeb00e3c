"""A related party's own link is mailed to them, for as long as it opens, and stands nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from kyc import invitations
from kyc.models import LedgerEntry, Session
from notifications.choices import Kind, Status
from notifications.models import Attempt, Notification
from notifications.sending import send_due
from tests import wire
from tests.factories import ReasonCodeFactory

pytestmark = pytest.mark.django_db

LINK = "https://signup.example.test/?merchantToken=7f3a-secret&flowId=42"


def created(**also: Any) -> Session:
    """Let Ralio tell of a session that was created for a related party."""
    at = also.pop("at", timezone.now())
    url, expires_at = also.pop("url", LINK), also.pop("expires_at", timezone.now() + timedelta(days=7))
    event = wire.payload("related_party.kyc_session_created", session_id=uuid4(), at=at, **also)
    event["data"]["kycSession"] |= {"url": url, "expiresAt": expires_at.isoformat()}
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["kycSession"]["id"])


def message(session: Session) -> Notification:
    return session.notifications.get(kind=Kind.SESSION_CREATED)


def test_the_link_is_mailed_to_the_related_party(mailoutbox: list[Any]) -> None:
    session = created()
    assert send_due() == {Status.SENT: 1}

    (mail,) = mailoutbox
    assert mail.to == ["john.doe@example.com"]
    assert LINK in mail.body and "merchantToken" not in mail.subject
    assert session.notifications.count() == 1


def test_it_stands_nowhere_else(
    mailoutbox: list[Any], supervisor_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = created()
    send_due()

    pages = [f"/sessions/{session.pk}/", f"/mail/{session.pk}/", "/deliveries/", "/notifications/"]
    shown = "".join(supervisor_client.get(page).content.decode() for page in pages)
    rows = [Notification, Attempt, LedgerEntry]
    stored = "".join(str(row) for model in rows for row in model.objects.values())
    for text in (shown, stored, caplog.text, repr(invitations.of_session(session))):
        assert "7f3a-secret" not in text


@pytest.mark.parametrize(
    "url", ["", "http://plain.example.test/", "javascript:alert(1)", "https://x/\nBcc: y", 5]
)
def test_what_is_no_web_address_is_sent_to_nobody(url: object) -> None:
    assert not created(url=url).notifications.exists()


def test_a_link_that_opens_no_more_is_not_sent(mailoutbox: list[Any]) -> None:
    session = created(expires_at=timezone.now() - timedelta(minutes=1))
    send_due()

    assert mailoutbox == []
    assert message(session).status == Status.CANCELLED


def test_nor_is_one_whose_session_is_over(mailoutbox: list[Any], post_event: Callable[..., Any]) -> None:
    session = created()
    later = timezone.now() + timedelta(seconds=1)
    party = session.related_party_id
    post_event(
        wire.payload(
            "kyc_session_expired",
            session_id=session.pk,
            user_id=None,
            relatedPartyId=str(party),
            at=later,
        )
    )
    send_due()

    assert message(session).status == Status.CANCELLED
    assert [mail.to for mail in mailoutbox] == [["john.doe@example.com"]], "only that it has expired"
    assert LINK not in mailoutbox[0].body


def test_the_newest_link_is_the_one_that_is_sent(mailoutbox: list[Any]) -> None:
    session = created()
    event = wire.payload("related_party.kyc_session_created", session_id=session.pk, at=timezone.now())
    event["data"]["relatedParty"]["id"] = str(session.related_party_id)
    event["data"]["kycSession"] |= {"url": "https://signup.example.test/again"}
    event["data"]["kycSession"].pop("expiresAt")
    wire.post(event)
    send_due()

    (mail,) = mailoutbox
    assert "https://signup.example.test/again" in mail.body
    assert LINK not in mail.body
    assert sorted(session.notifications.values_list("status", flat=True)) == ["cancelled", "sent"]


def test_the_same_link_is_sent_once_however_often_it_comes(mailoutbox: list[Any]) -> None:
    session = created()
    send_due()
    event = wire.payload("related_party.kyc_session_created", session_id=session.pk, at=timezone.now())
    event["data"]["relatedParty"]["id"] = str(session.related_party_id)
    event["data"]["kycSession"]["url"] = LINK
    wire.post(event)
    send_due()

    assert len(mailoutbox) == 1


def test_without_an_address_it_waits_for_one(mailoutbox: list[Any]) -> None:
    event = wire.payload("related_party.kyc_session_created", session_id=uuid4(), at=timezone.now())
    del event["data"]["relatedParty"]["email"]
    event["data"]["kycSession"]["url"] = LINK
    event["data"]["kycSession"].pop("expiresAt")
    wire.post(event)

    assert Notification.objects.get().status == Status.WAITING


def test_a_code_that_brings_a_suspicion_refers_a_new_session_to_supervisors(
    post_event: Callable[..., Any],
) -> None:
    ReasonCodeFactory(code="WATCHED", is_suspicion=True)
    reasons = [{"type": "x", "code": "WATCHED", "message": "m"}]
    checks = [{"type": "aml", "state": 2, "data": {}, "reasons": reasons}]
    post_event(wire.payload("kyc_session_manual_review", at=timezone.now(), checks=checks))

    assert {"escalated", "review_opened"} <= set(Notification.objects.values_list("kind", flat=True))
