"""The notice of new deliveries: one query, nothing written, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from kyc.models import LedgerEntry
from tests.kyc.desk.parcels import broken, html, post, refused

pytestmark = pytest.mark.django_db


def address(client: Client, query: str = "") -> str:
    """Return the address that the page polls."""
    page = html(client, f"/deliveries/?{query}")
    return re.search(r'hx-get="(/deliveries/new/[^"]+)"', page)[1].replace("&amp;", "&")  # type: ignore[index]


def test_it_counts_what_came_since_the_page_was_made(supervisor_client: Client) -> None:
    post()
    poll = address(supervisor_client)
    assert supervisor_client.get(poll).status_code == 204
    post()
    assert "1 new delivery. Show it" in html(supervisor_client, poll)
    post()
    assert "2 new deliveries. Show them" in html(supervisor_client, poll)

    assert supervisor_client.get(address(supervisor_client)).status_code == 204


def test_it_counts_within_the_filters_and_leads_to_them(supervisor_client: Client) -> None:
    poll = address(supervisor_client, "status=quarantined&cause=invalid")
    post(), broken(), broken(b"no JSON")
    notice = html(supervisor_client, poll)

    assert "1 new delivery. Show it" in notice
    assert 'href="/deliveries/?status=quarantined&amp;cause=invalid"' in notice


def test_refused_requests_are_counted_apart(supervisor_client: Client) -> None:
    poll, all_of_them = address(supervisor_client, "status=refused"), address(supervisor_client)
    refused(), refused()

    assert "2 new requests. Show them" in html(supervisor_client, poll)
    assert supervisor_client.get(all_of_them).status_code == 204


def test_it_does_not_repeat_itself_and_takes_back_what_no_longer_holds(supervisor_client: Client) -> None:
    poll = address(supervisor_client)
    assert html(supervisor_client, f"{poll}&shown=1").strip() == ""
    post()

    assert supervisor_client.get(f"{poll}&shown=1").status_code == 204
    assert supervisor_client.get(f"{poll}&shown=2").status_code == 200


def test_it_costs_one_query_besides_the_sign_in_and_writes_nothing(
    supervisor_client: Client, queries: Callable
) -> None:
    poll = address(supervisor_client)
    post()
    n_entries = LedgerEntry.objects.count()
    with queries(3):  # the sign-in's session and person, one for the count
        supervisor_client.get(poll)

    assert LedgerEntry.objects.count() == n_entries


@pytest.mark.parametrize("newest", ["", "x", "-1", "9" * 30, "²"])
def test_a_wrong_place_says_nothing(supervisor_client: Client, newest: str) -> None:
    post()

    assert supervisor_client.get("/deliveries/new/", {"newest": newest}).status_code == 204
