"""Where a second factor is required, who has none sets one up before anything else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from kyc.desk.gate import OPEN
from kyc.models import User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.desk.appliances import code, with_app
from tests.kyc.desk.test_second_factor import enter_password
from tests.kyc.desk.test_security_page import APP, CODES, PAGE, set_up_app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.KYC_MFA_REQUIRED = True


@pytest.mark.parametrize(
    "url", ["/", "/queue/", "/rejected/export/", "/admin/", "/account/password/", "/notifications/"]
)
@pytest.mark.parametrize("role", ["officer", "supervisor", "auditor", "admin"])
def test_it_comes_before_every_page(role: str, url: str) -> None:
    client = signed_in(UserFactory(role=role), method="password")

    assert client.get(url).url == PAGE


def test_it_comes_before_every_act() -> None:
    session = scene.in_review()
    client = signed_in(UserFactory(role="officer"), method="password")

    assert client.post(f"/sessions/{session.pk}/claim/").url == PAGE
    session.refresh_from_db()
    assert session.assignee is None


def test_htmx_is_told_to_leave() -> None:
    client = signed_in(UserFactory(role="officer"), method="password")
    answer = client.get("/queue/rows/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (401, PAGE)


def test_set_up_leads_on_to_where_one_was_going(client: Client, officer: User, monkeypatch: Any) -> None:
    assert enter_password(client, next="/rejected/?reason=A") == "/rejected/?reason=A"
    assert client.get("/rejected/?reason=A").url == PAGE
    page = client.get(PAGE).content.decode()
    assert "Set up a second factor to go on." in page
    assert 'href="/queue/"' not in page
    assert set_up_app(client, monkeypatch).url == CODES

    assert 'href="/rejected/?reason=A"' in client.get(CODES).content.decode()
    assert client.get("/rejected/?reason=A").status_code == 200


def test_who_has_one_and_has_not_given_it_gives_it(officer: User) -> None:
    with_app(officer)
    client = signed_in(officer, method="password")
    asks = client.get("/rejected/").url

    assert asks.startswith("/account/confirm/?w=")
    assert client.get(APP).url.startswith("/account/confirm/?w=")
    assert client.post(asks, {"code": code()}).url == "/rejected/"
    assert client.get("/rejected/").status_code == 200


def test_it_waits_until_it_is_given_and_not_only_ten_minutes(officer: User) -> None:
    with_app(officer)

    assert signed_in(officer, minutes_ago=120).get("/queue/").status_code == 200


def test_it_costs_no_query(officer: User, settings: Any) -> None:
    client, counts = signed_in(officer), set()
    client.get("/account/logout/")
    for is_required in (True, False):
        settings.KYC_MFA_REQUIRED = is_required
        with CaptureQueriesContext(connection) as asked:
            client.get("/account/password/")
        counts.add(len(asked))

    assert len(counts) == 1


def test_an_identity_provider_s_factor_counts_where_it_is_trusted(officer: User, settings: Any) -> None:
    client = signed_in(officer, method="socialaccount")
    settings.OIDC_TRUSTS_MFA = False
    assert client.get("/queue/").url == PAGE
    settings.OIDC_TRUSTS_MFA = True

    assert client.get("/queue/").status_code == 200


def test_ralio_strangers_and_who_has_no_role_are_asked_nothing(client: Client, outsider: User) -> None:
    assert client.post("/webhooks/ralio", b"{}", content_type="application/json").status_code == 401
    assert client.get("/health/live").status_code == 200
    assert client.get("/account/login/").status_code == 200
    assert signed_in(outsider, method="password").get("/queue/").status_code == 403


def test_what_stays_open_are_addresses_that_there_are() -> None:
    assert set(get_resolver().reverse_dict) >= OPEN
