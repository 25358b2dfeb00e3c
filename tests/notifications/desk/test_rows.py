"""A row of the list of messages: what it says of one, and what it never says."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from kyc.models import User
from notifications.choices import Kind, Status
from notifications.models import Notification
from tests.factories import ContactFactory, InboxAlarmFactory, NotificationFactory

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    return client.get("/notifications/").content.decode()


def words(shown: str, row: Notification) -> str:
    """What a row says, without its marks."""
    html = shown.split(f'id="s-{row.pk}"')[1].split("</tr>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_row_says_whom_it_is_for_and_never_an_address_or_a_name(
    officer_client: Client, supervisor: User
) -> None:
    contact = ContactFactory(name="Ana Pérez", email="ana@example.test")
    rows = {
        "to the user": NotificationFactory(recipient=f"user:{contact.subject_id}"),
        "to the related party": NotificationFactory(recipient=f"related-party:{contact.subject_id}"),
        "to the compliance team": NotificationFactory(kind=Kind.REVIEW_OPENED, recipient="team@example.test"),
        "to supervisor": NotificationFactory(kind=Kind.REVIEW_OPENED, recipient=f"person:{supervisor.pk}"),
        "to a person who has left": NotificationFactory(kind=Kind.REVIEW_OPENED, recipient="person:999"),
        "the inbox": NotificationFactory(
            kind=Kind.INBOX_UNWELL, recipient="a@example.test", session=None, alarm=InboxAlarmFactory()
        ),
        "the day 17 Mar 2026": NotificationFactory(
            kind=Kind.DAILY_DIGEST, recipient="b@example.test", session=None, occasion="2026-03-17"
        ),
    }
    shown = page(officer_client)

    assert all(said in words(shown, row) for said, row in rows.items())
    assert "example.test" not in shown and "Pérez" not in shown and str(contact.subject_id) not in shown


def test_a_row_says_why_it_stands_where_it_stands_and_when_it_goes_on(officer_client: Client) -> None:
    soon = timezone.now() + timedelta(minutes=4)
    rows = {
        "The event was more than a day old": {"status": Status.WITHHELD},
        "marked as a suspicion": {"status": Status.WITHHELD, "withheld_because": "suspicion"},
        "Gave up after 2 tries. The last answer was “550 no”.": {
            "status": Status.GAVE_UP, "n_attempts": 2, "last_error": "550 no",
        },
        "No contact is known for this user": {"status": Status.WAITING},
        "when the decision can no longer be undone": {"not_before": soon, "next_attempt_at": soon},
        "1 try Verification failed": {"next_attempt_at": soon, "n_attempts": 1, "last_error": "451 later"},
        "The last answer was “451 later”. Next try": {
            "next_attempt_at": soon, "n_attempts": 1, "last_error": "451 later",
        },
        "A worker has it in hand": {"lease_token": UUID(int=1), "leased_until": soon},
        "Leaves with the worker’s next round": {},
        "no longer REJECTED": {"status": Status.CANCELLED},
        "Left": {"status": Status.SENT},
    }  # fmt: skip
    made = {said: NotificationFactory(**columns) for said, columns in rows.items()}
    shown = page(officer_client)

    assert [said for said, row in made.items() if said not in words(shown, row)] == []
