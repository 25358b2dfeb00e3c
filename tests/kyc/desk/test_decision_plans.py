"""What helps to decide is read off the indexes made for it, however many decisions there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from kyc.desk.cursors import ranges
from kyc.desk.portal import KEYS, n_unentered, unentered
from kyc.desk.precedents import with_precedents
from kyc.models import ReasonCode, Session
from tests.factories import SessionFactory
from tests.kyc.arrivals import explained

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


def plan(rows: QuerySet[Any]) -> str:
    sql, parameters = rows.query.sql_with_params()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_a_page_of_the_decisions_to_enter_is_one_range_of_one_index() -> None:
    session = SessionFactory.build()
    (beyond,) = ranges(KEYS, [session.first_event_at, session.pk])

    for rows in (unentered()[:51], unentered().filter(beyond)[:51]):
        shown = plan(rows)
        assert "kyc_session_unentered" in shown
        assert "Sort" not in shown and "TEMP B-TREE" not in shown


def test_they_are_counted_in_the_same_index() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert n_unentered() == 0

    assert "kyc_session_unentered" in explained(captured.captured_queries[0]["sql"])


def test_each_code_s_precedents_are_ranges_of_one_index() -> None:
    session: Session = SessionFactory()
    shown = plan(with_precedents(ReasonCode.objects.filter(digest=session.pk), session))

    # Of two indexes that begin with the code PostgreSQL may take either while it believes the table to be empty.
    in_range = {"postgresql": "(digest = kyc_reasoncode.digest)", "sqlite": "kyc_precedent_code"}
    assert shown.count(in_range[connection.vendor]) >= 6
    assert "Seq Scan on kyc_" not in shown and "SCAN kyc_" not in shown
