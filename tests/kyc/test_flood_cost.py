"""What one forged request may cost: no parsing, no reading of what is too large, no waiting, no disk for good."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from kyc import refusals
from kyc.choices import RefusalCause
from kyc.models import RefusedRequest
from kyc.ralio import events
from kyc.webhooks import RalioWebhook
from tests import wire

pytestmark = pytest.mark.django_db
WELL_FORMED = {"X-Signature": "0" * 64}


def test_what_is_forged_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "parse", lambda body: pytest.fail("A forged body was parsed."))
    assert wire.post(wire.payload("kyc_session_failed"), secret="other").status_code == 401
    assert wire.post(b"[" * 100_000, signature="").status_code == 401


def test_what_is_declared_too_large_is_not_read() -> None:
    stream = io.BytesIO(b"x" * 100)
    request = RequestFactory().generic("POST", "/webhooks/ralio", headers=WELL_FORMED)
    request.META["CONTENT_LENGTH"] = str(10**12)
    request._stream = request.environ["wsgi.input"] = stream

    assert RalioWebhook.as_view()(request).status_code == 413
    assert stream.tell() == 0
    assert RefusedRequest.objects.get().n_bytes == 10**12


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement_that_does_not_wait_for_the_disk() -> None:
    with CaptureQueriesContext(connection) as captured:
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x")
    said = [query["sql"].split()[0] for query in captured]
    if connection.vendor == "sqlite":
        assert said == ["PRAGMA", "INSERT", "PRAGMA"]
        assert captured[0]["sql"].endswith("NORMAL")
        assert asked("PRAGMA synchronous") == 2
        return
    assert said == ["INSERT"]
    with transaction.atomic():
        asked("SELECT set_config('synchronous_commit', 'on', true)")
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x")
        assert asked("SHOW synchronous_commit") == "off"


@pytest.mark.django_db(transaction=True)
def test_many_may_refuse_and_trim_at_once(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_ROWS, settings.RALIO_REFUSED_MAX_BYTES = 50, 500_000
    errors: list[Exception] = []

    def flood() -> None:
        try:
            for _ in range(40):
                refusals.refuse(RefusalCause.SIGNATURE_WRONG, WELL_FORMED, body=b"x" * 8_000)
                refusals.trim()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refusals.trim()
    assert errors == []
    assert 40 < RefusedRequest.objects.count() <= 50


@pytest.mark.django_db(transaction=True)
def test_a_request_that_is_being_replayed_holds_no_trim_up(settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    first = refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x")
    second = refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x")
    settings.RALIO_REFUSED_MAX_ROWS = 1

    def trim() -> None:
        refusals.trim()
        connections.close_all()

    with transaction.atomic():
        RefusedRequest.objects.select_for_update().get(pk=first.pk)
        trimmer = threading.Thread(target=trim)
        trimmer.start()
        trimmer.join(120)
        assert not trimmer.is_alive()
    refusals.trim()
    assert RefusedRequest.objects.get() == second


@pytest.mark.django_db(transaction=True)
def test_the_disk_is_given_back_under_the_flood(settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite uses free pages again by itself.")
    settings.RALIO_REFUSED_MAX_ROWS, settings.RALIO_REFUSED_MAX_BYTES = 100, 1_000_000
    largest = 0
    for number in range(600):
        body = random.Random(number).randbytes(9_000)
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=body)
        largest = max(largest, asked("SELECT pg_total_relation_size('kyc_refusedrequest')"))
    assert largest < 3 * settings.RALIO_REFUSED_MAX_BYTES


@pytest.mark.django_db(transaction=True)
def test_the_ring_is_counted_once_whatever_the_planner_believes_of_it(settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps no figures of a table by itself.")
    settings.RALIO_REFUSED_MAX_ROWS = 50
    with transaction.atomic():
        for _ in range(49):
            refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 4_000)
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE kyc_refusedrequest")
    assert asked("SELECT reltuples FROM pg_class WHERE relname = 'kyc_refusedrequest'") == 0
    with transaction.atomic():
        for _ in range(49):
            refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 4_000)
        with CaptureQueriesContext(connection) as captured:
            refusals.trim(n_spare_rows=10)
        plan = asked(f"EXPLAIN (ANALYZE, FORMAT JSON) {captured[0]['sql']}")

    assert {node["Actual Loops"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "WindowAgg"} == {
        1
    }


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def asked(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
