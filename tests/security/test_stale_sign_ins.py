"""Whoever sits down at a browser that somebody left signed in exports, erases, confirms and grants nothing by any door."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client

from kyc.models import Decision, Erasure, LegalHold, User
from tests.kyc.admin.conftest import form_of
from tests.kyc.review.acting import WORDS, seen
from tests.security.addresses import everything, furnish, of_all_roles

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

# What asks again, whatever else may be added to it.
SENSITIVE = {
    "history-export", "queue-portal-export", "ledger-bundle", "session-record-pdf", "privacy-subject-export",
    "privacy-subject-erase", "privacy-erasure-confirm", "privacy-erasure-refuse", "privacy-subject-hold",
    "privacy-hold-lift", "decision-confirm",
    "admin:kyc_user_add", "admin:kyc_user_change", "admin:auth_user_password_change",
}  # fmt: skip
# One thing's own bytes, for those who see them anyway.
OPEN_FILES = {"delivery-raw", "refused-request-raw", "session-delivery"}


def picture() -> list[Any]:
    """What only those sensitive acts change."""
    people = User.objects.order_by("pk").values_list(
        "pk", "username", "password", "is_active", "is_staff", "is_superuser", "groups"
    )
    confirmed = Decision.objects.filter(status="confirmed", needs_checker=True).values_list("pk", "checker")
    erasures = Erasure.objects.order_by("pk").values_list("pk", "status", "checker")
    holds = LegalHold.objects.order_by("pk").values_list("pk", "lifted_at")
    return [
        *people,
        *confirmed,
        *erasures,
        *holds,
        *Authenticator.objects.order_by("pk").values_list("pk", "user"),
    ]


def test_nothing_of_it_is_done_by_any_door(stale_client: Callable[[User], Client]) -> None:
    everyone = of_all_roles()
    session = furnish(everyone)
    client, saw = stale_client(everyone), seen(session)
    form = {
        "version": saw.version, "basis": saw.basis, "reason": WORDS, "act": "export", "s": str(session.pk), "answer": WORDS,
        "usable_password": "true", "password1": "a quite long phrase", "password2": "a quite long phrase", "groups": [1, 2],
    }  # fmt: skip
    cookies, before = deepcopy(client.cookies), picture()
    asked_again, files = set(), set()
    for address in everything():
        typed = {"username": "somebody.new"}
        if address.name == "admin:kyc_user_change":
            typed = form_of(client, address.path, username="renamed")
        for method in ("get", "post"):
            client.cookies = deepcopy(cookies)
            with transaction.atomic():
                answer: Any = getattr(client, method)(address.path, {**form, **typed})
                if answer.get("Location", "").startswith("/account/confirm/?w="):
                    asked_again.add(address.name)
                if answer.get("Content-Disposition", "").startswith("attachment"):
                    files.add(address.name)
                assert picture() == before, (address, method)
                transaction.set_rollback(True)
    assert asked_again >= SENSITIVE
    assert files <= OPEN_FILES
