"""Sensitive acts ask again who is there when that was said more than ten minutes ago, and go on with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session as SignIn
from django.test import Client

from kyc import folding
from kyc.choices import DecisionStatus
from kyc.desk import waiting
from kyc.models import Decision, LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory
from tests.kyc import scene
from tests.kyc.desk.appliances import code, with_app
from tests.kyc.desk.panels import WORDS
from tests.kyc.desk.test_second_factor import acts
from tests.kyc.review.acting import rejected

Stale = Callable[[User], Client]
ASKS = "/account/confirm/?w="


@pytest.fixture
def proposal(settings: Any) -> Decision:
    settings.KYC_FOUR_EYES = "all"
    return rejected(scene.in_review(), UserFactory(username="maker", role="officer"))


def address(decision: Decision, act: str = "confirm") -> str:
    return f"/sessions/{decision.session_id}/decisions/{decision.pk}/{act}/"


def seen(decision: Decision) -> dict[str, str]:
    session = Session.objects.get(pk=decision.session_id)
    return {"version": str(session.version), "basis": str(folding.basis(session)), "answer": WORDS}


def test_the_checker_is_asked_and_what_was_typed_goes_on(
    supervisor: User, stale_client: Stale, proposal: Decision
) -> None:
    with_app(supervisor)
    client = stale_client(supervisor)
    asks = client.post(address(proposal), seen(proposal))
    proposal.refresh_from_db()
    assert asks.url.startswith(ASKS)
    assert proposal.status == DecisionStatus.PROPOSED
    assert "with all that you typed" in client.get(asks.url).content.decode()
    answer = client.post(asks.url, {"code": code()})
    proposal.refresh_from_db()

    assert answer.url.startswith(f"/sessions/{proposal.session_id}/")
    assert (proposal.status, proposal.checker) == (DecisionStatus.CONFIRMED, supervisor)
    assert ("person.confirmed", {"method": "totp"}) in acts(supervisor)
    assert client.post(asks.url, {"code": code(1)}).url == "/queue/"


@pytest.mark.parametrize(("minutes", "is_asked"), [(9.5, False), (10.5, True)])
def test_ten_minutes_are_the_limit(
    supervisor: User, proposal: Decision, minutes: float, is_asked: bool
) -> None:
    client = signed_in(supervisor, minutes_ago=minutes)

    assert client.post(address(proposal), seen(proposal)).url.startswith(ASKS) == is_asked


def test_a_password_is_not_enough_for_who_has_a_factor(supervisor: User, proposal: Decision) -> None:
    with_app(supervisor)
    client = signed_in(supervisor, method="password")
    asks = client.post(address(proposal), seen(proposal)).url

    assert asks.startswith(ASKS)
    assert "Password" not in client.get(asks).content.decode()
    assert client.post(asks, {"password": PASSWORD}).status_code == 200
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.PROPOSED


def test_who_has_no_factor_gives_the_password(supervisor: User, proposal: Decision) -> None:
    client = signed_in(supervisor, method="password", minutes_ago=11)
    asks = client.post(address(proposal), seen(proposal)).url
    wrong = client.post(asks, {"password": "hunter2"})
    assert wrong.status_code == 422
    client.post(asks, {"password": PASSWORD})
    proposal.refresh_from_db()

    assert proposal.status == DecisionStatus.CONFIRMED


def test_htmx_is_told_to_leave_and_the_act_goes_on_as_a_plain_form(
    supervisor: User, stale_client: Stale, proposal: Decision
) -> None:
    client = stale_client(supervisor)
    asks = client.post(address(proposal), seen(proposal), headers={"HX-Request": "true"})

    assert (asks.status_code, asks.content) == (401, b"")
    assert client.post(asks["HX-Redirect"], {"password": PASSWORD}).status_code == 303
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.CONFIRMED


EXPORTS = [("get", "/rejected/export/?reason=A"), ("get", "/queue/portal/export/"), ("post", "/queue/bulk/")]


@pytest.mark.parametrize(("method", "url"), EXPORTS)
def test_an_export_waits_and_is_offered_afterwards(
    supervisor: User, stale_client: Stale, method: str, url: str
) -> None:
    session = scene.in_review()
    client = stale_client(supervisor)
    form = {"act": "export", "s": str(session.pk), "from": ""} if method == "post" else None
    came_from = {"Referer": "http://testserver/rejected/?reason=A"}
    asks = getattr(client, method)(url, form, headers=came_from).url
    page = client.post(asks, {"password": PASSWORD}).content.decode()

    assert asks.startswith(ASKS)
    assert "Your file is ready." in page
    assert 'href="/rejected/?reason=A"' in page
    assert "csrfmiddlewaretoken" not in page if method == "get" else f'value="{session.pk}"' in page
    assert not LedgerEntry.objects.filter(action__endswith=".exported").exists()
    assert getattr(client, method)(url, form).headers["Content-Type"].startswith("text/csv")


def test_other_bulk_acts_do_not_ask(officer: User, stale_client: Stale) -> None:
    session = scene.in_review()
    answer = stale_client(officer).post("/queue/bulk/", {"act": "claim", "s": str(session.pk)})

    assert answer.status_code == 200
    session.refresh_from_db()
    assert session.assignee == officer


def test_what_waits_is_encrypted_and_two_windows_stay_apart(
    supervisor: User, stale_client: Stale, proposal: Decision
) -> None:
    client = stale_client(supervisor)
    confirms = client.post(address(proposal), seen(proposal)).url
    exports = client.get("/rejected/export/").url
    kept = [row.get_decoded() for row in SignIn.objects.all()]

    assert WORDS not in str(kept)
    assert "Your file is ready." in client.post(exports, {"password": PASSWORD}).content.decode()
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.PROPOSED
    assert client.post(confirms, {"password": PASSWORD}).status_code == 303
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.CONFIRMED


def test_it_does_not_wait_for_ever(
    supervisor: User, stale_client: Stale, proposal: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = stale_client(supervisor)
    asks = client.post(address(proposal), seen(proposal)).url
    monkeypatch.setattr(waiting, "SECONDS", -1)

    assert client.post(asks, {"password": PASSWORD}).url == "/queue/"
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.PROPOSED


def test_nobody_else_goes_on_with_it(supervisor: User, stale_client: Stale, proposal: Decision) -> None:
    asks = stale_client(supervisor).post(address(proposal), seen(proposal)).url
    other = stale_client(UserFactory(username="second", role="supervisor"))

    assert other.post(asks, {"password": PASSWORD}).url == "/queue/"
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.PROPOSED


@pytest.mark.parametrize(
    "referer", ["https://evil.example/x", "http://testserver//evil.example", "", "javascript:1"]
)
def test_the_way_back_is_a_page_of_the_desk(supervisor: User, stale_client: Stale, referer: str) -> None:
    client = stale_client(supervisor)
    asks = client.get("/rejected/export/", headers={"Referer": referer}).url
    page = client.post(asks, {"password": PASSWORD}).content.decode()

    assert "Back to where I was" in page
    assert 'href="//' not in page
    assert 'href="https:' not in page
    assert 'href="javascript:' not in page


def test_ten_attempts_a_minute_are_enough_for_a_person(supervisor: User, stale_client: Stale) -> None:
    client = stale_client(supervisor)
    asks = client.get("/rejected/export/").url
    answers = [client.post(asks, {"code": "1"}).status_code for _ in range(11)]

    assert answers == [200] * 10 + [429]


def test_a_visitor_is_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/account/confirm/").url == "/account/login/?next=/account/confirm/"
    assert client.get("/account/confirm/done/").url == "/account/login/?next=/account/confirm/done/"
