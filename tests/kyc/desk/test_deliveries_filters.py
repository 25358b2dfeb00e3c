"""The filters of the deliveries: all in the address, OR within a kind, AND across kinds, each with a link that takes it off."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from django.test import Client
from django.utils import timezone

from kyc.desk import deliveries_search
from kyc.models import Delivery
from kyc.ralio.signature import fingerprint
from tests.factories import DeliveryFactory, RefusedRequestFactory
from tests.kyc.desk.arrivals import arrive
from tests.kyc.desk.parcels import broken, failed, html, mended, post, refused, shown

pytestmark = pytest.mark.django_db


def aged(row: Delivery, **ago: float) -> Delivery:
    row.received_at = timezone.now() - timedelta(**ago)
    row.save()
    return row


def test_each_status_is_a_view(supervisor_client: Client) -> None:
    made = {
        "applied": post(),
        "recorded": post("kyc_state_updated"),
        "ignored": post("payin_completed"),
        "quarantined": broken(),
        "failed": failed(),
    }

    assert {status: shown(supervisor_client, f"status={status}") for status in made} == {
        status: [row.pk] for status, row in made.items()
    }


def test_causes_are_those_of_the_view(supervisor_client: Client) -> None:
    unreadable, invalid = broken(b"no JSON"), broken()
    first = post()
    conflict = post(event_id=first.event_id)
    unsigned = RefusedRequestFactory(cause="signature_missing")
    refused()

    assert shown(supervisor_client, "cause=not_json") == [unreadable.pk]
    assert shown(supervisor_client, "status=quarantined&cause=invalid&cause=id_conflict") == [
        conflict.pk,
        invalid.pk,
    ]
    assert shown(supervisor_client, "status=applied&cause=invalid") == []
    assert shown(supervisor_client, "status=refused&cause=signature_missing") == [unsigned.pk]


def test_event_names_are_chosen_from_those_that_came(supervisor_client: Client) -> None:
    one, other = post(), post("kyc_state_updated")
    long = DeliveryFactory(event_name="kyc_" + "x" * 100)
    page = html(supervisor_client, "/deliveries/")

    assert all(f'name="event" value="{row.event_name}"' in page for row in (one, other, long))
    assert shown(supervisor_client, f"event={one.event_name}") == [one.pk]
    assert shown(supervisor_client, f"event={long.event_name}") == [long.pk]
    assert shown(supervisor_client, f"event={long.event_name[:60]}") == []
    assert shown(supervisor_client, f"event={one.event_name}&event={other.event_name}") == [other.pk, one.pk]


def test_days_are_those_of_receipt(supervisor_client: Client) -> None:
    old, older = aged(post(), days=10), aged(post(), days=20)
    day = timezone.localdate(old.received_at).isoformat()

    assert shown(supervisor_client, f"from={day}&to={day}") == [old.pk]
    assert shown(supervisor_client, f"to={day}") == [old.pk, older.pk]
    assert shown(supervisor_client, f"from={day}&status=failed") == []


def test_days_order_by_time_of_receipt(supervisor_client: Client) -> None:
    """A refused request that is taken later counts as received when it came."""
    newer = post()
    late = aged(post(), days=3)

    assert shown(supervisor_client, "from=2020-01-01") == [newer.pk, late.pk]


def test_the_secret_that_signed_it_is_a_filter(supervisor_client: Client, settings: object) -> None:
    settings.RALIO_WEBHOOK_SECRETS = ["one", "two"]  # type: ignore[attr-defined]
    first = post()
    mark = fingerprint("one")

    assert first.signed_with == mark
    assert shown(supervisor_client, f"secret={mark}") == [first.pk]
    assert shown(supervisor_client, f"secret={fingerprint('two')}") == []


def test_a_set_filter_shows_its_value_and_a_link_that_takes_it_off(supervisor_client: Client) -> None:
    broken()
    page = html(supervisor_client, "/deliveries/?status=quarantined&cause=invalid&from=2020-01-01")

    assert 'Cause: <b class="chipbtn__value">Invalid</b>' in page
    assert 'Received: <b class="chipbtn__value">since 1 Jan 2020</b>' in page
    assert 'href="?status=quarantined&amp;from=2020-01-01" aria-label="Remove filter Cause"' in page
    assert 'href="?status=quarantined&amp;cause=invalid" aria-label="Remove filter Received"' in page


@pytest.mark.parametrize(
    "query",
    [
        "status=nothing",
        "cause=x",
        "secret=nonsense",
        "secret=%00",
        "from=yesterday&to=0001-01-01",
        "event=",
        "after=x",
    ],
)
def test_what_an_address_says_wrongly_counts_as_not_said(supervisor_client: Client, query: str) -> None:
    row = post()

    assert shown(supervisor_client, query) == [row.pk]


def test_the_search_finds_an_event_a_session_and_a_subject(supervisor_client: Client) -> None:
    session = arrive("REVIEW")
    row = session.deliveries.get()
    record = post("kyc_state_updated", user_id=session.user_id)
    post()

    for text in (
        str(row.event_id),
        str(session.pk),
        str(session.pk)[:8],
        str(row.event_id).replace("-", "")[:12],
    ):
        assert shown(supervisor_client, f"q={text}") == [row.pk], text
    assert shown(supervisor_client, f"q={session.user_id}") == [record.pk, row.pk]


def test_the_search_finds_what_is_quarantined_by_id_and_digest(supervisor_client: Client) -> None:
    unreadable, parked = broken(b"\xff no text"), mended()
    Delivery.objects.filter(pk=parked.pk).update(event_id="deadbeef-0000-4000-8000-000000000001")
    conflict = post(event_id=post().event_id)

    assert shown(supervisor_client, f"q={sha256(b'\xff no text').hexdigest()}") == [unreadable.pk]
    assert shown(supervisor_client, f"q={unreadable.sha256[:10].upper()}") == [unreadable.pk]
    assert shown(supervisor_client, "q=deadbeef-0000") == [parked.pk]
    assert shown(supervisor_client, f"status=quarantined&q={conflict.event_id}") == [conflict.pk]


def test_a_conflict_is_found_however_many_unreadable_ones_came_after_it(
    supervisor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries_search, "MOST_UNREADABLE", 1)
    conflict = post(event_id=post().event_id)
    broken()

    assert shown(supervisor_client, f"status=quarantined&q={conflict.event_id}") == [conflict.pk]


def test_a_refused_request_is_found_by_its_digest(supervisor_client: Client) -> None:
    row = refused()
    refused()

    assert shown(supervisor_client, f"status=refused&q={row.sha256[:9]}") == [row.pk]


@pytest.mark.parametrize("text", ["a b", "'", "%00", "1234567", "é" * 300, "kyc_session_failed"])
def test_a_search_that_means_nothing_says_so(supervisor_client: Client, text: str) -> None:
    post()

    assert "This is no ID and no digest" in html(supervisor_client, f"/deliveries/?q={text}")
