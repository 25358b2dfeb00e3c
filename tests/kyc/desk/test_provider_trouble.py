"""The identity provider's word that is none: stopped, forged, late, of another person, or no answer at all."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from kyc.desk.provider_claims import Claims
from kyc.models import User
from tests import oidc
from tests.oidc import BEGIN, Provider, sign_in

pytestmark = pytest.mark.django_db

AGAIN = "?process=redirect&next=/rejected/"


@pytest.fixture(autouse=True)
def company(provider: Provider, settings: Any) -> None:
    oidc.trust(settings, provider)
    provider.knows("anna", "kyc-officers")
    provider.knows("bert", "kyc-officers")


def begin(client: Client, query: str = "", **form: str) -> Any:
    return client.post(f"{BEGIN}{query}", form)


def came_back(client: Client, back: str) -> tuple[int, str]:
    answer = client.get(back.removeprefix("http://testserver"))
    return answer.status_code, answer.content.decode()


def test_it_begins_with_a_form_and_proves_that_the_same_browser_comes_back(client: Client) -> None:
    assert client.get(BEGIN).status_code == 405
    asked = parse_qs(urlsplit(begin(client).url).query)

    assert asked["redirect_uri"] == ["http://testserver/account/oidc/company/callback/"]
    assert asked["code_challenge_method"] == ["S256"] and asked["state"]


@pytest.mark.parametrize(
    "query", ["?auth_params=redirect_uri%3Dhttps://evil.example/", "?scope=admin", "?process=connect"]
)
def test_nothing_else_is_passed_on(client: Client, query: str) -> None:
    assert begin(client, query).status_code == 400
    assert begin(client, query, process="login", auth_params="prompt=login").status_code == 400
    assert begin(client, process="connect").status_code == 400


@pytest.mark.parametrize("form", [{}, {"process": "login"}, {"process": "redirect"}])
def test_to_confirm_the_provider_is_told_to_ask_whatever_was_posted(
    client: Client, form: dict[str, str]
) -> None:
    asked = parse_qs(urlsplit(begin(client, AGAIN, **form).url).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert "prompt" not in parse_qs(urlsplit(begin(client).url).query)


def test_a_sign_in_that_another_browser_began_does_not_count(client: Client, provider: Provider) -> None:
    """Else somebody could make another person work under the wrong name."""
    back = provider.answer(begin(Client()).url, "anna")
    status, text = came_back(client, f"{back}&_redir=")

    assert status == 400 and "does not belong to a sign-in that this browser began" in text
    assert "_auth_user_id" not in client.session


def test_nor_does_the_same_answer_twice(client: Client, provider: Provider) -> None:
    back = provider.answer(begin(client).url, "anna")
    assert came_back(client, back)[0] == 302
    client.post("/account/logout/")
    assert came_back(client, f"{back}&_redir=")[0] == 400


def test_a_sign_in_stopped_there_is_said_to_be(client: Client, provider: Provider) -> None:
    status, text = came_back(client, provider.answer(begin(client).url, "anna", action="deny"))
    assert status == 403 and "was stopped. You can begin again." in text


def test_a_provider_that_does_not_answer_is_said_not_to(client: Client, settings: Any, caplog: Any) -> None:
    oidc.trust(settings, Provider("http://localhost:1"))
    with caplog.at_level(logging.DEBUG):
        answer = begin(client)
    assert answer.status_code == 503 and "Acme does not answer" in answer.content.decode()
    assert "s3cret" not in caplog.text


def test_without_a_provider_there_is_no_door_and_no_button(client: Client, settings: Any) -> None:
    assert "Sign in with Acme" in client.get("/account/login/").content.decode()
    settings.OIDC_ISSUER = ""
    assert begin(client).status_code == 404
    assert client.get("/account/oidc/company/callback/?code=x").url == "/account/login/"
    assert "Sign in with" not in client.get("/account/login/").content.decode().replace("with a passkey", "")


def test_only_the_sign_in_page_s_forms_lead_there(
    client: Client, officer_client: Client, settings: Any
) -> None:
    settings.OIDC_ORIGINS = ["https://adfs.acme.example"]
    policy = client.get("/account/login/")["Content-Security-Policy"]

    assert f"form-action 'self' {settings.OIDC_ISSUER} https://adfs.acme.example;" in policy
    assert "form-action 'self';" in officer_client.get("/queue/")["Content-Security-Policy"]
    assert policy.count(settings.OIDC_ISSUER) == 1


def test_the_provider_confirms_who_is_there(client: Client, provider: Provider) -> None:
    sign_in(client, provider, "anna")
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = []
    session.save()
    assert sign_in(client, provider, "anna", AGAIN).url == "/rejected/"

    (record,) = client.session[AUTHENTICATION_METHODS_SESSION_KEY]
    assert record["method"] == "socialaccount" and time.time() - record["at"] < 60


def test_another_person_there_confirms_nothing(client: Client, provider: Provider) -> None:
    sign_in(client, provider, "anna")
    refused: Any = sign_in(client, provider, "bert", AGAIN)

    assert refused.status_code == 403 and "That was another account" in refused.content.decode()
    assert User.objects.get(pk=client.session["_auth_user_id"]).username == "anna"
    assert sign_in(Client(), provider, "anna", AGAIN).status_code == 403


@pytest.mark.parametrize(
    "data",
    [
        {"id_token": {"sub": "a", "iss": "ISSUER"}, "userinfo": {"sub": "b", "groups": ["kyc-admins"]}},
        {"id_token": {"sub": "a", "iss": "https://evil.example"}, "userinfo": {"sub": "a"}},
        {"userinfo": {}},
    ],
)
def test_claims_of_two_people_of_another_issuer_or_of_nobody_are_refused(
    data: dict[str, Any], settings: Any
) -> None:
    if "id_token" in data and data["id_token"]["iss"] == "ISSUER":
        data["id_token"]["iss"] = settings.OIDC_ISSUER
    with pytest.raises(Exception, match="two people|another issuer|names nobody"):
        Claims.read(data)


@pytest.mark.parametrize("groups", [None, 7, {"kyc-admins": True}, [["kyc-admins"]], "kyc-admins,x", ""])
def test_groups_of_another_shape_stand_for_nothing(groups: Any) -> None:
    assert Claims.read({"userinfo": {"sub": "a", "groups": groups}}).roles == frozenset()
    assert Claims.read({"userinfo": {"sub": "a", "groups": "kyc-admins"}}).roles == {"admin"}
