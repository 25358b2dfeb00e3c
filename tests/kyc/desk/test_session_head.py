"""The head of the session page: who it is about, where it stands, which attempt it is."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from kyc import review
from kyc.choices import EntityType
from kyc.models import Session, User
from tests import wire
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, page

pytestmark = pytest.mark.django_db


def test_an_entity_that_was_not_sent_is_called_inferred(officer_client: Client) -> None:
    silent = arrive("REVIEW")
    said = arrive("REVIEW", entityType="user")

    assert 'class="sub inferred"' in page(officer_client, silent)
    assert 'class="sub inferred"' not in page(officer_client, said)


def test_the_newest_event_that_names_the_subject_decides_whether_it_is_inferred(
    officer_client: Client,
) -> None:
    session = arrive("REVIEW", hours=5, entityType="user")
    again(session, "REVIEW", hours=3)
    assert 'class="sub inferred"' in page(officer_client, session)

    arrive("REVIEW", session_id=session.pk, user_id=session.user_id, entityType="user")
    assert 'class="sub inferred"' not in page(officer_client, session)


def test_a_related_party_that_ralio_created_is_not_inferred(officer_client: Client) -> None:
    session_id = uuid4()
    wire.post(wire.payload("related_party.kyc_session_created", session_id=session_id))
    html = page(officer_client, Session.objects.get(pk=session_id))

    assert "Related party ID" in html
    assert 'class="sub inferred"' not in html


def test_a_corrected_entity_says_so(officer_client: Client, admin: User) -> None:
    session = arrive("REVIEW")
    change = review.Change(session, "entity_type", EntityType.UNKNOWN)
    review.correct(session, by=admin, changes=[change], reason="Ralio is not sure.")
    html = page(officer_client, session)

    assert 'class="sub inferred"' not in html
    assert in_order(html, "Entity</dt>", "Unknown", "Ralio is not sure.", "User ID</dt>")


def test_a_session_without_a_subject_says_so(officer_client: Client) -> None:
    assert "No ID was sent" in page(officer_client, arrive("REVIEW", user_id=None))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("REVIEW", "Entered review"),
        ("REJECTED", "Rejected"),
        ("VERIFIED", "Verified"),
        ("EXPIRED", "Expired"),
    ],
)
def test_the_instant_is_named_for_the_state(officer_client: Client, state: str, words: str) -> None:
    html = page(officer_client, arrive(state))

    assert f"<dt>{words}</dt>" in html
    assert ("<dt>Due</dt>" in html) == (state == "REVIEW")


def test_it_counts_the_subjects_attempts(officer_client: Client) -> None:
    first = arrive("REJECTED", hours=90)
    second = arrive("REVIEW", hours=2, user_id=first.user_id)

    assert '2 of 2 <a href="#other">1 rejected</a>' in page(officer_client, second)
    assert "<dd>1 of 2</dd>" in page(officer_client, first)


def test_a_second_round_is_named(officer_client: Client) -> None:
    session = arrive("VERIFIED", hours=9)
    assert "came back to review" not in page(officer_client, session)

    again(session, "REVIEW")
    assert in_order(page(officer_client, session), "<dt>Round</dt>", "2 ", "came back to review")


def test_ralios_own_state_shows_where_it_differs(officer_client: Client) -> None:
    session = arrive("REVIEW")
    assert "Ralio says" not in page(officer_client, session)

    decider = UserFactory(username="officer.b", role="officer")
    Session.objects.filter(pk=session.pk).update(
        provider_state="VERIFIED",
        is_disputed=True,
        decided_by=decider,
        state_since=session.state_since - timedelta(1),
    )
    html = page(officer_client, session)
    assert in_order(html, "Disputed", "<dt>Ralio says</dt>", "VERIFIED")


def test_it_says_who_decided(officer_client: Client, officer: User) -> None:
    session = arrive("REJECTED")
    assert "Ralio, automatic" in page(officer_client, session)

    Session.objects.filter(pk=session.pk).update(decided_by=officer)
    assert in_order(page(officer_client, session), "<dt>Decided by</dt>", "You</span>")
