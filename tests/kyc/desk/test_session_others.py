"""What else is known of the subject: other sessions, record events, and how it can be reached."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from kyc.desk import bodies, others
from tests import wire
from tests.factories import ContactFactory
from tests.kyc.desk.arrivals import arrive, in_order, page, refused

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
