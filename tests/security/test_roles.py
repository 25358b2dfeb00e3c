"""Every address, with every method, as each role: who comes through is who has a yes in README's table of roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client, RequestFactory

from kyc.models import Contact, Delivery, RefusedRequest, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.panels import WORDS
from tests.kyc.personal import unmask
from tests.security import doors, readme
from tests.security.addresses import Address, everything, furnish, of_all_roles
from tests.security.doors import MODELS, NOBODY, Door

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

ROLES = ("officer", "supervisor", "auditor", "admin", "no role", "visitor")
TABLE = readme.roles() | {NOBODY: frozenset()}
SIGN_IN_PAGES = ("/account/login/", "/admin/login/")
NOT_TO_WALK = doors.MACHINES | doors.SECOND_STEPS.keys()


# What makes sense of most acts, so that they are refused for the role alone.
FORM = {
    "decision": "approve",
    "outcome": "approve",
    "rationale_approve": WORDS,
    "rationale": WORDS,
    "answer": WORDS,
    "text": WORDS,
    "reason": WORDS,
    "act": "claim",
    "name": "Mine",
    "from": "view=mine",
}


def person(role: str) -> User:
    made: User = UserFactory(username=f"the {role}", role="" if role == "no role" else role)
    return made


def client_of(role: str) -> Client:
    """Return the role's client, to whom everything is unmasked that may be: `test_masking` looks at what is not."""
    client = Client() if role == "visitor" else signed_in(person(role))
    client.raise_request_exception = False
    if role in TABLE[doors.UNMASK]:
        first = [model.objects.earliest("pk") for model in (Delivery, RefusedRequest, Contact)]
        for row in (first[0].session or Session.objects.get(), *first):
            unmask(client, row)
    return client


def is_closed(answer: HttpResponse) -> bool:
    leads_to = answer.get("HX-Redirect") or answer.get("Location", "")
    return answer.status_code == 403 or leads_to.startswith(SIGN_IN_PAGES)


def walked() -> Iterator[tuple[Address, Door]]:
    for address in everything():
        if address.name not in NOT_TO_WALK:
            yield address, doors.door(address.name) or Door()


def test_every_address_and_every_model_of_the_admin_is_in_a_row() -> None:
    furnish(of_all_roles())
    unknown = {
        each.name for each in everything() if each.name not in NOT_TO_WALK and not doors.door(each.name)
    }
    models = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}

    assert unknown == set()
    assert models == MODELS.keys()


def test_every_row_of_the_table_is_walked() -> None:
    every = [*doors.DESK.values(), *doors.SITE.values()]
    rows = {row for each in every for row in (each.reads, each.posts)}
    for pages in MODELS.values():
        rows |= {pages.reads, pages.adds, pages.changes, pages.deletes, *(row for _, row in pages.actions)}

    assert rows | doors.WITHOUT_A_DOOR == TABLE.keys()


def is_as_it_should_be(answer: HttpResponse, role: str, row: str, *, is_excused: bool = False) -> bool:
    """Return True where the door is open to the role or closed, as the table's row says."""
    if answer.status_code >= 500:
        return False
    if answer.status_code == 405:
        return row == NOBODY
    may = role in TABLE[row]
    return may != is_closed(answer) or (may and is_excused)


def told(address: Address, answer: HttpResponse) -> tuple[str, int, str]:
    return address.name, answer.status_code, answer.get("Location", "")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_read_reads_and_nobody_else(role: str) -> None:
    furnish(of_all_roles())
    client = client_of(role)
    wrong = []
    for address, door in walked():
        answer = client.get(address.path)
        if not is_as_it_should_be(answer, role, door.reads, is_excused=address.name in doors.ENDINGS):
            wrong.append(told(address, answer))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_who_may_act_acts_and_nobody_else(role: str) -> None:
    session = furnish(of_all_roles())
    client, form = client_of(role), {**FORM, "s": str(session.pk), "to": str(User.objects.earliest("pk").pk)}
    wrong = []
    for address, door in walked():
        answer = client.post(address.path, form)
        is_excused = address.name in doors.ENDINGS | doors.RULED
        if not is_as_it_should_be(answer, role, door.posts, is_excused=is_excused):
            wrong.append(told(address, answer))
        if role != "visitor" and "_auth_user_id" not in client.session:
            client = client_of_again(role)
    assert wrong == []


def client_of_again(role: str) -> Client:
    """Return a new sign-in of the role's: one act ends the old one."""
    client = signed_in(User.objects.get(username=f"the {role}"))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("role", ROLES)
def test_no_other_method_opens_a_door(role: str) -> None:
    furnish(of_all_roles())
    client = client_of(role)
    for address, door in walked():
        if role in TABLE[door.reads] | TABLE[door.posts]:
            continue
        for method in ("head", "put", "patch", "delete", "options", "trace"):
            answer = getattr(client, method)(address.path)
            assert answer.status_code == 405 or is_closed(answer), (address.name, method, answer.status_code)


@pytest.mark.parametrize("role", ROLES[:-1])
def test_the_admin_s_actions_are_offered_to_the_right_people(role: str) -> None:
    request: Any = RequestFactory().get("/")
    request.user = User.objects.get(pk=person(role).pk)
    for model, page in admin.site._registry.items():
        pages = MODELS[f"{model._meta.app_label}_{model._meta.model_name}"]
        expected = {name for name, row in pages.actions if role in TABLE[row]}
        assert set(page.get_actions(request)) == expected, model
