"""The privacy pages: who waits, who is held, how long data is kept, and what people do about one subject."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyc import privacy
from kyc.choices import EntityType
from kyc.languages import day_words
from kyc.models import Erasure, LedgerEntry, LegalHold, Session, User
from kyc.subjects import Subject
from tests.conftest import signed_in
from tests.factories import DeliveryFactory
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return lives.rejected()


@pytest.fixture
def client(supervisor: User) -> Client:
    return signed_in(supervisor)


def address(session: Session, name: str = "privacy-subject") -> str:
    return reverse(name, args=["user", session.user_id])


def say(client: Client, url: str, words: str = REASON) -> Any:
    return client.post(url, {"reason": words})


def test_a_search_leads_to_the_subject_by_their_id_or_a_sessions(client: Client, session: Session) -> None:
    for text in (session.user_id, session.pk):
        found = client.get(reverse("privacy"), {"q": str(text)})
        assert (found.status_code, found["Location"]) == (302, address(session))
    for text in ("nothing", "0" * 32, "'; DROP TABLE kyc_erasure; --"):
        assert "Nothing is kept under this ID" in client.get(reverse("privacy"), {"q": text}).text


def test_a_session_that_names_two_offers_both(client: Client, session: Session) -> None:
    Session.objects.update(related_party_id=uuid4())
    page = client.get(reverse("privacy"), {"q": str(session.pk)}).text
    assert "This session names two subjects" in page and "Related party" in page


def test_the_page_says_what_is_kept_and_nothing_personal(client: Client, session: Session) -> None:
    page = client.get(address(session)).text
    assert lives.MARK not in page
    assert str(session.pk)[:8] in page and "Kept by law until" in page


def test_two_people_erase_through_the_pages(client: Client, session: Session, admin: User) -> None:
    assert say(client, address(session, "privacy-subject-erase")).status_code == 302
    erasure = Erasure.objects.get()
    assert REASON in client.get(reverse("privacy")).text
    assert "Someone else has to answer" in client.get(address(session)).text
    confirm = reverse("privacy-erasure-confirm", args=[erasure.pk])
    assert client.post(confirm).status_code == 403

    other = signed_in(admin)
    assert "It cannot be undone" in other.get(address(session)).text
    assert other.post(confirm).status_code == 302
    assert lives.found() == set()
    assert "The personal data of this subject was erased." in other.get(address(session)).text


def test_the_session_page_says_what_was_erased_and_when(
    client: Client, session: Session, officer: User
) -> None:
    lives.erase(lives.subject_of(session))
    page = signed_in(officer).get(session.get_absolute_url()).text
    assert page.count("Erased, ") >= 5
    assert "(erased)" not in page and lives.MARK not in page


def test_a_refusal_is_kept_with_its_words(client: Client, session: Session, admin: User) -> None:
    say(client, address(session, "privacy-subject-erase"))
    refuse = reverse("privacy-erasure-refuse", args=[Erasure.objects.get().pk])
    assert say(signed_in(admin), refuse, "It must be asked for in writing.").status_code == 302
    assert "It must be asked for in writing." in client.get(reverse("privacy")).text
    until_now = client.get(address(session)).text.partition("Until now")[2]
    assert until_now.index(REASON) < until_now.index("Answered by") < until_now.index("It must be")
    assert lives.found()


def test_a_hold_is_placed_and_lifted_with_reasons(client: Client, session: Session) -> None:
    say(client, address(session, "privacy-subject-hold"))
    assert "A legal hold stands over this subject" in client.get(address(session)).text
    assert say(client, address(session, "privacy-subject-erase")).status_code == 409
    say(client, reverse("privacy-hold-lift", args=[LegalHold.objects.get().pk]))
    assert LegalHold.objects.get().lifted_because == REASON


def test_what_was_typed_stands_where_it_is_wrong(client: Client, session: Session) -> None:
    answer = say(client, address(session, "privacy-subject-hold"), "too short")
    assert answer.status_code == 422
    assert "too short</textarea>" in answer.text and "Say why, in at least 10 characters." in answer.text
    assert 'aria-invalid="true" autofocus' in answer.text


def test_the_date_is_named_while_the_law_has_it_kept(settings: Any, client: Client, session: Session) -> None:
    settings.KYC_LEGAL_MINIMUM = timedelta(days=2500)
    until = privacy.kept_until(lives.subject_of(session))
    assert until is not None
    assert f"kept until {day_words(until.date())} UTC" in client.get(address(session)).text
    refused = say(client, address(session, "privacy-subject-erase"))
    assert (refused.status_code, f"{day_words(until.date())} UTC" in refused.text) == (409, True)


def test_an_auditor_reads_and_does_nothing(session: Session, auditor: User) -> None:
    page = signed_in(auditor).get(address(session)).text
    assert "<textarea" not in page and "Erase personal data" not in page


@pytest.mark.parametrize("kind", ["unknown", "User", "x"])
def test_a_subject_of_no_kind_is_not_found(client: Client, session: Session, kind: str) -> None:
    assert client.get(f"/privacy/{kind}/{session.user_id}/").status_code == 404
    assert client.get(f"/privacy/related-party/{session.user_id}/").status_code == 404


@pytest.mark.parametrize("name", ["privacy-subject-erase", "privacy-subject-export"])
def test_what_is_sensitive_asks_again(
    stale_client: Any, supervisor: User, session: Session, name: str
) -> None:
    answer = say(stale_client(supervisor), address(session, name))
    assert answer.status_code == 302
    assert not Erasure.objects.exists() and not LedgerEntry.objects.filter(action="subject.exported").exists()


def test_the_export_holds_everything_and_is_recorded(client: Client, session: Session) -> None:
    answer = say(client, address(session, "privacy-subject-export"), "Asked for by letter of 3 November.")
    told = json.loads(b"".join(answer.streaming_content))
    assert answer["Content-Disposition"] == f'attachment; filename="subject-{session.user_id}.json"'
    assert told["contact"]["name"] == lives.said("name")
    (exported,) = told["sessions"]
    assert exported["kept_by_the_desk"]["notes"][0]["text"] == lives.said("noted")
    assert lives.said("extra") in exported["deliveries"][0]["body"]
    assert lives.said("comment") in told["records"][0]["body"]
    detail = LedgerEntry.objects.get(action="subject.exported").detail
    assert str(session.user_id) in detail and "letter" not in detail


def test_the_export_asks_what_it_is_for(client: Client, session: Session) -> None:
    assert say(client, address(session, "privacy-subject-export"), "").status_code == 422
    assert not LedgerEntry.objects.filter(action="subject.exported").exists()


def test_who_is_named_only_in_what_was_set_aside_is_found_and_erased(client: Client, admin: User) -> None:
    subject = Subject(EntityType.USER, uuid4())
    body = f'{{"data": {{"userId": "{subject.id}", "note": "{lives.MARK}"}}}}'.encode()
    kept = DeliveryFactory(is_quarantined=True, body=body, received_at=timezone.now() - lives.YEARS)

    found = client.get(reverse("privacy"), {"q": str(subject.id)}).text
    assert reverse("privacy-subject", args=["user", subject.id]) in found
    say(client, reverse("privacy-subject-erase", args=["user", subject.id]))
    privacy.confirm_erasure(Erasure.objects.get().pk, by=admin)
    kept.refresh_from_db()
    assert lives.MARK.encode() not in bytes(kept.body)
