"""SQL that is written once says what the query would say, at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from kyc.desk.remembered import Remembered
from kyc.models import Session
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db
FIXED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def soon(now: datetime) -> QuerySet[Session, tuple[object, ...]]:
    """Sessions due within an hour of `now`; one bound stays where it is, and a text could pass for a placeholder."""
    due = Session.objects.filter(due_at__gte=now, due_at__lt=now + timedelta(hours=1), state_since__gt=FIXED)
    return due.exclude(entity_type="100%s").order_by("due_at").values_list("pk", "due_at", "round")


def test_it_answers_as_the_query_does_whenever_it_is_asked() -> None:
    now = timezone.now()
    for minutes in (-30, 10, 40, 70, 130):
        SessionFactory(due_at=now + timedelta(minutes=minutes))
    SessionFactory(due_at=now + timedelta(minutes=20), state_since=FIXED - timedelta(days=1))
    kept = Remembered.of(soon)

    for at in (now, now + timedelta(minutes=35, microseconds=7), now + timedelta(days=9)):
        assert [tuple(row) for row in kept.rows(at)] == list(soon(at))
    assert len(kept.rows(now)) == 2


def test_it_costs_one_query(queries) -> None:
    kept = Remembered.of(soon)

    with queries(1):
        assert kept.rows(timezone.now()) == []
