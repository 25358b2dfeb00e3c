"""One's own page of how one signs in: setting up an app and recovery codes, and taking them away again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session as SignIn
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.kyc.desk import appliances
from tests.kyc.desk.appliances import Passkey, options_of, with_app
from tests.kyc.desk.test_second_factor import acts

PAGE, APP = "/account/security/", "/account/security/app/"
ADD, CODES = "/account/security/passkeys/add/", "/account/security/codes/"
KEY = re.compile(r'data-copy="([A-Z2-7 ]+)"')


def key_on(client: Client) -> str:
    found = KEY.search(client.get(APP).content.decode())
    assert found
    return found[1].replace(" ", "")


def set_up_app(client: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(appliances, "SECRET", key_on(client))
    return client.post(APP, {"code": appliances.code()})


def add_passkey(client: Client, passkey: Passkey, **more: str) -> Any:
    made = passkey.made(options_of(client.get(ADD, **HTTPS).content.decode()))
    return client.post(ADD, {"credential": made, "name": "Laptop", **more}, **HTTPS)


HTTPS = {"secure": True, "SERVER_NAME": "localhost"}


def test_an_app_is_set_up_by_a_code_that_it_shows(
    officer_client: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key_on(officer_client) == key_on(officer_client)
    answer = set_up_app(officer_client, monkeypatch)

    assert answer.url == CODES
    assert [act for act, _ in acts(officer)][1:] == ["person.factor_added"] * 2 + ["person.confirmed"]
    assert {row.type for row in Authenticator.objects.all()} == {"totp", "recovery_codes"}


def test_a_wrong_code_sets_up_nothing(officer_client: Client, officer: User) -> None:
    before = key_on(officer_client)
    page = officer_client.post(APP, {"code": "000000"}).content.decode()

    assert "This is not right" in page
    assert KEY.search(page)[1].replace(" ", "") == before
    assert not Authenticator.objects.exists()


def test_the_secret_waits_encrypted_and_is_drawn_in_the_page(officer_client: Client) -> None:
    key = key_on(officer_client)
    page = officer_client.get(APP).content.decode()

    kept = [row.get_decoded() for row in SignIn.objects.all()]
    assert key not in str(kept)
    assert '<path d="M' in page
    assert "data:image" not in page


def test_recovery_codes_are_shown_once(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_app(officer_client, monkeypatch)
    first, again = (officer_client.get(CODES).content.decode() for _ in range(2))

    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    assert all(each in first for each in codes)
    assert not any(each in again for each in codes)


def test_new_recovery_codes_void_the_old_ones(
    officer_client: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up_app(officer_client, monkeypatch)
    old = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert officer_client.post(f"{CODES}new/").url == CODES

    new = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert not set(old) & set(new)
    assert [act for act, _ in acts(officer)][-2:] == ["person.factor_removed", "person.factor_added"]


def test_the_app_is_removed_with_the_codes_beside_it(officer_client: Client, officer: User) -> None:
    with_app(officer)
    assert officer_client.post(f"{APP}remove/").url == PAGE

    assert not Authenticator.objects.exists()
    assert acts(officer)[-1][0] == "person.factor_removed"


def test_the_only_factor_stays_where_one_is_required(
    officer_client: Client, officer: User, settings: Any
) -> None:
    settings.KYC_MFA_REQUIRED = True
    with_app(officer)
    assert "Remove the app" not in officer_client.get(PAGE).content.decode()
    page = officer_client.post(f"{APP}remove/", follow=True).content.decode()

    assert "this is your only one" in page
    assert Authenticator.objects.filter(type="totp").exists()


def test_the_only_passkey_stays_too(officer_client: Client, settings: Any) -> None:
    settings.KYC_MFA_REQUIRED = True
    add_passkey(officer_client, Passkey())
    passkey = Authenticator.objects.get(type="webauthn")
    answer = officer_client.post(f"/account/security/passkeys/{passkey.pk}/remove/", follow=True)

    assert Authenticator.objects.filter(pk=passkey.pk).exists()
    assert "this is your only one" in answer.content.decode()


def test_another_s_passkey_is_not_found(officer_client: Client, auditor: User) -> None:
    other = signed_in(auditor)
    add_passkey(other, Passkey())
    passkey = Authenticator.objects.get(type="webauthn")

    answer = officer_client.post(f"/account/security/passkeys/{passkey.pk}/remove/")
    assert answer.status_code == 404
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


@pytest.mark.parametrize("address", [APP, f"{APP}remove/", ADD, CODES, f"{CODES}new/"])
def test_it_asks_again_before_anything_is_changed(officer: User, stale_client: Any, address: str) -> None:
    with_app(officer)
    client = stale_client(officer)
    before = list(Authenticator.objects.values())

    for method, other in (("get", f"{APP}remove/"), ("post", CODES)):
        if address != other:
            assert getattr(client, method)(address).url.startswith("/account/confirm/?w=")
    assert list(Authenticator.objects.values()) == before
