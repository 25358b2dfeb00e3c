"""The database refuses what no code should write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from kyc.models import Session, User
from notifications.models import Attempt, Notification, Preference
from tests.factories import InboxAlarmFactory

NOW = timezone.now()
# SQLite names the columns, PostgreSQL the constraint.
UNIQUE = {
    "session": {"postgresql": "notifications_notification_once", "sqlite": r"\.session_id, "},
    "alarm": {"postgresql": "notifications_notification_alarm_once", "sqlite": r"\.alarm_id, "},
    "day": {"postgresql": "notifications_notification_day_once", "sqlite": r"\.kind, .*\.occasion, "},
    "choice": {"postgresql": "notifications_preference_once", "sqlite": r"preference\.person_id, "},
}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("kind", {"kind": "gossip"}),
        ("status", {"status": "lost", "next_attempt_at": None}),
        ("hold_cause", {"withheld_because": "mood"}),
        ("withheld_says_why", {"status": "withheld", "next_attempt_at": None}),
        ("due_in_the_outbox", {"next_attempt_at": None}),
        ("due_in_the_outbox", {"status": "gave_up"}),
        ("not_before", {"not_before": NOW + timedelta(days=1)}),
        ("lease_ends", {"lease_token": uuid4()}),
        ("lease_ends", {"leased_until": NOW}),
        ("sent_at", {"sent_at": NOW}),
        ("sent_at", {"status": "sent", "next_attempt_at": None}),
        ("occasion_named", {"occasion": "today"}),
        ("occasion_named", {"kind": "overdue"}),
        ("channel", {"channel": ""}),
        ("about_one_thing", {"session": None}),
        ("about_one_thing", {"round": None}),
        ("about_one_thing", {"kind": "daily_digest", "occasion": "2026-11-18"}),
        ("about_one_thing", {"kind": "inbox_unwell"}),
    ],
)
def test_a_notification_keeps_its_promises(
    review: Callable[..., Session], name: str, columns: dict[str, Any]
) -> None:
    review()

    with pytest.raises(IntegrityError, match=f"notifications_notification_{name}"), transaction.atomic():
        Notification.objects.update(**columns)


@pytest.mark.parametrize("about", ["session", "alarm", "day"])
def test_a_recipient_is_told_of_a_thing_once_by_each_channel(
    review: Callable[..., Session], about: str
) -> None:
    row = review().notifications.get()
    if about == "alarm":
        row.session, row.round, row.kind, row.alarm = None, None, "inbox_unwell", InboxAlarmFactory()
    elif about == "day":
        row.session, row.round, row.kind, row.occasion = None, None, "daily_digest", "2026-11-18"
    row.save()
    row.pk, row.channel = uuid4(), "another"
    row.save(force_insert=True)
    row.pk = uuid4()

    with pytest.raises(IntegrityError, match=UNIQUE[about][connection.vendor]), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("name", "columns"),
    [("kind", {"kind": "verified"}), ("kind", {"kind": "gossip"}), ("choice", {"choice": "sometimes"})],
)
def test_a_preference_keeps_its_promises(officer: User, name: str, columns: dict[str, Any]) -> None:
    Preference.objects.create(person=officer, kind="overdue", choice="off")

    with pytest.raises(IntegrityError, match=f"notifications_preference_{name}"), transaction.atomic():
        Preference.objects.update(**columns)


def test_a_person_has_one_choice_of_a_kind(officer: User) -> None:
    Preference.objects.create(person=officer, kind="overdue", choice="off")

    with pytest.raises(IntegrityError, match=UNIQUE["choice"][connection.vendor]), transaction.atomic():
        Preference.objects.create(person=officer, kind="overdue", choice="digest")


def test_an_attempt_has_a_known_outcome(review: Callable[..., Session]) -> None:
    row = review().notifications.get()

    with pytest.raises(IntegrityError, match="notifications_attempt_outcome"), transaction.atomic():
        Attempt.objects.create(notification=row, outcome="maybe")
