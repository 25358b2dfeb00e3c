"""The look for due times is cheap when there are none, and any number of workers may look at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc.deadlines import warn
from kyc.models import LedgerEntry, Session
from tests.factories import SessionFactory

HOUR = timedelta(hours=1)


def test_when_nothing_is_due_it_costs_two_questions(db: None, queries: Callable[..., Any]) -> None:
    now = timezone.now()
    SessionFactory(due_at=now - HOUR, breached_for=now - HOUR)
    SessionFactory(due_at=now + HOUR, warned_for=now + HOUR)

    with queries(2):
        assert warn(now) == []


def test_the_queue_s_index_serves_it(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's plan is the one that matters.")
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    with CaptureQueriesContext(connection) as captured:
        warn(timezone.now())
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = " ".join(row[0] for row in cursor.fetchall())
        assert "Index Scan using kyc_session_queue_due" in plan
        assert "Sort" not in plan


@pytest.mark.django_db(transaction=True)
def test_several_workers_warn_once() -> None:
    now = timezone.now()
    sessions = [SessionFactory(due_at=now - HOUR) for _ in range(10)]
    together = threading.Barrier(4)
    found: list[Session] = []

    def work() -> None:
        try:
            together.wait(120)
            found.extend(session for session, _ in warn(now))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.extend(session for session, _ in warn(now))

    assert sorted(session.pk for session in found) == sorted(session.pk for session in sessions)
    assert LedgerEntry.objects.filter(action="session.overdue").count() == len(sessions)


@pytest.mark.django_db(transaction=True)
def test_one_that_somebody_works_on_is_left_to_the_next_look() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite who works on one holds the database.")
    now = timezone.now()
    busy, free = SessionFactory(due_at=now - 2 * HOUR), SessionFactory(due_at=now - HOUR)
    found: list[Session] = []

    def work() -> None:
        found.extend(session for session, _ in warn(now))
        connection.close()

    with transaction.atomic():
        Session.objects.select_for_update().get(pk=busy.pk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [free]
    assert [session for session, _ in warn(now)] == [busy]
