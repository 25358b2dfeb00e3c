"""When it is our fault: the event is kept, or Ralio is asked to send it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from kyc import folding, ingestion, ledger
from kyc.choices import DeliveryStatus
from kyc.models import Check, Delivery, Session
from kyc.ralio import events
from tests import wire

pytestmark = pytest.mark.django_db


def broken(*args: Any, **kwargs: Any) -> Any:
    raise ValueError("Doe, John")


def test_our_own_failure_keeps_the_delivery_and_rolls_its_effects_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folding, "fold", broken)
    event = wire.payload("kyc_session_failed")
    response = wire.post(event)

    assert (response.status_code, response.json()) == (200, {"received": True})
    delivery = Delivery.objects.get()
    assert (delivery.status, bytes(delivery.body)) == (DeliveryStatus.FAILED, wire.encode(event))
    assert delivery.error.startswith("ValueError at ")
    assert not Session.objects.exists()
    assert not Check.objects.exists()
    assert "Doe" not in caplog.text + delivery.error


def test_the_worker_applies_it_once_we_are_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(folding, "fold", broken)
        wire.post(wire.payload("kyc_session_failed"))
        assert ingestion.retry_failed() == 0
        Delivery.objects.update(next_try_at=timezone.now())
        assert ingestion.retry_failed() == 1
        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.n_tries) == (DeliveryStatus.FAILED, 2)
        assert delivery.next_try_at > timezone.now() + timedelta(seconds=90)
    Delivery.objects.update(next_try_at=timezone.now())
    assert ingestion.retry_failed() == 1

    assert Delivery.objects.get().status == DeliveryStatus.APPLIED
    assert Session.objects.get().state == "REJECTED"
    assert list(ledger.verify()) == []


def test_sending_it_again_applies_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed")
    with monkeypatch.context() as patch:
        patch.setattr(folding, "fold", broken)
        wire.post(event)
    response = wire.post(event)

    assert response.json() == {"received": True}
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.n_repeats) == (DeliveryStatus.APPLIED, 1)
    assert wire.post(event).json() == {"received": True, "duplicate": True}


def test_a_bug_in_reading_costs_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed")
    with monkeypatch.context() as patch:
        patch.setattr(events, "read", broken)
        assert wire.post(event).json() == {"received": True}
    failed = Delivery.objects.get()
    assert (failed.status, bytes(failed.body)) == (DeliveryStatus.FAILED, wire.encode(event))

    assert ingestion.take_again(failed.pk).status == DeliveryStatus.APPLIED
    assert ingestion.take_again(failed.pk).n_tries == failed.n_tries


def test_a_failed_one_that_came_again_meanwhile_is_no_second_event(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed")
    with monkeypatch.context() as patch:
        patch.setattr(events, "read", broken)
        wire.post(event)
    wire.post(event)

    again = ingestion.take_again(Delivery.objects.get(status=DeliveryStatus.FAILED).pk)
    assert (again.status, again.cause) == (DeliveryStatus.QUARANTINED, "id_conflict")
    assert Session.objects.get().deliveries.count() == 1


@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("Doe, John")])
def test_when_nothing_can_be_stored_ralio_sends_it_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*args: Any) -> Any:
        raise error

    monkeypatch.setattr(ingestion, "_store", fail)
    response = wire.post(wire.payload("kyc_session_failed"))

    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert int(response["Retry-After"]) > 0
    assert "Doe" not in caplog.text + response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer, and so no deadlock.")
    calls = []

    def deadlock(change: Any, delivery: Delivery, *also: Any) -> None:
        calls.append(delivery.sha256)
        if len(calls) == 1:
            raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected()
        real(change, delivery, *also)

    real = ingestion._tell
    monkeypatch.setattr(ingestion, "_tell", deadlock)
    assert wire.post(wire.payload("kyc_session_failed")).json() == {"received": True}
    assert len(calls) == 2
    assert Session.objects.get().deliveries.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_made_anew() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose.")
    wire.post(wire.payload("kyc_session_failed"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    assert wire.post(wire.payload("kyc_session_failed")).json() == {"received": True}
    assert Session.objects.count() == 2
