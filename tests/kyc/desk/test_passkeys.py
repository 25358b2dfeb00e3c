"""Passkeys: as the second step, in place of the password, and what is not one of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.kyc.desk.appliances import Passkey, options_of
from tests.kyc.desk.test_second_factor import LOGIN, STEP, acts
from tests.kyc.desk.test_security_page import HTTPS, add_passkey

ALONE = "/account/login/passkey/"


@pytest.fixture
def passkey(officer: User) -> Passkey:
    made = Passkey()
    assert add_passkey(signed_in(officer), made, passwordless="on").url == "/account/security/codes/"
    return made


def asked(client: Client) -> dict[str, Any]:
    return client.get(ALONE, HTTP_ACCEPT="application/json", **HTTPS).json()["request_options"]


def sign_in_alone(client: Client, passkey: Passkey, **more: str) -> Any:
    return client.post(ALONE, {"credential": passkey.answer(asked(client)), **more}, **HTTPS)


def enter_password(client: Client, person: User) -> str:
    return client.post(LOGIN, {"login": person.username, "password": PASSWORD}, **HTTPS).url


def test_it_is_the_second_step(client: Client, officer: User, passkey: Passkey) -> None:
    assert enter_password(client, officer) == STEP
    options = options_of(client.get(STEP, **HTTPS).content.decode())

    assert client.post(STEP, {"credential": passkey.answer(options)}, **HTTPS).url == "/queue/"
    assert acts(officer)[-1] == ("person.signed_in", {"methods": ["password", "webauthn"]})


def test_it_signs_in_alone(client: Client, officer: User, passkey: Passkey) -> None:
    assert sign_in_alone(client, passkey, next="/rejected/").url == "/rejected/"

    assert client.get("/queue/", **HTTPS).status_code == 200
    assert acts(officer)[-1] == ("person.signed_in", {"methods": ["webauthn"]})


def test_an_answer_counts_once(client: Client, passkey: Passkey) -> None:
    answer = passkey.answer(asked(client))
    client.post(ALONE, {"credential": answer}, **HTTPS)
    other = Client()

    assert other.post(ALONE, {"credential": answer}, **HTTPS).url == LOGIN
    assert other.get("/queue/", **HTTPS).status_code == 302


def test_a_stranger_s_key_does_not_answer_for_it(client: Client, officer: User, passkey: Passkey) -> None:
    forged = Passkey(id=passkey.id, user=passkey.user)
    assert sign_in_alone(client, forged).url == LOGIN
    enter_password(client, officer)
    options = options_of(client.get(STEP, **HTTPS).content.decode())
    answer = client.post(STEP, {"credential": forged.answer(options)}, **HTTPS)

    assert answer.status_code == 422
    assert "That passkey was not accepted." in answer.content.decode()
    assert acts(officer)[-1] == ("person.factor_failed", {"type": "webauthn"})


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "null", '"x"', '{"response": {"userHandle": 3}}', "[" * 5000]
)
def test_nonsense_is_refused(client: Client, passkey: Passkey, credential: str) -> None:
    asked(client)
    assert client.post(ALONE, {"credential": credential}, **HTTPS).url == LOGIN


def test_a_closed_account_s_passkey_opens_nothing(client: Client, officer: User, passkey: Passkey) -> None:
    User.objects.filter(pk=officer.pk).update(is_active=False)

    assert sign_in_alone(client, passkey).url == LOGIN
    assert client.get("/queue/", **HTTPS).status_code == 302


def test_who_signs_in_through_the_company_does_so_always(
    client: Client, officer: User, passkey: Passkey
) -> None:
    officer.set_unusable_password()
    officer.save()

    assert sign_in_alone(client, passkey).url == LOGIN


def test_it_confirms_that_it_is_you(officer: User, passkey: Passkey, stale_client: Any) -> None:
    client = stale_client(officer)
    address = client.get("/account/security/codes/new/", **HTTPS).url
    options = options_of(client.get(address, **HTTPS).content.decode())

    assert client.post(address, {"credential": passkey.answer(options)}, **HTTPS).url == (
        "/account/security/codes/new/"
    )


def test_ten_attempts_a_minute_are_enough_for_an_address(client: Client, passkey: Passkey) -> None:
    for _ in range(10):
        client.post(ALONE, {"credential": "{}"}, **HTTPS)

    assert sign_in_alone(client, passkey).status_code == 429


def test_a_passkey_made_for_another_site_is_not_added(officer_client: Client) -> None:
    options = options_of(officer_client.get("/account/security/passkeys/add/", **HTTPS).content.decode())
    options["publicKey"]["challenge"] = "AAAA"
    page = officer_client.post(
        "/account/security/passkeys/add/", {"credential": Passkey().made(options)}, **HTTPS
    )

    assert "The passkey is not added." in page.content.decode()
    assert not Authenticator.objects.exists()


MEMBERS = [
    ("id", "AAAA"),
    ("rawId", None),
    ("response", []),
    ("clientExtensionResults", "x"),
    ("response.attestationObject", "oWNmbXQ"),
    ("response.clientDataJSON", "A"),
    ("response.signature", "\x00"),
    ("response.userHandle", "!!!"),
]


@pytest.mark.parametrize(("member", "value"), MEMBERS)
def test_an_answer_that_is_none_is_refused_wherever_it_comes(
    officer: User, passkey: Passkey, member: str, value: Any
) -> None:
    client, stranger = signed_in(officer), Client()
    options = options_of(client.get("/account/security/passkeys/add/", **HTTPS).content.decode())
    made = spoiled(Passkey(id=b"another").made(options), member, value)
    client.post("/account/security/passkeys/add/", {"credential": made}, **HTTPS)
    answer = spoiled(passkey.answer(asked(stranger)), member, value)

    assert stranger.post(ALONE, {"credential": answer}, **HTTPS).status_code == 302
    kept = json.dumps([row.data for row in Authenticator.objects.filter(type="webauthn")])
    assert "\\u0000" not in kept
    assert "!!!" not in kept


def spoiled(credential: str, member: str, value: Any) -> str:
    sent = json.loads(credential)
    *path, last = member.split(".")
    place = sent[path[0]] if path else sent
    place[last] = value
    return json.dumps(sent)
