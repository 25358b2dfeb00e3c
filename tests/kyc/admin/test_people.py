"""People are added, given a role and taken off; who is in the record stays in the tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from kyc.models import LedgerEntry, User
from kyc.people import ensure_person
from tests.factories import PASSWORD, UserFactory
from tests.kyc.admin.conftest import form_of, url


def group(role: str) -> int:
    return Group.objects.get(name=role).pk


def told(action: str) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(LedgerEntry.objects.get(chain="system", action=action).detail)
    return detail


@pytest.mark.parametrize(("role", "is_staff"), [("officer", False), ("supervisor", True), ("auditor", True)])
def test_a_person_is_added_with_a_role(admin_client: Client, role: str, is_staff: bool) -> None:
    password = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    posted = {"username": "bea", "groups": [group(role)], **password}
    assert admin_client.post(url("kyc.user", "add"), posted).status_code == 302
    person, said = User.objects.get(username="bea"), told("person.added")

    assert (person.role, person.is_staff, person.check_password(PASSWORD)) == (role, is_staff, True)
    assert (said["person"], said["roles"]) == (person.pk, [role])
    assert "bea" not in json.dumps(said)


def test_a_change_of_role_opens_or_closes_the_admin_site(admin_client: Client, officer: User) -> None:
    admin_client.post(url(officer), form_of(admin_client, url(officer), groups=[group("supervisor")]))
    officer = User.objects.get(pk=officer.pk)
    assert (officer.role, officer.is_staff) == ("supervisor", True)
    assert told("person.changed")["fields"] == ["groups"]

    admin_client.post(url(officer), form_of(admin_client, url(officer), groups=[group("officer")]))
    assert not User.objects.get(pk=officer.pk).is_staff


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


def test_an_inactive_person_is_out_at_once(
    admin_client: Client, supervisor: User, supervisor_client: Client
) -> None:
    assert supervisor_client.get("/admin/").status_code == 200
    posted = form_of(admin_client, url(supervisor))
    del posted["is_active"]
    admin_client.post(url(supervisor), posted)

    assert supervisor_client.get("/admin/").status_code == 302
    assert told("person.changed")["is_active"] is False


def test_a_password_is_set_and_on_record(admin_client: Client, officer: User) -> None:
    new = "another horse, another battery"
    posted = {"usable_password": "true", "password1": new, "password2": new}
    assert admin_client.post(f"/admin/kyc/user/{officer.pk}/password/", posted).status_code == 302

    assert User.objects.get(pk=officer.pk).check_password(new)
    assert told("person.password_set")["person"] == officer.pk
    assert admin_client.post("/admin/kyc/user/x/password/", posted).status_code == 404


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


def test_ensure_person_makes_and_mends(db: None) -> None:
    made = ensure_person("bea", "supervisor", PASSWORD)
    assert (made.role, made.is_staff, made.check_password(PASSWORD)) == ("supervisor", True, True)

    mended = ensure_person("bea", "officer")
    assert (mended.pk, mended.role, mended.is_staff, mended.check_password(PASSWORD)) == (
        made.pk,
        "officer",
        False,
        True,
    )
    assert not ensure_person("cleo", "admin").has_usable_password()
