"""No page of the desk reads a large table from end to end: every statement that a request makes has an index to go by."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kyc.models import Session, User
from tests.factories import (
    DecisionFactory,
    NoteFactory,
    QueueFacetFactory,
    ReasonFactory,
    RejectedSessionFactory,
    SavedViewFactory,
    SessionFactory,
)

# Tables that grow with the sessions, and are not read whole.
LARGE = (
    "kyc_check|kyc_contact|kyc_correction|kyc_decision|kyc_delivery|kyc_ledgerentry|kyc_ledgerhead|kyc_note"
    "|kyc_precedent|kyc_queuefacet|kyc_reason|kyc_rejectionreason|kyc_session|notifications_attempt|notifications_notification"
)
READ_WHOLE = re.compile(rf"Seq Scan on ({LARGE})\b")


@pytest.fixture(autouse=True)
def large_scale(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("A large queue is PostgreSQL's.")


@pytest.fixture
def session(officer: User) -> Session:
    """A session with something of everything, and others beside it."""
    SavedViewFactory(owner=officer, query="reason=LOW_CONFIDENCE")
    SavedViewFactory(owner=officer, name="Narrow", query="view=free&check=face-matching&age=4-20&sort=oldest")
    session: Session = ReasonFactory().kyc_check.session
    QueueFacetFactory(session=session)
    NoteFactory(session=session)
    other = RejectedSessionFactory(user_id=session.user_id)
    DecisionFactory(session=other)
    SessionFactory.create_batch(3)
    return session


def whole_reads(statement: str) -> list[str]:
    """Return the large tables that a statement reads from end to end."""
    with connection.cursor() as cursor:
        # An empty table is to be read as a large one would be.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement.replace('%', '%%')}")
        return READ_WHOLE.findall("\n".join(row[0] for row in cursor.fetchall()))


def faults(client: Client, address: str, posted: dict[str, str] | None = None) -> dict[str, str]:
    """Return the tables that a request reads whole, with the statement that does."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address) if posted is None else client.post(address, posted)
    assert answer.status_code < 400
    statements = [query["sql"] for query in captured.captured_queries]
    reading = [sql for sql in statements if sql.lstrip().startswith(("SELECT", "WITH"))]
    return {table: sql for sql in reading for table in whole_reads(sql)}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "view=mine",
        "view=free",
        "view=supervisors",
        "view=second",
        "view=waiting",
        "sla=overdue",
        "assignee=none",
        "assignee=me",
        "entity=user",
        "reason=LOW_CONFIDENCE&check=face-matching",
        "category=DOC&sort=oldest",
        "age=4-20",
        "from=2026-01-01&to=2026-12-31",
        "sort=newest",
        "sort=refused",
        "q=LOW_CONFIDENCE",
    ],
)
def test_the_queue(officer_client: Client, session: Session, query: str) -> None:
    assert faults(officer_client, f"/queue/?{query}") == {}


def test_the_queue_searched_for_the_beginning_of_an_id(officer_client: Client, session: Session) -> None:
    assert faults(officer_client, f"/queue/?q={str(session.pk)[:9]}") == {}
    assert faults(officer_client, f"/queue/?q={session.user_id}") == {}


@pytest.mark.parametrize("query", ["", "?from=sla%3Dsoon", "?from=reason%3DLOW_CONFIDENCE"])
def test_the_session(officer_client: Client, session: Session, query: str) -> None:
    assert faults(officer_client, f"/sessions/{session.pk}/{query}") == {}


@pytest.mark.parametrize(
    "address",
    [
        "/queue/peek/{pk}/",
        "/queue/portal/",
        "/queue/rows/?s={pk.hex}.9-0-k",
        "/queue/new/?since=2026-01-01T00:00:00Z",
        "/rejected/",
        "/rejected/?code=LOW_CONFIDENCE",
    ],
)
def test_the_pages_beside_it(officer_client: Client, session: Session, address: str) -> None:
    assert faults(officer_client, address.format(pk=session.pk)) == {}


@pytest.mark.parametrize("query", ["", "reason=LOW_CONFIDENCE", "sort=oldest"])
def test_claim_next(officer_client: Client, session: Session, query: str) -> None:
    assert faults(officer_client, "/queue/claim-next/", {"from": query}) == {}
    assert Session.objects.filter(assignee__isnull=False).count() == 1


def test_a_whole_read_is_seen() -> None:
    assert whole_reads('SELECT "kyc_session"."round" FROM "kyc_session" WHERE "kyc_session"."round" > 3') == [
        "kyc_session"
    ]
