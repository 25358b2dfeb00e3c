"""The queue reads the indexes made for it, whatever its address asks for, and never the whole table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.utils import timezone

from kyc.desk.cursors import AFTER
from kyc.desk.filters import Filters
from kyc.desk.paging import Listing, paginate
from kyc.models import Session, User
from kyc.querysets import SessionQuerySet
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_shortcuts() -> Iterator[None]:
    """Have PostgreSQL read an empty table as it would read a large one."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        yield


def plan(sessions: SessionQuerySet) -> str:
    sql, parameters = sessions.query.sql_with_params()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "kyc_session_queue_due"),
        ("sla=overdue", "kyc_session_queue_due"),
        ("age=0-4", "kyc_session_queue_due"),
        ("age=24&sla=overdue", "kyc_session_queue_due"),
        ("sort=oldest", "kyc_session_queue_age"),
        ("sort=newest", "kyc_session_queue_age"),
        ("sort=refused", "kyc_session_queue_refused"),
        ("sort=oldest&from=2026-03-01", "kyc_session_queue_age"),
        ("reason=A", "kyc_queue_facet_due"),
        ("reason=A&sla=soon", "kyc_queue_facet_due"),
        ("entity=user&check=a&check=b&category=", "kyc_queue_facet_due"),
        ("view=mine", "kyc_session_claimed"),
        ("view=mine&reason=A", "kyc_session_claimed"),
        ("assignee=me", "kyc_session_claimed"),
        ("assignee=7", "kyc_session_claimed"),
        ("view=free", "kyc_session_queue_due"),
        ("assignee=none", "kyc_session_queue_due"),
        ("view=free&reason=A", "kyc_queue_facet_due"),
        ("view=supervisors", "kyc_session_for_supervisors"),
        ("view=supervisors&sla=overdue", "kyc_session_for_supervisors"),
        ("view=second", "kyc_session_proposed"),
        ("view=waiting", "kyc_session_snoozed"),
        ("view=waiting&reason=A", "kyc_session_snoozed"),
    ],
)
def test_a_page_is_one_range_of_one_index(officer: User, query: str, index: str) -> None:
    filters = Filters.read(QueryDict(query), officer)
    found = filters.ordered(Session.objects.in_review(), timezone.now())

    shown = plan(found.order_by(*filters.keys)[:51])

    assert index in shown
    assert "Seq Scan on kyc_session" not in shown and "SCAN kyc_session\n" not in f"{shown}\n"
    assert "Sort" not in shown and "TEMP B-TREE" not in shown


@pytest.mark.parametrize("query", ["age=4-20", "age=24&sla=overdue", "from=2026-03-01&to=2026-03-02"])
def test_a_filter_by_age_passes_over_entries_of_the_index_and_not_over_rows(
    officer: User, query: str
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite does not say which columns of an index it looks at.")
    filters = Filters.read(QueryDict(query), officer)
    shown = plan(filters.ordered(Session.objects.all(), timezone.now()).order_by(*filters.keys)[:51])

    (condition,) = (line for line in shown.splitlines() if "Index Cond" in line)
    assert "state_since" in condition and "Filter" not in shown


def test_the_notice_of_new_sessions_is_one_range_of_one_index() -> None:
    came = Session.objects.in_review().filter(queued_at__gt=timezone.now())

    assert "kyc_session_queue_new" in plan(came.order_by()[:1001])


def test_a_later_page_costs_one_query(queries) -> None:
    SessionFactory.create_batch(6)
    listing = Listing([Session.objects.in_review()], ("due_at", "id"))
    first = paginate(listing, QueryDict(), size=3)
    assert first.next is not None
    with queries(1):
        second = paginate(listing, QueryDict(first.next), size=3)

    assert AFTER in first.next and len(second.rows) == 3
