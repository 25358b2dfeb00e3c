"""Somebody who was here before the identity provider was: named by an admin, they come from there to their account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session as Kept
from django.test import Client

from kyc import ledger, people
from kyc.desk import identities
from kyc.desk.provider_claims import Claims
from kyc.models import User
from tests import oidc
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.kyc.desk.appliances import with_app
from tests.kyc.desk.test_provider import acts
from tests.kyc.desk.test_second_factor import LOGIN, STEP
from tests.oidc import Provider, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def company(provider: Provider, settings: Any) -> None:
    oidc.trust(settings, provider)
    provider.knows("sub-7", "kyc-officers", preferred_username="somebody")


@pytest.fixture
def named(officer: User, admin: User) -> User:
    identities.name(officer, "sub-7", by=admin)
    return officer


def test_they_come_to_their_own_account_and_from_then_on_only_from_there(
    client: Client, provider: Provider, named: User
) -> None:
    by_password = signed_in(named)
    assert sign_in(client, provider, "sub-7").url == "/queue/"

    assert client.session["_auth_user_id"] == str(named.pk)
    assert not User.objects.filter(username="somebody").exists()
    assert by_password.get("/queue/").status_code == 302
    assert Client().post(LOGIN, {"login": "officer", "password": PASSWORD}).status_code == 200
    assert "person.password_removed" in [act for act, _ in acts(ledger.SYSTEM)]
    assert client.get("/account/password/").url == "/account/security/"


def test_their_second_factor_is_still_asked_and_no_token_waits_for_it(
    client: Client, provider: Provider, named: User
) -> None:
    with_app(named)
    assert sign_in(client, provider, "sub-7").url == STEP

    waiting = [kept.get_decoded().get("account_login") for kept in Kept.objects.all()]
    assert [login for login in waiting if login]
    assert not any("token" in login["signal_kwargs"]["sociallogin"] for login in waiting if login)


def test_until_they_come_from_there_the_password_stays(named: User) -> None:
    assert Client().post(LOGIN, {"login": "officer", "password": PASSWORD}).url == "/queue/"


def test_who_is_refused_keeps_it_too(client: Client, provider: Provider, named: User) -> None:
    provider.knows("sub-7", "staff")
    assert sign_in(client, provider, "sub-7").status_code == 403
    assert User.objects.get(pk=named.pk).has_usable_password()
    assert people.roles(named) == []


def test_an_identifier_of_another_issuer_opens_nothing(
    client: Client, provider: Provider, named: User, admin: User
) -> None:
    SocialAccount.objects.update(extra_data={"issuer": "https://before.example"})
    refused = sign_in(client, provider, "sub-7")

    assert refused.status_code == 403
    assert "Your account belongs to another provider" in refused.content.decode()
    assert acts(ledger.person_chain(named))[-1][1] == '{"because":"another_issuer"}'
    assert identities.of(named) == ""
    identities.name(admin, "sub-7", by=admin)
    assert SocialAccount.objects.get().user == admin


@pytest.mark.parametrize(
    ("trusts", "amr", "status"),
    [(True, ["pwd"], 403), (True, ["pwd", "mfa"], 302), (True, [], 302), (False, ["pwd"], 302)],
)
def test_a_password_alone_there_is_no_second_factor_here(
    client: Client, provider: Provider, settings: Any, monkeypatch: Any, trusts: bool, amr: Any, status: int
) -> None:
    settings.OIDC_TRUSTS_MFA = trusts
    read = Claims.read
    monkeypatch.setattr(
        Claims, "read", lambda data: read({**data, "id_token": {**data["id_token"], "amr": amr}})
    )
    answer = sign_in(client, provider, "sub-7")

    assert answer.status_code == status
    assert ('{"because":"one_factor"}' in dict(acts(ledger.SYSTEM)).values()) == (status == 403)


def test_a_provider_that_does_not_say_when_it_asked_confirms_nothing(
    client: Client, provider: Provider, monkeypatch: Any
) -> None:
    sign_in(client, provider, "sub-7")
    read = Claims.read
    monkeypatch.setattr(Claims, "read", lambda data: replace(read(data), asked_at=None))
    refused = sign_in(client, provider, "sub-7", "?process=redirect&next=/rejected/")

    assert refused.status_code == 403
    assert "did not say that it has just asked who is there" in refused.content.decode()


def test_nor_does_one_that_says_it_was_a_password_alone(
    client: Client, provider: Provider, named: User, settings: Any, monkeypatch: Any
) -> None:
    settings.OIDC_TRUSTS_MFA = True
    sign_in(client, provider, "sub-7")
    read = Claims.read
    monkeypatch.setattr(Claims, "read", lambda data: replace(read(data), by_password_alone=True))
    refused = sign_in(client, provider, "sub-7", "?process=redirect&next=/rejected/")

    assert refused.status_code == 403 and "A password alone is not enough" in refused.content.decode()
    assert acts(ledger.person_chain(named))[-1] == ("person.factor_failed", '{"type":"socialaccount"}')
