"""The bodies of events that are not KYC are never kept, whichever door they come through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kyc import ingestion, replaying
from kyc.choices import DeliverySource
from kyc.models import Delivery, RefusedRequest
from tests import wire
from tests.kyc import mending
from tests.kyc.mending import OLD_SECRET
from tests.kyc.privacy import lives

pytestmark = pytest.mark.django_db

NOT_KYC = ["account_activated", "payin_completed", "transfer_state_updated", "viban_activated"]


def event(name: str = "payin_completed") -> dict[str, Any]:
    made = wire.payload(name)
    return {**made, "data": {**made["data"], "payer": lives.said("payer")}}


@pytest.mark.parametrize("name", NOT_KYC)
def test_at_the_webhook(name: str) -> None:
    assert wire.post(event(name), **{"User-Agent": lives.said("agent")}).status_code == 200
    assert (Delivery.objects.get().status, lives.found()) == ("ignored", set())


@pytest.mark.parametrize(
    "wrong", [{"id": None, "eventId": None}, {"timestamp": "noon"}, {"data": lives.said("data")}]
)
def test_nor_when_it_is_wrong(wrong: dict[str, Any]) -> None:
    assert wire.post({**event(), **wrong}).status_code == 400
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.cause, lives.found()) == ("quarantined", "invalid", set())
    assert replaying.apply(delivery.pk, by=None).ending == replaying.Ending.NO_BODY


def test_nor_beside_another_content_under_its_id() -> None:
    first = event()
    wire.post(first)
    wire.post({**first, "more": lives.said("more")})
    assert {row.status for row in Delivery.objects.all()} == {"ignored", "quarantined"}
    assert lives.found() == set()


@pytest.mark.parametrize("signature", ["", "0" * 64, "nonsense"])
def test_nor_where_it_is_not_trusted(signature: str) -> None:
    assert wire.post(event(), signature=signature).status_code == 401
    assert (RefusedRequest.objects.get().n_kept_bytes, lives.found()) == (0, set())


def test_what_is_about_kyc_is_kept_where_it_is_not_trusted() -> None:
    nested = {**wire.payload("kyc_session_failed"), "context": {"event": "payin_completed"}}
    wire.post(nested, signature="0" * 64)
    assert RefusedRequest.objects.get().n_kept_bytes == len(wire.encode(nested))


def test_nor_after_its_signature_held_after_all(settings: Any) -> None:
    # Its name is written so that nobody sees it at a glance.
    body = json.dumps(event()).replace("payin_completed", "pay\\u0069n_completed").encode()
    refused = mending.refused(body)
    assert refused.n_kept_bytes
    settings.RALIO_WEBHOOK_SECRETS = [*settings.RALIO_WEBHOOK_SECRETS, OLD_SECRET]
    replaying.apply_refused(refused.pk, by=None)
    assert (Delivery.objects.get().status, lives.found()) == ("ignored", set())


def test_what_failed_on_our_side_is_forgotten_as_soon_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(ingestion.events, "read", _fail)
        wire.post(event())
    assert "kyc_delivery.body" in lives.found()
    ingestion.take_again(Delivery.objects.get().pk)
    assert (Delivery.objects.get().status, lives.found()) == ("ignored", set())


def test_the_api_brings_none() -> None:
    receipt = ingestion.receive(wire.encode(event()), {}, source=DeliverySource.API)
    assert receipt.delivery.status == "quarantined"
    assert lives.found() == set()


def _fail(body: bytes) -> None:
    raise RuntimeError
