"""Somebody has lost phone and codes: an admin takes their second factors; and changes of people ask again who is there."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Group
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory
from tests.kyc.admin.conftest import told, url
from tests.kyc.desk.appliances import SECRET, code, with_app
from tests.kyc.desk.test_second_factor import acts


def page_of(person: User) -> str:
    return f"/admin/kyc/user/{person.pk}/factors/"


@pytest.fixture
def lost(officer: User) -> User:
    with_app(officer)
    RecoveryCodes.activate(officer)
    return officer


def test_they_are_removed_on_record_and_every_sign_in_ends(
    admin_client: Client, admin: User, lost: User
) -> None:
    theirs = signed_in(lost)
    assert "1 second factor" in admin_client.get(url(lost)).content.decode()
    page = admin_client.get(page_of(lost)).content.decode()
    assert "Authenticator app" in page
    assert SECRET not in page
    assert admin_client.post(page_of(lost)).url == url(lost)

    assert not Authenticator.objects.exists()
    assert theirs.get("/queue/").status_code == 302
    said = told("person.factors_removed")
    assert (said["person"], said["types"], said["by"]) == (lost.pk, ["recovery_codes", "totp"], "admin")
    assert [act for act, _ in acts(lost)].count("person.factor_removed") == 2


def test_the_password_then_leads_to_setting_up_a_new_one(
    admin_client: Client, lost: User, client: Client, settings: Any
) -> None:
    settings.KYC_MFA_REQUIRED = True
    admin_client.post(page_of(lost))
    client.post("/account/login/", {"login": "officer", "password": PASSWORD})

    assert client.get("/queue/").url == "/account/security/"


def test_nobody_removes_their_own_here(admin_client: Client, admin: User) -> None:
    with_app(admin)
    page = admin_client.get(page_of(admin)).content.decode()
    admin_client.post(page_of(admin))

    assert "Remove all second factors" not in page
    assert Authenticator.objects.filter(user=admin).exists()


@pytest.mark.parametrize("role", ["officer", "supervisor", "auditor"])
def test_only_an_admin_does(lost: User, role: str) -> None:
    client = signed_in(UserFactory(username="else", role=role))

    for answer in (client.get(page_of(lost)), client.post(page_of(lost))):
        assert answer.status_code in (302, 403)
    assert Authenticator.objects.filter(user=lost).count() == 2


def test_a_superuser_s_are_beyond_an_admin(admin_client: Client) -> None:
    root = UserFactory(username="root", is_superuser=True)
    with_app(root)

    assert admin_client.post(page_of(root)).status_code == 403
    assert Authenticator.objects.filter(user=root).exists()


def test_somebody_who_is_not_there_is_not_found(admin_client: Client) -> None:
    assert admin_client.post("/admin/kyc/user/987654/factors/").status_code == 404


def test_a_role_is_given_after_asking_again_and_with_what_was_ticked(
    admin: User, officer: User, stale_client: Any
) -> None:
    with_app(admin)
    client = stale_client(admin)
    supervisor = Group.objects.get(name="supervisor").pk
    asks = client.post(url(officer), {"username": "officer", "is_active": "on", "groups": [supervisor]}).url
    assert asks.startswith("/account/confirm/?w=")
    assert User.objects.get(pk=officer.pk).role == "officer"
    answer = client.post(asks, {"code": code()})

    assert answer.status_code == 302
    assert User.objects.get(pk=officer.pk).role == "supervisor"


@pytest.mark.parametrize("page", ["add/", "{pk}/password/", "{pk}/change/", "{pk}/delete/", "{pk}/factors/"])
def test_every_change_of_a_person_asks_again(admin: User, lost: User, stale_client: Any, page: str) -> None:
    before = list(User.objects.order_by("pk").values_list("username", "password", "is_active"))
    address = f"/admin/kyc/user/{page.format(pk=lost.pk)}"
    typed = {"username": "new", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    answer = stale_client(admin).post(address, typed)

    assert answer.url.startswith("/account/confirm/?w=")
    assert list(
        User.objects.exclude(pk=admin.pk).order_by("pk").values_list("username", "password", "is_active")
    ) == [row for row in before if row[0] != "admin"]
    assert Authenticator.objects.filter(user=lost).count() == 2


def test_a_password_that_was_typed_does_not_wait(admin: User, officer: User, stale_client: Any) -> None:
    client = stale_client(admin)
    new, address = "another horse, another battery", f"/admin/kyc/user/{officer.pk}/password/"
    typed = {"usable_password": "true", "password1": new, "password2": new}
    asks = client.post(address, typed, headers={"Referer": f"http://testserver{address}"}).url

    assert client.post(asks, {"password": PASSWORD}).url == address
    assert not User.objects.get(pk=officer.pk).check_password(new)
    client.post(address, typed)
    assert User.objects.get(pk=officer.pk).check_password(new)
