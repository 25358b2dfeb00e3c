"""Admins who take away each other's access at one instant: the desk is never left without one."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from kyc import ledger, people
from kyc.admin.people import PersonForm
from kyc.models import User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.admin.conftest import form_of, url
from tests.kyc.test_replay_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[User]:
    """Two admins, neither of whose forms is judged before both have been let in to post one."""
    clean, both = PersonForm.clean, threading.Barrier(2)

    def wait(form: PersonForm) -> dict[str, Any]:
        # On SQLite who posts holds the database: the other one cannot come as far.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(30 if connection.vendor == "postgresql" else 0.3)
        return clean(form)

    admins = UserFactory.create_batch(2, role="admin")
    monkeypatch.setattr(PersonForm, "clean", wait)
    return admins


@pytest.mark.parametrize("how", ["role", "account"])
def test_of_two_who_take_away_each_others_access_one_keeps_it(two: list[User], how: str) -> None:
    role = {"groups": [Group.objects.get(name="officer").pk]} if how == "role" else {}

    def post(client: Client, other: User, form: dict[str, Any]) -> str:
        return client.post(url(other), form).content.decode()

    pairs = [(signed_in(by), other) for by, other in (two, two[::-1])]
    forms = [form_of(client, url(other), **role) for client, other in pairs]
    if how == "account":
        for form in forms:
            del form["is_active"]
    at_once(
        *(
            lambda client=client, other=other, form=form: post(client, other, form)
            for (client, other), form in zip(pairs, forms, strict=True)
        )
    )
    admins = [person for person in User.objects.filter(is_active=True) if person.role == "admin"]
    assert len(admins) == 1 and admins[0] in two
    assert list(ledger.verify()) == []


def test_who_lost_the_role_meanwhile_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    admin, other, officer = UserFactory(role="admin"), UserFactory(role="admin"), UserFactory(role="officer")
    client, clean = signed_in(admin), PersonForm.clean
    form = form_of(client, url(officer), groups=[Group.objects.get(name="supervisor").pk])

    def too_late(form: PersonForm) -> dict[str, Any]:
        people.give_roles(User.objects.get(pk=admin.pk), ["officer"])
        return clean(form)

    monkeypatch.setattr(PersonForm, "clean", too_late)
    page = client.post(url(officer), form).content.decode()
    assert "Your own access was taken away meanwhile. Nothing was saved." in page
    assert User.objects.get(pk=officer.pk).role == "officer" and other.is_active
