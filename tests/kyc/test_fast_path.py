"""On PostgreSQL one statement does most of the work: it must leave what the careful path leaves, row by row."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection, models, transaction
from hypothesis import given, settings

from kyc import fastpath, ingestion, ledger
from kyc.models import (
    Check,
    Delivery,
    EventName,
    LedgerEntry,
    LedgerHead,
    QueueFacet,
    Reason,
    ReasonCode,
    RejectionReason,
    Session,
)
from kyc.rebuilding import rebuild
from tests import locks, wire
from tests.factories import ReasonCodeFactory
from tests.kyc.drawn import bodies, streams

WRITTEN: list[type[models.Model]] = [
    Session, Delivery, Check, Reason, QueueFacet, RejectionReason, ReasonCode, EventName, LedgerEntry, LedgerHead,
]  # fmt: skip
# What the ledger says by keys of rows; its hashes cover them, and are verified apart.
COUNTED = ("delivery", "notifications")
NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has only the careful path.")


def everything() -> dict[str, list[Any]]:
    """Return every column of every row, but for keys of rows, which count up whatever happens."""
    return {model.__name__: sorted(map(repr, _rows(model))) for model in WRITTEN}


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    events = dict(Delivery.objects.values_list("pk", "event_id"))
    checks = dict(Check.objects.values_list("pk", "position"))
    for row in model._base_manager.values():
        for name in ("evidence_id", "delivery_id"):
            if name in row:
                row[name] = events.get(row[name])
        if "kyc_check_id" in row:
            row["kyc_check_id"] = checks[row["kyc_check_id"]]
        if model not in (Session, LedgerHead):
            del row["id"]
        if "detail" in row:
            detail = json.loads(row["detail"])
            row["detail"] = {name: value for name, value in detail.items() if name not in COUNTED}
        yield {name: value for name, value in row.items() if name not in ("hash", "previous_hash")}


def left_by(sent: list[bytes], *, is_fast: bool) -> dict[str, list[Any]]:
    """Receive in a transaction that is rolled back, where two codes are suspicions, and return what it left."""
    with (
        time_machine.travel(NOON, tick=False),
        patch.object(fastpath, "is_available", lambda: is_fast),
        transaction.atomic(),
    ):
        for code in ("A", "LOW_CONFIDENCE"):
            ReasonCodeFactory(code=code, is_suspicion=True)
        for body in sent:
            ingestion.receive(body, {"X-Signature": "s"}, signed_with="01234567")
        found = everything()
        assert list(ledger.verify()) == []
        transaction.set_rollback(True)
    return found


@settings(max_examples=40)
@given(streams)
def test_both_paths_leave_the_same_rows(drawn: Any) -> None:
    sent = bodies(drawn)
    sent += sent[:2]

    assert left_by(sent, is_fast=True) == left_by(sent, is_fast=False)


@pytest.mark.parametrize("name", wire.names())
def test_both_paths_leave_the_same_rows_of_every_example(name: str) -> None:
    body = wire.encode(wire.payload(name))

    assert left_by([body], is_fast=True) == left_by([body], is_fast=False)


@pytest.mark.parametrize("name", ["kyc_session_verified", "kyc_session_manual_review", "kyc_session_failed"])
def test_nothing_falls_back_to_the_careful_path(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A column that the statement forgot would be noticed by nothing else than this and the speed."""
    event, later = wire.payload(name), wire.payload("kyc_session_expired")
    later["data"]["sessionId"] = event["data"]["sessionId"]
    with (
        patch.object(ingestion, "_store_carefully", side_effect=AssertionError),
        caplog.at_level(logging.ERROR),
    ):
        for each in (event, event, later):
            ingestion.receive(wire.encode(each), {})

    assert caplog.text == ""
    assert Delivery.objects.count() == 2


def test_a_repeat_is_one_short_statement() -> None:
    body = wire.encode(wire.payload("kyc_session_failed"))
    first = ingestion.receive(body, {}).delivery
    with patch.object(fastpath, "store", side_effect=AssertionError):
        again = ingestion.receive(body, {})

    assert (again.is_duplicate, again.delivery, again.delivery.sha256) == (True, first, first.sha256)
    assert Delivery.objects.get().n_repeats == 1


def test_an_error_of_it_leaves_a_callers_transaction_whole() -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    with transaction.atomic(), patch.object(fastpath, "store", broken):
        delivery = ingestion.receive(wire.encode(wire.payload("kyc_session_failed")), {}).delivery

    assert Delivery.objects.get() == delivery
    assert Session.objects.get().state == "REJECTED"


@pytest.mark.django_db(transaction=True)
def test_a_session_that_another_transaction_makes_meanwhile_gets_both_events(settings: Any) -> None:
    """The statement saw no session, then meets one: half of it must not stay."""
    settings.KYC_SUBJECT_MAILS = frozenset()
    first = wire.payload("kyc_session_verified")
    second = wire.payload("kyc_session_expired", session_id=first["data"]["sessionId"])
    wholes: list[tuple[bool, bool]] = []
    real = fastpath.store

    def store(delivery: Delivery, event: Any, *, is_whole: bool, is_suspect: bool) -> fastpath.Stored:
        stored = real(delivery, event, is_whole=is_whole, is_suspect=is_suspect)
        wholes.append((is_whole, stored.is_kept))
        return stored

    def send_second() -> None:
        try:
            ingestion.receive(wire.encode(second), {})
        finally:
            connection.close()

    other = threading.Thread(target=send_second)
    with patch.object(fastpath, "store", store):
        with transaction.atomic():
            ingestion.receive(wire.encode(first), {})
            wholes.clear()
            other.start()
            _wait_until_somebody_waits_for_a_lock()
        other.join()

    assert wholes == [(True, False), (False, True)]
    assert Session.objects.get().deliveries.count() == Delivery.objects.count() == 2
    assert rebuild(Session.objects.get().pk) == []
    assert list(ledger.verify()) == []


def _wait_until_somebody_waits_for_a_lock() -> None:
    until = time.monotonic() + 120
    while not locks.somebody_waits():
        assert time.monotonic() < until, "Nobody waits."
        time.sleep(0.05)
