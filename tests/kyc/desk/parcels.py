"""Deliveries of every kind, as the deliveries page shows them, and what a page of it holds."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.test import Client

from kyc.models import Delivery, RefusedRequest
from tests import wire
from tests.factories import DeliveryFactory

FAULT = {"path": "data.checks[0].state", "message": "We did not know this state."}


def post(name: str = "kyc_session_failed.g2", **changes: Any) -> Delivery:
    """Post an event as Ralio does, and return the delivery that it became."""
    wire.post(wire.payload(name, **changes))
    return Delivery.objects.latest("pk")


def broken(body: bytes = b'{"id": 1}') -> Delivery:
    """Post signed bytes that are no event."""
    assert wire.post(body).status_code == 400
    return Delivery.objects.latest("pk")


def mended(name: str = "kyc_session_failed.g2", **changes: Any) -> Delivery:
    """Return a quarantined delivery that we can read by now."""
    body = wire.encode(wire.payload(name, **changes))
    return DeliveryFactory(
        is_quarantined=True,
        event_name=name.partition(".")[0],
        faults=[FAULT],
        body=body,
        sha256=sha256(body).hexdigest(),
    )


def failed(**changes: Any) -> Delivery:
    """Return a delivery that our own failure kept from being applied."""
    event = wire.payload("kyc_session_failed.g2", **changes)
    body = wire.encode(event)
    return DeliveryFactory(
        is_failed=True,
        event_id=event["id"],
        event_name=event["event"],
        error="RuntimeError at folding.py:1",
        n_tries=3,
        body=body,
        sha256=sha256(body).hexdigest(),
    )


def refused(**changes: Any) -> RefusedRequest:
    """Post an event that is signed with another secret."""
    assert wire.post(wire.payload("kyc_session_failed.g2", **changes), secret="another").status_code == 401
    return RefusedRequest.objects.latest("pk")


def shown(client: Client, query: str = "") -> list[int]:
    """Return the rows on a page, in their order."""
    answer = client.get(f"/deliveries/?{query}")
    assert answer.status_code == 200
    return [row.pk if isinstance(row, RefusedRequest) else row.delivery.pk for row in answer.context["rows"]]


def html(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()
