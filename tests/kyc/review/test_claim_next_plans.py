"""Claim next reads the queue's own index from its beginning, whatever view it is for: its cost is that of a few rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc import review
from kyc.desk.filters import Filters
from kyc.models import Session, User
from kyc.querysets import SessionQuerySet
from tests.kyc.arrivals import explained

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_shortcuts() -> Iterator[None]:
    """Have PostgreSQL read an empty table as it would read a large one."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for way in ("hashjoin", "mergejoin"):
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        yield


def view(query: str) -> SessionQuerySet:
    filters = Filters.read(QueryDict(query))
    return filters.ordered(Session.objects.in_review(), timezone.now()).order_by(*filters.keys)


@pytest.mark.parametrize("role", ["officer", "supervisor"])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "kyc_session_queue_due"),
        ("sla=overdue", "kyc_session_queue_due"),
        ("sort=oldest", "kyc_session_queue_age"),
        ("sort=newest", "kyc_session_queue_age"),
        ("sort=refused", "kyc_session_queue_refused"),
        ("sort=newest&from=2026-03-01", "kyc_session_queue_age"),
        ("reason=A", "kyc_queue_facet_due"),
        ("reason=A&sla=soon", "kyc_queue_facet_due"),
        ("entity=user&check=a&check=b&category=", "kyc_queue_facet_due"),
        ("reason=A&reason=B", "kyc_session_queue_due"),
        ("reason=A&sort=refused", "kyc_session_queue_refused"),
    ],
)
def test_it_is_one_range_of_the_index_that_the_view_reads(
    query: str, index: str, role: str, request: pytest.FixtureRequest
) -> None:
    person: User = request.getfixturevalue(role)
    with CaptureQueriesContext(connection) as captured:
        review.claim_next(view(query), by=person)
    (claiming, *_) = [each["sql"] for each in captured if '"kyc_session"' in each["sql"]]

    shown = explained(claiming)
    if connection.vendor == "postgresql":
        assert "Update on kyc_session" in shown and "LockRows" in shown
    assert index in shown
    assert "Seq Scan on kyc_session" not in shown and "SCAN kyc_session\n" not in shown
    assert "Sort" not in shown and "TEMP B-TREE" not in shown


def test_the_view_of_proposals_reads_their_own_index(officer: User) -> None:
    proposals = Session.objects.filter(proposed_by__isnull=False).in_review().due_first()
    with CaptureQueriesContext(connection) as captured:
        review.claim_next(proposals, by=officer, is_for_checking=True)
    (claiming, *_) = [each["sql"] for each in captured if '"kyc_session"' in each["sql"]]

    assert "kyc_session_proposed" in explained(claiming)
