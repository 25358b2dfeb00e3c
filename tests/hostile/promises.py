"""The webhook's promises, as one look at an answer and at what was kept."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.forms.models import model_to_dict

from kyc import ingestion
from kyc.choices import DeliveryStatus
from kyc.models import Delivery
from tests import wire
from tests.hostile.corpus import good

CAUSES = ("not_json", "invalid")


def posted(body: bytes, kept: str) -> Delivery:
    """Sign and post a body, look whether it is answered and kept as promised, and return its delivery."""
    response = wire.post(body)
    delivery = Delivery.objects.latest("id")
    fate = (delivery.cause or delivery.status, response.status_code)
    assert fate == (kept, 400 if kept in CAUSES else 200), delivery.faults or delivery.error
    if kept in CAUSES:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["errors"] == delivery.faults
        assert delivery.faults
    else:
        assert response.json() == {"received": True}
    assert delivery.sha256 == sha256(body).hexdigest()
    assert bytes(delivery.body) == (b"" if kept == DeliveryStatus.IGNORED else body)
    return delivery


def leaves_no_trace_behind(delivery: Delivery) -> None:
    """Look whether a replay changes nothing and the next good delivery is served at once."""
    before = facts(delivery)
    assert facts(ingestion.take_again(delivery.pk)) == before
    assert wire.post(good()).json() == {"received": True}


def facts(delivery: Delivery) -> dict[str, Any]:
    fresh = Delivery.objects.get(pk=delivery.pk)
    return model_to_dict(fresh) | {"body": bytes(fresh.body)}
