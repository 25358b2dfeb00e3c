"""What a kept body says beyond the typed event, in any generation and for any bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.ralio.bodies import data_members, names_entity
from tests import wire


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, False),
        ({"entityType": "user"}, True),
        ({"entity_type": "anything"}, True),
        ({"entityType": None}, False),
        ({"relatedParty": {"id": "x"}}, True),
    ],
)
def test_an_event_names_its_entity_or_leaves_it_to_the_ids(data: dict[str, Any], says: bool) -> None:
    assert names_entity(json.dumps({"data": data}).encode()) is says


def test_the_examples_members_come_in_order_and_as_written() -> None:
    body = b'{"eventId": "x", "data": {"kycId": 4.10, "state": "LIGHT", "state": null}}'

    assert data_members(body) == [("kycId", "4.10"), ("state", "LIGHT"), ("state", None)]
    names = [name for name, _ in data_members(wire.encode(wire.payload("kyc_expiration_warning")))]
    assert names == ["kycId", "entityType", "userId", "expirationDate", "daysRemaining", "action"]


@given(st.binary() | st.text(alphabet='{}[]",:data 01').map(str.encode))
def test_any_bytes_are_taken(body: bytes) -> None:
    assert isinstance(data_members(body), list)
    assert names_entity(body) is False
