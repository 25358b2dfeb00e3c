"""Each delivery is on the session's page as it was received: as a tree, as text, and as its exact bytes."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.test import Client

from kyc.desk import bodies, reading
from kyc.models import Delivery, LedgerEntry, Session, User
from tests import wire
from tests.kyc.desk.arrivals import again, arrive, in_order, newest_delivery, page

pytestmark = pytest.mark.django_db


def address(of: Session, delivery: Delivery) -> str:
    return f"/sessions/{of.pk}/deliveries/{delivery.pk}/"


def test_it_shows_body_headers_size_and_digest(officer_client: Client) -> None:
    arrived = arrive("REVIEW")
    delivery = newest_delivery(arrived)
    raw = page(officer_client, arrived).split('id="raw"')[1]

    assert f"event {delivery.event_id}" in raw
    assert (
        f'<span class="k">sessionId</span><span class="m">: </span><span class="s">&quot;{arrived.pk}&quot;'
        in raw
    )
    assert in_order(raw, f"{delivery.n_bytes:,} bytes", delivery.sha256, "Payload as text", "Headers")


def test_the_exact_bytes_are_plain_text_and_reading_them_is_recorded(
    officer_client: Client, officer: User
) -> None:
    arrived = arrive("REVIEW", extra="<script>alert(1)</script>")
    delivery = newest_delivery(arrived)
    answer = officer_client.get(address(arrived, delivery))

    assert (answer.content, answer["Content-Type"]) == (bytes(delivery.body), "text/plain; charset=utf-8")
    assert answer["X-Content-Type-Options"] == "nosniff"
    entry = LedgerEntry.objects.get(chain=f"person:{officer.pk}", action="delivery.read")
    assert json.loads(entry.detail) == {"session": str(arrived.pk), "delivery": delivery.pk}


def test_a_conflicting_delivery_and_a_record_can_be_read_there_too(officer_client: Client) -> None:
    arrived = arrive("REVIEW")
    known = newest_delivery(arrived)
    wire.post(wire.payload("kyc_session_verified", event_id=known.event_id, session_id=arrived.pk))
    wire.post(wire.payload("kyc_state_updated", user_id=arrived.user_id))
    conflict, record = Delivery.objects.order_by("pk").exclude(pk=known.pk)

    assert [officer_client.get(address(arrived, row)).status_code for row in (conflict, record)] == [200, 200]


def test_another_sessions_delivery_is_not_found_there(officer_client: Client) -> None:
    arrived, other = arrive("REVIEW"), arrive("REVIEW")
    wire.post(wire.payload("kyc_state_updated"))
    stranger = Delivery.objects.latest("pk")

    assert officer_client.get(address(arrived, newest_delivery(other))).status_code == 404
    assert officer_client.get(address(arrived, stranger)).status_code == 404
    for unheard in ("999999", "9" * 30):
        assert officer_client.get(f"/sessions/{arrived.pk}/deliveries/{unheard}/").status_code == 404


def test_outsiders_and_visitors_read_no_bytes(client: Client, outsider_client: Client) -> None:
    arrived = arrive("REVIEW")
    url = address(arrived, newest_delivery(arrived))

    assert outsider_client.get(url).status_code == 403
    assert client.get(url).status_code == 302
    assert outsider_client.post(url).status_code == 405


def test_a_body_too_long_for_the_page_is_a_link(officer_client: Client) -> None:
    arrived = arrive("REVIEW", filler="x" * bodies.LONGEST_BODY)
    html = page(officer_client, arrived)

    assert "This payload is too long for the page." in html
    assert len(html) < bodies.LONGEST_BODY
    assert (
        officer_client.get(address(arrived, newest_delivery(arrived))).content.count(b"x")
        >= bodies.LONGEST_BODY
    )


def test_many_deliveries_come_in_pages(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_OF_DELIVERIES", 2)
    arrived = arrive("REVIEW", hours=9)
    for hours in (8, 7, 6):
        again(arrived, "REVIEW", hours=hours)
    oldest, older, newer, newest = (str(row.event_id) for row in arrived.deliveries.order_by("pk"))

    first = page(officer_client, arrived, "?from=sort%3Doldest")
    assert in_order(first.split('id="raw"')[1], newest, newer)
    assert oldest not in first
    before = arrived.deliveries.order_by("-pk")[1].pk
    assert f'href="?from=sort%3Doldest&amp;before={before}#raw"' in first

    second = page(officer_client, arrived, f"?before={before}")
    assert in_order(second.split('id="raw"')[1], older, oldest)
    assert newest not in second.split('id="raw"')[1]
    assert "Back to the newest" in second


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 30, "²"])
def test_a_page_that_is_none_is_the_first(officer_client: Client, before: str) -> None:
    arrived = arrive("REVIEW")

    assert str(newest_delivery(arrived).event_id) in page(officer_client, arrived, f"?before={before}")


def test_a_body_that_nests_deep_draws_a_page(officer_client: Client) -> None:
    deep = json.loads("[" * 150 + "7" + "]" * 150)
    session_id: UUID = uuid4()
    assert wire.post(wire.payload("kyc_session_failed", session_id=session_id, deep=deep)).status_code == 200

    assert "[[[[[7]]]]]" in page(officer_client, Session.objects.get(pk=session_id))
