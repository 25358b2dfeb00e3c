"""The database refuses what no code should write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from kyc.models import Session
from notifications.models import Attempt, Notification

NOW = timezone.now()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("kind", {"kind": "gossip"}),
        ("status", {"status": "lost", "next_attempt_at": None}),
        ("hold_cause", {"withheld_because": "mood"}),
        ("withheld_says_why", {"status": "withheld", "next_attempt_at": None}),
        ("due_in_the_outbox", {"next_attempt_at": None}),
        ("due_in_the_outbox", {"status": "gave_up"}),
        ("not_before", {"not_before": NOW + timedelta(minutes=5)}),
        ("lease_ends", {"lease_token": uuid4()}),
        ("lease_ends", {"leased_until": NOW}),
        ("sent_at", {"sent_at": NOW}),
        ("sent_at", {"status": "sent", "next_attempt_at": None}),
    ],
)
def test_a_notification_keeps_its_promises(
    review: Callable[..., Session], name: str, columns: dict[str, Any]
) -> None:
    review()

    with pytest.raises(IntegrityError, match=f"notifications_notification_{name}"), transaction.atomic():
        Notification.objects.update(**columns)


def test_an_attempt_has_a_known_outcome(review: Callable[..., Session]) -> None:
    row = review().notifications.get()

    with pytest.raises(IntegrityError, match="notifications_attempt_outcome"), transaction.atomic():
        Attempt.objects.create(notification=row, outcome="maybe")
