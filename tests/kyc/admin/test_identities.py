"""An admin names who somebody is at the identity provider: on record, after asking again, and nobody's twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from kyc.models import LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.admin.conftest import form_of, told, url
from tests.kyc.desk.appliances import with_app

ISSUER = "https://sso.example"


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.OIDC_ISSUER = ISSUER
    settings.OIDC_NAME = "Acme"


def name(client: Client, person: User, uid: str) -> Any:
    return client.post(url(person), {**form_of(client, url(person)), "identifier": uid})


def test_it_is_kept_with_its_issuer_on_record_and_ends_their_sign_ins(
    admin_client: Client, officer: User
) -> None:
    theirs = signed_in(officer)
    assert name(admin_client, officer, " sub-7 ").status_code == 302

    row = SocialAccount.objects.get()
    assert (row.user, row.provider, row.uid, row.extra_data) == (
        officer,
        "company",
        "sub-7",
        {"issuer": ISSUER},
    )
    said = told("person.identity_named")
    assert (said["person"], said["by"]) == (officer.pk, "admin")
    assert said["identity"].startswith("sha256:")
    assert "sub-7" not in json.dumps(list(LedgerEntry.objects.values_list("detail", flat=True)))
    assert theirs.get("/queue/").status_code == 302
    assert 'value="sub-7"' in admin_client.get(url(officer)).content.decode()


def test_an_identifier_is_one_person_s(admin_client: Client, officer: User, supervisor: User) -> None:
    name(admin_client, officer, "sub-7")
    page = name(admin_client, supervisor, "sub-7").content.decode()
    assert "This is the identifier of officer. Take it away there first." in page

    name(admin_client, officer, "")
    assert name(admin_client, supervisor, "sub-7").status_code == 302
    assert SocialAccount.objects.get().user == supervisor
    assert told("person.identity_removed")["person"] == officer.pk


def test_who_has_nothing_left_to_sign_in_with_is_told_of(admin_client: Client, officer: User) -> None:
    name(admin_client, officer, "sub-7")
    officer.set_unusable_password()
    officer.save()
    name(admin_client, officer, "")

    assert "cannot sign in any more: nobody at Acme" in admin_client.get(url(officer)).content.decode()


def test_nobody_takes_or_changes_the_only_way_in_that_they_have(admin_client: Client, admin: User) -> None:
    SocialAccount.objects.create(user=admin, provider="company", uid="sub-1", extra_data={"issuer": ISSUER})
    User.objects.filter(pk=admin.pk).update(password="!")
    for uid in ("", "sub-2"):
        client = signed_in(User.objects.get(pk=admin.pk))
        assert "You cannot take away your own access." in name(client, admin, uid).content.decode()

    assert SocialAccount.objects.get().uid == "sub-1"


def test_it_asks_again_who_is_there(admin: User, officer: User, stale_client: Any) -> None:
    with_app(admin)
    asks = stale_client(admin).post(url(officer), {"username": "officer", "identifier": "sub-7"})

    assert asks.url.startswith("/account/confirm/?w=")
    assert not SocialAccount.objects.exists()


def test_a_superuser_s_is_beyond_an_admin_and_nobody_else_sees_one(
    admin_client: Client, auditor_client: Client, officer: User
) -> None:
    root = UserFactory(username="root", is_superuser=True)
    assert admin_client.post(url(root), {"username": "root", "identifier": "sub-7"}).status_code == 403
    assert auditor_client.post(url(officer), {"identifier": "sub-7"}).status_code == 403
    for page in (admin_client.get(url(root)), auditor_client.get(url(officer))):
        assert page.status_code == 200
        assert "Identifier at the identity provider" not in page.content.decode()
    assert not SocialAccount.objects.exists()


def test_without_a_provider_there_is_nothing_to_name(
    admin_client: Client, officer: User, settings: Any
) -> None:
    settings.OIDC_ISSUER = ""
    assert name(admin_client, officer, "sub-7").status_code == 302
    assert not SocialAccount.objects.exists()
