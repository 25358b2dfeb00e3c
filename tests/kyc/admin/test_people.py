"""People are added, given a role and taken off; who is in the record stays in the tables."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from kyc.models import User
from kyc.people import ensure_person
from tests.factories import PASSWORD
from tests.kyc.admin.conftest import form_of, told, url


def group(role: str) -> int:
    return Group.objects.get(name=role).pk


@pytest.mark.parametrize(("role", "is_staff"), [("officer", False), ("supervisor", True), ("auditor", True)])
def test_a_person_is_added_with_a_role(admin_client: Client, role: str, is_staff: bool) -> None:
    password = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    posted = {"username": "zoë", "groups": [group(role)], **password}
    assert admin_client.post(url("kyc.user", "add"), posted).status_code == 302
    person, said = User.objects.get(username="zoë"), told("person.added")

    assert (person.role, person.is_staff, person.check_password(PASSWORD)) == (role, is_staff, True)
    assert (said["person"], said["roles"]) == (person.pk, [role])
    assert "zoë" not in json.dumps(said, ensure_ascii=False)


def test_a_change_of_role_opens_or_closes_the_admin_site(admin_client: Client, officer: User) -> None:
    admin_client.post(url(officer), form_of(admin_client, url(officer), groups=[group("supervisor")]))
    officer = User.objects.get(pk=officer.pk)
    assert (officer.role, officer.is_staff) == ("supervisor", True)
    assert told("person.changed")["fields"] == ["groups"]

    admin_client.post(url(officer), form_of(admin_client, url(officer), groups=[group("officer")]))
    assert not User.objects.get(pk=officer.pk).is_staff


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
