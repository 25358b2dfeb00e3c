"""Who may see deliveries, who may replay them, and where the desk leads to them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kyc.models import Delivery
from tests.kyc.desk.arrivals import arrive, newest_delivery, page
from tests.kyc.desk.parcels import html, mended, refused

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["deliveries", "deliveries-new", "deliveries-health", "delivery", "delivery-raw",
                        "refused-request", "refused-request-raw"])  # fmt: skip
def address(request: pytest.FixtureRequest) -> str:
    rows = {
        "delivery": mended,
        "delivery-raw": mended,
        "refused-request": refused,
        "refused-request-raw": refused,
    }
    made = rows[request.param]() if request.param in rows else None
    return reverse(request.param, args=[made.pk] if made else [])


def test_supervisors_auditors_and_admins_read(
    supervisor_client: Client, auditor_client: Client, admin_client: Client, address: str
) -> None:
    if address.endswith("/raw/"):
        for client in (auditor_client, admin_client):
            assert client.get(address).status_code == 403
            client.post(address.replace("/raw/", "/unmask/"), {"reason": "Yearly audit."})
    answers = [
        client.get(address).status_code for client in (supervisor_client, auditor_client, admin_client)
    ]

    assert set(answers) <= {200, 204}


def test_officers_and_outsiders_do_not(
    officer_client: Client, outsider_client: Client, client: Client, address: str
) -> None:
    assert [one.get(address).status_code for one in (officer_client, outsider_client)] == [403, 403]
    assert client.get(address).url.startswith("/account/login/")


def test_pages_are_only_read(supervisor_client: Client, address: str) -> None:
    assert supervisor_client.post(address).status_code == 405


@pytest.mark.parametrize("name", ["delivery", "delivery-raw", "refused-request", "refused-request-raw"])
def test_what_is_not_there_is_missing(supervisor_client: Client, name: str) -> None:
    assert supervisor_client.get(reverse(name, args=[999_999])).status_code == 404
    assert supervisor_client.get(f"/deliveries/{'9' * 40}/").status_code == 404


def test_an_auditor_sees_no_way_to_replay_and_has_none(
    auditor_client: Client, supervisor_client: Client
) -> None:
    row = mended()
    replay = reverse("deliveries-replay")
    places = [f"/deliveries/{row.pk}/", "/deliveries/?status=quarantined"]

    assert all(replay in html(supervisor_client, place) for place in places)
    assert not any(replay in html(auditor_client, place) for place in places)
    assert auditor_client.get(f"{replay}?delivery={row.pk}").status_code == 403
    assert auditor_client.post(replay, {"delivery": row.pk}).status_code == 403
    assert Delivery.objects.get().status == "quarantined"


def test_a_replay_without_the_form_s_token_is_refused(supervisor: object) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(supervisor)
    row = mended()

    assert strict.post(reverse("deliveries-replay"), {"delivery": row.pk}).status_code == 403
    assert Delivery.objects.get().status == "quarantined"


def test_the_frame_leads_there_for_those_who_may(officer_client: Client, supervisor_client: Client) -> None:
    assert 'href="/deliveries/" data-key="g d"' in html(supervisor_client, "/queue/")
    assert "Go to deliveries" in html(supervisor_client, "/queue/")
    assert "/deliveries/" not in html(officer_client, "/queue/")


def test_the_session_page_leads_there_for_those_who_may(
    officer_client: Client, supervisor_client: Client
) -> None:
    session = arrive("REVIEW")
    link = f'href="/deliveries/{newest_delivery(session).pk}/"'

    assert page(supervisor_client, session).count(link) == 2
    assert link not in page(officer_client, session)
