"""What it costs to know who asks for a page, and what the roles grant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from kyc.models import User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory

Queries = Callable[[int], AbstractContextManager[None]]


def fresh(person: User) -> User:
    """Return the person as the next request will load them."""
    return User.objects.get(pk=person.pk)


def permission(name: str) -> Permission:
    app_label, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


@pytest.mark.parametrize("role", ["officer", "supervisor", "auditor", "admin"])
def test_sign_in_permissions_and_role_cost_two_queries(role: str, db: None, queries: Queries) -> None:
    client = signed_in(UserFactory(role=role))

    # The session, and the person with their roles and what these grant; the page itself counts the queue.
    with queries(3):
        page = client.get("/account/password/").content.decode()
    assert role.capitalize() in page


def test_the_refusal_costs_no_more(outsider_client: Client, queries: Queries) -> None:
    with queries(2):
        assert outsider_client.get(reverse("queue")).status_code == 403


def test_the_roles_grant_what_their_groups_say(officer: User, queries: Queries) -> None:
    person = fresh(officer)
    said = {
        f"{app_label}.{codename}"
        for app_label, codename in Group.objects.get(name="officer").permissions.values_list(
            "content_type__app_label", "codename"
        )
    }

    with queries(1):
        assert person.get_all_permissions() == person.get_group_permissions() == said
        assert person.has_perm("kyc.view_session") and not person.has_perm("kyc.correct_session")
        assert person.has_perms(["kyc.view_session", "kyc.view_check"])
        assert person.has_module_perms("kyc") and not person.has_module_perms("auth")
        assert person.role == "officer"


def test_two_roles_add_up_and_the_widest_is_shown(officer: User) -> None:
    officer.groups.add(Group.objects.get(name="admin"))
    person = fresh(officer)

    assert person.has_perms(["kyc.decide_session", "kyc.correct_session"])
    assert person.role == "admin"


def test_a_role_that_grants_nothing_is_a_role(outsider: User) -> None:
    outsider.groups.add(Group.objects.create(name="guest"))
    person = fresh(outsider)

    assert (person.granted.roles, person.get_all_permissions(), person.role) == ({"guest"}, set(), "")


def test_only_roles_grant(outsider: User) -> None:
    outsider.user_permissions.add(permission("kyc.view_session"))
    person = fresh(outsider)

    assert not person.has_perm("kyc.view_session") and person.get_user_permissions() == set()
    assert person not in User.objects.with_perm("kyc.view_session")


def test_nothing_is_granted_on_one_object(officer: User) -> None:
    person = fresh(officer)

    assert not person.has_perm("kyc.view_session", person)
    assert person.get_all_permissions(person) == set()


def test_a_closed_account_may_do_nothing(officer: User) -> None:
    officer.is_active = False
    officer.save()
    person = fresh(officer)

    assert person.get_all_permissions() == set()
    assert not person.has_perm("kyc.view_session") and not person.has_module_perms("kyc")
    assert authenticate(None, username=officer.username, password=PASSWORD) is None


def test_a_superuser_may_do_everything(db: None) -> None:
    person = UserFactory(is_superuser=True, is_staff=True)

    assert person.has_perm("kyc.no_such_thing") and person.has_module_perms("kyc")
    assert "auth.delete_group" in person.get_all_permissions()
    assert person.role == "admin"
    assert signed_in(person).get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("form", [str, permission])
def test_people_are_found_by_what_their_roles_grant(
    form: Callable[[str], str | Permission], officer: User, supervisor: User, outsider: User
) -> None:
    above = UserFactory(is_superuser=True)
    named = form("kyc.supervise_session")

    assert set(User.objects.with_perm(named)) == {supervisor, above}
    assert set(User.objects.with_perm(named, include_superusers=False)) == {supervisor}
