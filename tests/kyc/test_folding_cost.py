"""What each event costs in statements: suspicions, waits and proposals add none."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kyc import fastpath, folding, ingestion
from kyc.models import ReasonCode, User
from tests import wire
from tests.factories import DecisionFactory
from tests.kyc.scene import in_review

pytestmark = pytest.mark.django_db


def test_folding_anew_reads_each_table_once(officer: User) -> None:
    session = in_review()
    ReasonCode.objects.update(is_suspicion=True)
    DecisionFactory(session=session, basis=session.deliveries.get(), maker=officer, is_proposed=True)
    with transaction.atomic():
        assert folding.refold(folding.lock(session.pk)).is_changed

    session.refresh_from_db()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert not folding.refold(session).is_changed
    # Corrections, decisions, deliveries, checks, reasons, and the queue's facets to compare.
    assert len(queries) == 6, queries.captured_queries


def test_a_first_event_that_is_told_to_nobody_is_two_statements_on_postgresql(settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has only the careful path.")
    settings.KYC_SUBJECT_MAILS = frozenset()
    real, done = fastpath._one, []

    def one(*arguments: Any) -> Any:
        done.append(arguments)
        return real(*arguments)

    with patch.object(fastpath, "_one", one), CaptureQueriesContext(connection) as queries:
        ingestion.receive(wire.encode(wire.payload("kyc_session_expired")), {})
    assert len(done) == 2
    # In the test's own transaction a savepoint is made and released around them.
    assert [query["sql"].split()[0] for query in queries.captured_queries] == ["SAVEPOINT", "RELEASE"]
