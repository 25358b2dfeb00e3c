"""Signing in and out: who gets in, what the page gives away, and what the ledger keeps of it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from kyc import ledger
from kyc.models import LedgerEntry, User
from tests.factories import PASSWORD, UserFactory

LOGIN = "/account/login/"


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"login": username, "password": password, **more})


def actions(user: User) -> list[str]:
    entries = LedgerEntry.objects.filter(chain=ledger.person_chain(user)).order_by("seq")
    return list(entries.values_list("action", flat=True))


def test_a_person_signs_in_and_out_and_both_are_recorded(client: Client, officer: User) -> None:
    assert sign_in(client, "officer").url == "/queue/"
    assert client.get("/queue/").status_code == 200
    assert client.post("/account/logout/").url == LOGIN

    assert client.get("/queue/").url == f"{LOGIN}?next=/queue/"
    assert actions(officer) == ["person.signed_in", "person.signed_out"]


def test_a_failed_attempt_does_not_tell_why(client: Client, officer: User) -> None:
    UserFactory(username="closed", role="officer", is_active=False)
    pages = [
        sign_in(Client(), "officer", "wrong"),
        sign_in(Client(), "nobody", "wrong"),
        sign_in(Client(), "closed", PASSWORD),
    ]
    texts = {re.sub(r'value="[^"]*"', "", page.content.decode()) for page in pages}

    assert len(texts) == 1
    assert "That username and password do not match." in texts.pop()


def test_the_page_shows_no_error_before_an_attempt(client: Client, db: None) -> None:
    assert "notice--error" not in client.get(LOGIN).content.decode()


def test_a_failed_attempt_is_recorded_without_what_was_typed(client: Client, officer: User) -> None:
    sign_in(client, "officer", "hunter2hunter2")
    sign_in(client, "my-password-by-mistake")

    assert actions(officer) == ["person.sign_in_failed"]
    (entry,) = LedgerEntry.objects.filter(chain=ledger.SYSTEM, action="person.sign_in_failed")
    assert (entry.detail, entry.actor) == ("{}", None)


def test_five_failed_attempts_close_the_name_for_a_while(client: Client, officer: User) -> None:
    for _ in range(5):
        sign_in(Client(), "officer", "wrong")
    page = sign_in(client, "officer").content.decode()

    assert "There were too many failed attempts." in page
    assert "person.signed_in" not in actions(officer)


@pytest.mark.parametrize(
    ("next_page", "expected"),
    [
        ("/rejected/?reason=A", "/rejected/?reason=A"),
        ("https://evil.example/", "/queue/"),
        ("//evil.example", "/queue/"),
    ],
)
def test_signing_in_leads_back_to_a_page_of_the_desk_only(
    client: Client, officer: User, next_page: str, expected: str
) -> None:
    assert sign_in(client, "officer", next=next_page).url == expected


def test_signing_out_by_a_link_asks_first(officer_client: Client) -> None:
    assert "Stay signed in" in officer_client.get("/account/logout/").content.decode()
    assert officer_client.get("/queue/").status_code == 200


@pytest.mark.parametrize(
    "name", ["signup", "email", "reset_password", "set_password", "reauthenticate", "inactive"]
)
def test_what_the_desk_does_not_use_has_no_address(client: Client, db: None, name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"account_{name}")
    assert client.get(f"/account/{name}/").status_code == 404
