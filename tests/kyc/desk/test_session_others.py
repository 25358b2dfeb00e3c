"""What else is known of the subject: other sessions, record events, and how it can be reached."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from kyc import review
from kyc.desk import bodies, others
from kyc.models import User
from tests import wire
from tests.factories import ContactFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, page, refused
from tests.kyc.review.acting import seen

pytestmark = pytest.mark.django_db


def test_the_subjects_other_sessions_are_listed_with_their_codes(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=1)
    rejected = arrive(
        "REJECTED", hours=50, user_id=session.user_id, checks=[refused("OLD_CODE", "It is old.")]
    )
    waiting = arrive("REVIEW", hours=9, user_id=session.user_id, checks=[refused("ODD_CODE")])
    stranger = arrive("REJECTED", hours=9)
    html = page(officer_client, session).split('id="other"')[1]

    assert in_order(
        html, f"/sessions/{waiting.pk}/", "ODD_CODE", f"/sessions/{rejected.pk}/", "OLD_CODE", "It is old."
    )
    assert str(stranger.pk) not in html


def test_a_rejection_without_reasons_says_so(officer_client: Client) -> None:
    session = arrive("REVIEW")
    arrive("REJECTED", hours=9, user_id=session.user_id)

    assert "No reason was sent" in page(officer_client, session)


def test_a_first_session_has_none(officer_client: Client) -> None:
    assert "We have received no other session of this subject." in page(officer_client, arrive("REVIEW"))


def test_only_the_newest_are_listed(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "MOST", 2)
    session = arrive("REVIEW")
    for hours in (10, 20, 30):
        arrive("EXPIRED", hours=hours, user_id=session.user_id)
    html = page(officer_client, session)

    assert "The newest 2, matched on" in html
    assert "One of more than 3" in html


def test_an_officers_decision_is_named_with_its_words(officer_client: Client, supervisor: User) -> None:
    session = arrive("REVIEW", hours=1)
    rejected = arrive("REVIEW", hours=30, user_id=session.user_id, checks=[refused("ODD_CODE")])
    review.reject(
        rejected.pk,
        by=supervisor,
        seen=seen(rejected),
        codes=["ODD_CODE"],
        rationale="The paper is torn in two.",
    )
    html = page(officer_client, session).split('id="other"')[1]

    assert in_order(
        html, f"/sessions/{rejected.pk}/", "REJECTED", "ODD_CODE", "supervisor", "The paper is torn in two."
    )


def test_a_decision_that_ralio_disputes_and_one_of_an_earlier_round_are_told_apart(
    officer_client: Client, officer: User
) -> None:
    session = arrive("REVIEW", hours=50)
    disputed, returned = (arrive("REVIEW", hours=9, user_id=session.user_id) for _ in range(2))
    for other in (disputed, returned):
        review.approve(other.pk, by=officer, seen=seen(other), rationale="Both papers agree with each other.")
    again(disputed, "REJECTED", hours=8)
    again(returned, "REVIEW", hours=7)
    html = page(officer_client, session).split('id="h-others"')[1]

    assert in_order(
        html, f"/sessions/{returned.pk}/", "round 2", "REVIEW", "Open", "in round 1", "Approved", "You"
    )
    assert in_order(html, f"/sessions/{disputed.pk}/", "REVIEW", "Disputed", "Approved", "You")


def test_an_earlier_rejection_with_the_same_code_is_marked(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused("SAME"), refused("OTHER")])
    same = arrive("REJECTED", hours=60, user_id=session.user_id, checks=[refused("SAME")])
    arrive("REJECTED", hours=70, user_id=session.user_id, checks=[refused("DIFFERENT")])
    arrive("REJECTED", hours=1, user_id=session.user_id, checks=[refused("OTHER")])
    html = page(officer_client, session)

    assert html.count("same code as now</div>") == 1
    assert in_order(html, f"/sessions/{same.pk}/", "REJECTED", "same code as now")
    assert in_order(html, "An earlier session of this subject was", "SAME", 'id="h-others"')


def test_an_attempt_stays_the_earlier_one_when_it_is_decided_later(
    officer_client: Client, officer: User
) -> None:
    first = arrive("REVIEW", hours=30, checks=[refused("SAME")])
    second = arrive("REVIEW", hours=5, user_id=first.user_id, checks=[refused("SAME")])
    review.reject(
        first.pk, by=officer, seen=seen(first), codes=["SAME"], rationale="The paper is torn in two."
    )
    html = page(officer_client, second)

    assert in_order(html, "<dt>Attempt</dt><dd>2 of 2", "1 rejected", "same code as now</div>")


def test_record_events_say_what_their_bodies_say(officer_client: Client) -> None:
    session = arrive("REVIEW")
    wire.post(wire.payload("kyc_state_updated", user_id=session.user_id, state="LIGHT", score=1.50))
    wire.post(wire.payload("kyc_expiration_warning", user_id=session.user_id, daysRemaining=14))
    wire.post(wire.payload("kyb_state_updated", user_id=session.user_id, state="CREATED"))
    wire.post(wire.payload("kyc_state_updated", user_id=uuid4(), state="OTHER"))
    html = page(officer_client, session).split('id="h-records"')[1]

    assert in_order(html, "kyc_state_updated", "<dt><code>state</code></dt><dd>LIGHT</dd>")
    assert in_order(html, "kyc_expiration_warning", "<dt><code>daysRemaining</code></dt><dd>14</dd>")
    assert in_order(html, "kyb_state_updated", "CREATED")
    assert "OTHER" not in html


def test_more_records_than_fit_are_owned_up_to(
    officer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_RECORDS", 1)
    session = arrive("REVIEW")
    for _ in range(2):
        wire.post(wire.payload("kyc_state_updated", user_id=session.user_id))

    assert "The newest 1, from Ralio" in page(officer_client, session)


def test_names_and_addresses_are_for_those_who_may_read_contacts(
    officer_client: Client, supervisor_client: Client
) -> None:
    session = arrive("REVIEW")
    ContactFactory(subject_id=session.user_id, name="Ana Pérez", email="ana@example.test")

    assert in_order(page(supervisor_client, session), 'id="h-subject"', "Ana Pérez", "ana@example.test")
    html = page(officer_client, session)
    assert "An e-mail address is known" in html
    assert "ana@example.test" not in html
