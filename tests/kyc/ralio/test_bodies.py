"""What a kept body says beyond the typed event, in any generation and for any bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from kyc.models import Delivery
from kyc.ralio.bodies import VEIL, data_members, names_entity, veiled
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


LINK = 'https://signup.example/?token=\u00e9"s3cret'


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("name", ["kycSession", "kyc_session"])
def test_the_personal_link_is_veiled_and_every_other_byte_stays(name: str, is_ascii: bool) -> None:
    event = wire.payload("related_party.kyc_session_created", note=LINK, url="")
    event["data"][name] = {**event["data"].pop("kycSession"), "url": LINK, "n": 1.50}
    body = json.dumps(event, ensure_ascii=is_ascii, indent=1).encode()

    literal = json.dumps(LINK, ensure_ascii=is_ascii).encode()
    assert body.count(literal) == 2
    assert veiled(body) == body.replace(literal, b'"(personal link, not shown)"')


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"data": {"kycSession": 5}}', b'{"data": {"kycSession": {"url": 5}}}']
)
def test_a_body_without_a_personal_link_is_shown_whole(body: bytes) -> None:
    assert veiled(body) == body


@pytest.mark.django_db
def test_no_page_shows_the_personal_link(supervisor_client: Client) -> None:
    event = wire.payload("related_party.kyc_session_created")
    event["data"]["kycSession"]["url"] = "https://signup.example/?token=s3cret"
    wire.post(event)
    delivery = Delivery.objects.get()

    for path in (
        f"/sessions/{delivery.session_id}/",
        f"/sessions/{delivery.session_id}/deliveries/{delivery.pk}/",
        f"/admin/kyc/delivery/{delivery.pk}/change/",
    ):
        page = supervisor_client.get(path)
        assert page.status_code == 200
        assert b"s3cret" not in page.content
        assert b"personal link, not shown" in page.content


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"kycSession": {"url": "https://secret.example/x"}}, "n": NaN}',
        b'{"data": {"kycSession": {"hostedUrl": "https://secret.example/\\"x',
        b'{"hosted_url" :\n"https://secret.example/x"}}',
    ],
)
def test_in_bytes_that_are_no_json_whatever_is_named_as_such_a_link_is_hidden(body: bytes) -> None:
    seen = veiled(body)

    assert b"secret.example" not in seen
    assert VEIL.encode() in seen
