"""What an admin cannot do to people, and what nobody sees of them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from kyc.models import LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.admin.conftest import form_of, told, url

pytestmark = pytest.mark.django_db


def group(role: str) -> int:
    return Group.objects.get(name=role).pk


def test_an_admin_makes_no_superuser(admin_client: Client, officer: User) -> None:
    extra = {"is_superuser": "on", "is_staff": "on", "user_permissions": ["1"]}
    admin_client.post(url(officer), form_of(admin_client, url(officer), **extra))
    fresh = User.objects.get(pk=officer.pk)

    assert (fresh.is_superuser, fresh.is_staff, fresh.user_permissions.count()) == (False, False, 0)


def test_an_admin_does_not_take_over_a_superuser(admin_client: Client) -> None:
    root = UserFactory(is_superuser=True, is_staff=True)
    answer = admin_client.post(f"/admin/kyc/user/{root.pk}/password/", {"password1": "a", "password2": "a"})

    assert answer.status_code == 403
    assert admin_client.post(url(root), {"username": "root"}).status_code == 403
    assert admin_client.post(url(root, "delete"), {"post": "yes"}).status_code == 403


def test_nobody_locks_themselves_out(admin_client: Client, admin: User) -> None:
    for typed in ({"groups": [group("officer")]}, {"groups": []}):
        answer = admin_client.post(url(admin), form_of(admin_client, url(admin), **typed))
        assert "You cannot take away your own access. Another admin can." in answer.content.decode()
    posted = form_of(admin_client, url(admin))
    del posted["is_active"]
    assert admin_client.post(url(admin), posted).status_code == 200
    assert User.objects.get(pk=admin.pk).is_active


def test_one_s_own_password_is_changed_on_one_s_own_page(admin_client: Client, admin: User) -> None:
    address = f"/admin/kyc/user/{admin.pk}/password/"
    assert admin_client.get(address).url == "/account/password/"
    assert admin_client.post(address, {"usable_password": "false"}).url == "/account/password/"
    assert User.objects.get(pk=admin.pk).has_usable_password()


def test_nor_does_a_superuser() -> None:
    root = UserFactory(username="root", is_superuser=True, is_staff=True)
    client = signed_in(root)
    posted = form_of(client, url(root))
    del posted["is_active"]

    assert "You cannot take away your own access." in client.post(url(root), posted).content.decode()
    assert User.objects.get(pk=root.pk).is_active
    assert client.post(url(root), {**posted, "is_active": "on"}).status_code == 302


def test_who_is_in_the_record_is_not_deleted(admin_client: Client, officer: User) -> None:
    Client().force_login(officer)
    assert LedgerEntry.objects.filter(actor=officer).exists()
    answer = admin_client.post(url(officer, "delete"), {"post": "yes"}, follow=True)

    assert "is in the record and cannot be deleted" in answer.content.decode()
    assert url(officer, "delete") not in answer.content.decode()
    assert User.objects.filter(pk=officer.pk).exists()


def test_who_never_did_anything_can_be_deleted(admin_client: Client, admin: User, officer: User) -> None:
    assert admin_client.post(url(officer, "delete"), {"post": "yes"}).status_code == 302
    assert admin_client.post(url(admin, "delete"), {"post": "yes"}).status_code in (302, 403)

    assert list(User.objects.all()) == [admin]
    assert told("person.deleted")["person"] == officer.pk


def test_an_auditor_sees_no_hash(auditor_client: Client, officer: User) -> None:
    page = auditor_client.get(url(officer)).content.decode()

    assert officer.username in page
    assert officer.password not in page
    assert officer.password.split("$")[-1] not in page
