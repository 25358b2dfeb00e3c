"""No page of the ledger reads it from end to end, and each filter goes by the index that was made for it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kyc import ledger, origins, sealing
from kyc.desk.ledger_filters import Filters
from kyc.desk.paging import paginate
from kyc.desk.record_reading import reads_of
from kyc.models import LedgerEntry, Session, User
from kyc.origins import Origin
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import arrive
from tests.kyc.desk.test_plans_views import faults

pytestmark = pytest.mark.django_db

BY_CHAIN, BY_ID = "kyc_ledger_entry_once", "kyc_ledgerentry_pkey"
FILTERS = [
    ("", BY_ID),
    ("action=delivery.applied", BY_ID),
    ("person={person}", "kyc_ledger_by_actor"),
    ("person={person}&action=session.read", "kyc_ledger_by_actor"),
    ("action=session.read", "kyc_ledger_by_action"),
    ("action=session.read&from=2020-01-01", "kyc_ledger_by_action"),
    ("q=203.0.113.7", "kyc_ledger_by_address"),
    ("q=" + "a" * 32, "kyc_ledger_by_request"),
    ("q=system", BY_CHAIN),
    ("q=person:{person}&from=2020-01-01", BY_CHAIN),
]


@pytest.fixture(autouse=True)
def entries(db: None, officer: User) -> None:
    """Enough entries that an index is worth its while."""
    other = UserFactory()
    with origins.of(Origin("b" * 32, "192.0.2.1")):
        for n in range(120):
            ledger.append(f"session:{uuid4()}", "delivery.applied")
            by = officer if n % 10 == 0 else other
            ledger.append(ledger.person_chain(by), f"act.{n % 30}", actor=by, session=str(uuid4()))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE kyc_ledgerentry" if connection.vendor == "postgresql" else "SELECT 1")


def plans(query: str) -> str:
    """Return how the database finds the page of a query."""
    with CaptureQueriesContext(connection) as captured:
        paginate(Filters.read(QueryDict(query)).rows(), QueryDict(query))
    told = [sql for each in captured if '"kyc_ledgerentry"."' in (sql := each["sql"])]
    return "\n".join(explained(sql) for sql in told)


def explained(sql: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A few rows are sorted sooner than read in order; a million are not.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            f"{'EXPLAIN' if connection.vendor == 'postgresql' else 'EXPLAIN QUERY PLAN'} {sql.replace('%', '%%')}"
        )
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize(("query", "index"), FILTERS)
def test_a_filter_goes_by_its_index(query: str, index: str, officer: User) -> None:
    found = plans(query.format(person=officer.pk))
    if connection.vendor == "sqlite" and index == BY_ID:
        # The table itself is in the order of the ids: it is walked from its end, or sought by them.
        assert "USE TEMP B-TREE" not in found
    elif connection.vendor == "sqlite" and index == BY_CHAIN:
        assert "(chain=?" in found
    else:
        assert index in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found


def test_who_read_a_session_is_found_by_an_index() -> None:
    with CaptureQueriesContext(connection) as captured:
        list(reads_of(Session(pk=uuid4())))
    assert "kyc_ledger_by_session" in explained(captured[0]["sql"])


@pytest.mark.parametrize(
    "address",
    [
        "/ledger/",
        "/ledger/?q=officer",
        "/ledger/?action=act.1&person=1",
        "/ledger/{entry}/",
        "/ledger/seals/",
        "/ledger/seals/1/",
    ],
)
def test_no_page_reads_a_large_table_whole(auditor_client: Client, address: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("A large ledger is PostgreSQL's.")
    sealing.seal()
    entry = LedgerEntry.objects.earliest("pk").pk
    assert faults(auditor_client, address.format(entry=entry)) == {}


def test_nor_does_a_session_s_record(supervisor_client: Client) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("A large ledger is PostgreSQL's.")
    assert faults(supervisor_client, f"/sessions/{arrive('REVIEW').pk}/record/") == {}
