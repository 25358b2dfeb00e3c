"""The deliveries' lists read the indexes made for them, whatever the address asks for, and never the whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from kyc.desk.deliveries import came_after
from kyc.desk.deliveries_chips import event_names
from kyc.desk.deliveries_filters import Filters
from kyc.desk.deliveries_search import search
from kyc.desk.deliveries_secrets import secrets
from kyc.desk.deliveries_tabs import numbers
from kyc.desk.paging import paginate
from kyc.models import User
from tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_shortcuts() -> Iterator[None]:
    """Have PostgreSQL read a small table as it would read a large one."""
    with transaction.atomic():
        DeliveryFactory()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
                    cursor.execute(f"SET LOCAL enable_{way} = off")
        yield


def plan(ask: Callable[[], object]) -> str:
    """Return the plans of the queries that an act makes of deliveries."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    asked = [query["sql"] for query in captured.captured_queries if "kyc_delivery" in query["sql"]]
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    lines = []
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql.replace('%', '%%')}", ())
            lines += [str(row[-1]) for row in cursor.fetchall()]
    assert lines
    return "\n".join(lines)


def reads_no_table(shown: str) -> bool:
    tables = ("kyc_delivery", "U0", "d")
    whole = [line for line in shown.splitlines() if line in {f"SCAN {name}" for name in tables}]
    return "Seq Scan on kyc_delivery" not in shown and not whole


PRIMARY = {"postgresql": "kyc_delivery_pkey", "sqlite": "INTEGER PRIMARY KEY"}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("status=applied", "kyc_delivery_status"),
        ("status=quarantined", "kyc_delivery_status"),
        ("cause=invalid", "kyc_delivery_status"),
        ("status=repeats", "kyc_delivery_repeated"),
        ("status=api", "kyc_delivery_api"),
        ("event=kyc_session_failed", "kyc_delivery_event"),
        ("event=kyc_session_failed&status=applied", "kyc_delivery_event"),
        ("from=2026-03-01", "kyc_delivery_received"),
        ("from=2026-03-01&to=2026-03-02&event=a&event=b&status=applied", "kyc_delivery_received"),
        ("status=quarantined&from=2026-03-01", "kyc_delivery_status"),
        ("status=failed&secret=aaaaaaaa", "kyc_delivery_status"),
    ],
)
def test_a_page_is_one_range_of_one_index(query: str, index: str) -> None:
    found = Filters.read(QueryDict(query)).rows()
    first = plan(lambda: paginate(found, QueryDict(query), size=1))

    assert reads_no_table(first)
    if connection.vendor == "sqlite" and found.sieve:
        # It reads some index; without statistics, not always the one that holds the fewest rows.
        return
    assert index in first
    # Rows of one microsecond are put in order among themselves; nothing else is sorted.
    sorts = [line for line in first.splitlines() if "Sort" in line and "Key" not in line]
    assert all("Incremental Sort" in line for line in sorts) and "TEMP B-TREE FOR ORDER BY" not in first


@pytest.mark.parametrize("query", ["", "secret=aaaaaaaa"])
def test_a_page_of_all_reads_the_primary_key(query: str) -> None:
    DeliveryFactory.create_batch(3)
    found = Filters.read(QueryDict(query)).rows()
    second = paginate(found, QueryDict(query), size=1).next or query
    shown = plan(lambda: paginate(found, QueryDict(second), size=1))

    assert PRIMARY[connection.vendor] in shown or query
    assert reads_no_table(shown) or connection.vendor == "sqlite"


@pytest.mark.parametrize("text", ["12345678", "1234567812345678123456781234567812", "9" * 32])
def test_the_search_reads_an_index_for_each_thing_that_it_may_mean(text: str) -> None:
    shown = plan(lambda: search(text, is_refused=False))

    assert reads_no_table(shown)
    if len(text) <= 32:
        assert "kyc_delivery_event_once" in shown and "kyc_delivery_session" in shown


def test_what_stands_around_the_list_reads_the_ends_of_indexes() -> None:
    person = User.objects.create(username="someone")
    events = Filters.read(QueryDict("event=kyc_session_failed&from=2026-01-01")).rows()

    assert reads_no_table(plan(event_names))
    assert reads_no_table(plan(lambda: came_after(events, 0, most=1001)))
    if connection.vendor == "postgresql":
        assert reads_no_table(plan(secrets))
        assert reads_no_table(plan(lambda: numbers(person)))
