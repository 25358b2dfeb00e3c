"""How long a sign-in lasts: unused, used, and left to what a page asks for by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session as Kept
from django.test import Client

from kyc import ledger
from kyc.models import LedgerEntry, User
from kyc.sittings import BEGUN, SEEN
from tests.conftest import signed_in
from tests.factories import PASSWORD

MINUTE, HOUR = 60, 3600
LOGIN = "/account/login/"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/queue/?reason=A"}


def aged(client: Client, *, unused: float = 0, begun: float = 0) -> Client:
    """Let the client's sign-in be so many seconds older."""
    session = client.session
    session[SEEN] -= unused
    session[BEGUN] -= begun
    session.save()
    return client


def unused_for(client: Client) -> float:
    session = client.session
    return session[SEEN] - session[BEGUN]


def test_unused_for_too_long_it_is_over_and_the_page_says_so(officer_client: Client, officer: User) -> None:
    key = aged(officer_client, unused=30 * MINUTE).session.session_key
    sent = officer_client.get("/rejected/?reason=A")

    assert sent.url == f"{LOGIN}?next=%2Frejected%2F%3Freason%3DA&ended=idle"
    assert (
        "You were signed out after 30 minutes without use." in officer_client.get(sent.url).content.decode()
    )
    assert not Kept.objects.filter(session_key=key).exists()
    assert not UserSession.objects.filter(user=officer).exists()
    entry = LedgerEntry.objects.filter(chain=ledger.person_chain(officer)).latest("seq")
    assert (entry.action, entry.detail) == ("person.signed_out", '{"because":"idle"}')


def test_nearly_so_long_it_is_not(officer_client: Client) -> None:
    assert aged(officer_client, unused=29 * MINUTE).get("/queue/").status_code == 200


def test_after_a_working_day_it_is_over_however_much_it_is_used(officer_client: Client) -> None:
    sent = aged(officer_client, begun=12 * HOUR).get("/queue/")

    assert sent.url == f"{LOGIN}?next=%2Fqueue%2F&ended=hours"
    assert "You were signed out 12 hours after you signed in." in Client().get(sent.url).content.decode()


def test_the_settings_say_how_long(officer_client: Client, settings: Any) -> None:
    settings.KYC_SESSION_IDLE *= 2
    assert aged(officer_client, unused=45 * MINUTE).get("/queue/").status_code == 200
    settings.KYC_SESSION /= 2
    assert aged(officer_client, begun=7 * HOUR).get("/queue/").url.endswith("ended=hours")


def test_use_is_noted_once_a_minute(
    officer_client: Client, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    aged(officer_client, unused=20 * MINUTE)
    officer_client.get("/account/sessions/")
    assert unused_for(officer_client) == pytest.approx(0, abs=5)

    aged(officer_client, unused=55)
    # The session, the person, where they are signed in (two), and the count of the queue: nothing is written.
    with queries(5):
        officer_client.get("/account/sessions/")
    assert unused_for(officer_client) < -50


@pytest.mark.parametrize("page", ["/queue/rows/", "/queue/new/"])
def test_what_a_page_asks_for_by_itself_is_no_use(officer_client: Client, page: str) -> None:
    aged(officer_client, unused=20 * MINUTE)
    assert officer_client.get(page).status_code in {200, 204, 400}
    assert unused_for(officer_client) < -19 * MINUTE


def test_a_page_left_open_leaves_for_the_sign_in_page_and_comes_back(officer_client: Client) -> None:
    answer = aged(officer_client, unused=31 * MINUTE).get("/queue/rows/", headers=HTMX)

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == f"{LOGIN}?next=%2Fqueue%2F%3Freason%3DA&ended=idle"


@pytest.mark.parametrize(
    ("referer", "back_to"),
    [
        ("http://testserver/queue/?reason=A#x", "%2Fqueue%2F%3Freason%3DA"),
        ("https://evil.example/x", "%2Fqueue%2F"),
        ("", "%2Fqueue%2F"),
    ],
)
def test_an_act_comes_back_to_the_page_that_it_was_done_on(
    officer_client: Client, referer: str, back_to: str
) -> None:
    sent = aged(officer_client, unused=31 * MINUTE).post("/queue/claim-next/", headers={"Referer": referer})
    assert sent.url == f"{LOGIN}?next={back_to}&ended=idle"


def test_who_knows_a_cookie_of_before_the_sign_in_has_nothing(client: Client, officer: User) -> None:
    """A session that somebody was made to use ends with the sign-in, which goes on under another key."""
    session = client.session
    session["left"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.post(LOGIN, {"login": "officer", "password": PASSWORD})

    assert client.session.session_key != planted and client.get("/queue/").status_code == 200
    assert not Kept.objects.filter(session_key=planted).exists()
    other = Client()
    other.cookies["sessionid"] = planted
    assert other.get("/queue/").url.startswith(LOGIN)


def test_a_sign_in_without_marks_counts_as_over(officer: User) -> None:
    client = signed_in(officer)
    session = client.session
    del session[BEGUN]
    session.save()
    assert client.get("/queue/").url.startswith(LOGIN)
