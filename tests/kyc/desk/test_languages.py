"""The desk in the reader's language: whose choice counts, how it is made, and what stays English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from kyc.models import LedgerEntry, Session, User
from tests import wire
from tests.conftest import signed_in
from tests.kyc.desk.conftest import check

SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}


@pytest.fixture
def analyst(officer: User) -> User:
    officer.language = "es"
    officer.save()
    return officer


@pytest.fixture
def analyst_client(analyst: User) -> Client:
    return signed_in(analyst)


def language_of(page: str) -> str:
    return page.partition('<html lang="')[2].partition('"')[0]


def test_a_visitor_is_spoken_to_as_the_browser_wishes(client: Client, db: None) -> None:
    page = client.get("/account/login/", headers=SPANISH).content.decode()

    assert language_of(page) == "es" and "<h1>Iniciar sesión</h1>" in page
    assert 'lang="en-gb">English</button>' in page and 'lang="es" aria-current="true">Español<' in page


def test_a_person_s_own_choice_counts_before_the_browser_s(analyst_client: Client) -> None:
    page = analyst_client.get("/queue/", headers={"Accept-Language": "en"}).content.decode()

    assert language_of(page) == "es" and "<h1>Cola de revisión</h1>" in page and "Analista" in page


def test_the_rows_speak_to_each_reader(
    analyst_client: Client, supervisor_client: Client, review: Callable[..., Session]
) -> None:
    head = str(review(hours=30, checks=[check("A"), check(state="Validated")]).pk)[:8]
    spanish, english = (c.get("/queue/").content.decode() for c in (analyst_client, supervisor_client))

    assert f'aria-label="Tomar la sesión {head}">Tomar<' in spanish and "1 de 2 comprobaciones" in spanish
    assert f'aria-label="Claim session {head}">Claim<' in english and "1 of 2 checks refused" in english
    assert "6 h tarde" in spanish and "6h over" in english


def test_widths_of_a_picture_are_no_words(analyst_client: Client, review: Callable[..., Session]) -> None:
    for hours in (30, 1, 1):
        review(hours=hours)

    assert 'width="33.3%"' in analyst_client.get("/queue/").content.decode()


def test_a_refusal_is_in_the_words_of_who_asked(
    analyst_client: Client, supervisor: User, review: Callable[..., Session]
) -> None:
    session = review()
    signed_in(supervisor).post(f"/sessions/{session.pk}/claim/")
    page = analyst_client.post("/queue/bulk/", {"claim": str(session.pk)}, follow=True).content.decode()

    assert "supervisor tiene esta sesión." in page


def test_a_choice_is_kept_with_the_person_and_leaves_no_record(officer: User) -> None:
    client = signed_in(officer)
    n_entries = LedgerEntry.objects.count()
    answer = client.post("/language/", {"language": "es", "next": "/queue/?sort=newest"})

    officer.refresh_from_db()
    assert (answer.url, officer.language) == ("/queue/?sort=newest", "es")
    assert LedgerEntry.objects.count() == n_entries
    client.post("/account/logout/")
    assert language_of(client.get("/account/login/").content.decode()) == "es"


def test_a_visitor_s_choice_is_a_cookie(client: Client, db: None) -> None:
    client.post("/language/", {"language": "es", "next": "/account/login/"})
    assert language_of(client.get("/account/login/").content.decode()) == "es"
    client.post("/language/", {"language": "en-gb", "next": "/account/login/"})
    assert language_of(client.get("/account/login/", headers=SPANISH).content.decode()) == "en-gb"


@pytest.mark.parametrize("language", ["", "de", "<script>"])
def test_an_unknown_language_is_not_kept(analyst: User, language: str) -> None:
    client = signed_in(analyst)
    answer = client.post("/language/", {"language": language, "next": "https://evil.example/"})

    analyst.refresh_from_db()
    assert (answer.url, analyst.language) == ("/queue/", "es") and "desk_language" not in client.cookies


def test_a_language_is_not_chosen_by_a_link(client: Client, db: None) -> None:
    assert client.get("/language/?language=es").status_code == 405


def test_ralio_is_answered_in_english(db: None, settings: Any) -> None:
    settings.LANGUAGE_CODE = "es"
    with translation.override("es"):
        refused = wire.post({}, signature="sha256=00", **SPANISH)
        strange = wire.post({}, **SPANISH)
        method = Client().get("/webhooks/ralio", headers=SPANISH)

    titles = [answer.json()["title"] for answer in (refused, strange, method)]
    assert titles[0].startswith("Signature wrong: ")
    assert titles[1:] == ["The body is not an event that we know how to read.", 'Method "GET" not allowed.']
