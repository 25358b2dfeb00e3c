"""The timeline tells what happened at this desk, newest first, and nothing twice."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from kyc import review
from kyc.models import Decision, User
from kyc.review import acts
from tests import wire
from tests.conftest import signed_in
from tests.factories import DecisionFactory, UserFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, newest_delivery, page
from tests.kyc.desk.panels import WORDS, act, decide, in_days, reject, seen, session_in_review

pytestmark = pytest.mark.django_db


def timeline(html: str) -> str:
    return html[html.index('id="h-timeline"') : html.index('id="other"')]


def test_it_tells_deliveries_and_states_newest_first(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5)
    again(session, "REJECTED", hours=1)
    told = timeline(page(officer_client, session))

    assert in_order(
        told, "State changed to", "REJECTED", "from REVIEW", "kyc_session_failed", "First heard of as"
    )
    assert in_order(told, "First heard of as", "kyc_session_manual_review")


def test_an_older_event_that_came_late_is_superseded_and_changes_nothing(officer_client: Client) -> None:
    session = arrive("REJECTED", hours=1)
    again(session, "REVIEW", hours=8)
    told = timeline(page(officer_client, session))

    assert in_order(
        told, "kyc_session_manual_review", "Applied, superseded", "kyc_session_failed", ">Applied<"
    )
    assert told.count('data-kind="state"') == 1


def test_of_two_events_at_one_instant_the_folds_order_decides(officer_client: Client) -> None:
    session = arrive("REJECTED", hours=3)
    again(session, "REVIEW", at=session.last_event_at)
    told = timeline(page(officer_client, session))

    assert in_order(
        told, "kyc_session_manual_review", "Applied, superseded", "kyc_session_failed", ">Applied<"
    )


def test_repeats_are_counted_on_their_delivery(officer_client: Client) -> None:
    event = wire.payload("kyc_session_failed", session_id=uuid4())
    for _ in range(3):
        wire.post(event)
    session = arrive("REJECTED", session_id=event["data"]["sessionId"], hours=100_000)
    told = timeline(page(officer_client, session))

    assert told.count("received 3 times, last at") == 1


def test_another_content_under_a_known_event_id_is_shown_as_quarantined(officer_client: Client) -> None:
    session = arrive("REVIEW")
    known = newest_delivery(session)
    wire.post(wire.payload("kyc_session_verified", event_id=known.event_id, session_id=session.pk))
    html = page(officer_client, session)

    assert "Quarantined, event ID conflict" in timeline(html)
    assert html.count('data-kind="delivery"') == 2
    assert 'class="state state--review">REVIEW' in html


def test_a_correction_tells_before_after_and_why(officer_client: Client, admin: User) -> None:
    session = arrive("REVIEW")
    other = uuid4()
    review.correct(
        session, by=admin, changes=[review.Change(session, "user_id", other)], reason="A typing error."
    )
    told = timeline(page(officer_client, session))

    assert in_order(
        told,
        "admin</b> corrected the user ID of the session",
        "Before",
        "After",
        str(other),
        "A typing error.",
    )


def test_a_decision_is_told_as_far_as_it_has_come(officer_client: Client) -> None:
    session = arrive("REVIEW")
    DecisionFactory(
        session=session, basis=newest_delivery(session), rationale="It agrees.", maker__username="officer.b"
    )
    told = timeline(page(officer_client, session))

    assert in_order(told, "officer.b</b> approved this session", "It agrees.")


def test_a_proposal_is_told_step_by_step(officer_client: Client, officer: User) -> None:
    session = session_in_review()
    other = signed_in(UserFactory(username="officer.b", role="officer"))
    for answer in ("return", "confirm"):
        decide(officer_client, session, "approve", rationale_approve=WORDS)
        proposal = Decision.objects.latest("pk")
        act(other, session, f"decisions/{proposal.pk}/{answer}", answer="Look again.", **seen(other, session))
    told = timeline(page(officer_client, session))

    assert in_order(
        told,
        "officer.b</b> confirmed: approved this session",
        "You</b> proposed to approve this session",
        WORDS,
        "officer.b</b> sent the proposal back",
        "Look again.",
        "You</b> proposed to approve this session",
        "Returned",
        "You</b> claimed this session",
    )


def test_a_proposal_that_lapsed_and_a_decision_undone_say_so(officer_client: Client) -> None:
    session = session_in_review(hours=5)
    decide(officer_client, session, "approve", rationale_approve=WORDS)
    again(session, "REVIEW", hours=1)
    reject(officer_client, session, codes="NO_MATCH")
    act(officer_client, session, f"decisions/{Decision.objects.latest('pk').pk}/undo")
    told = timeline(page(officer_client, session))

    assert in_order(
        told, "took the decision back", "rejected this session", "Undone", "Lapsed", "the session changed"
    )


def test_a_claim_that_changes_hands_is_told(
    officer_client: Client, supervisor_client: Client, officer: User
) -> None:
    session = session_in_review()
    act(supervisor_client, session, "assign", to=officer.pk)
    act(officer_client, session, "release")
    told = timeline(page(officer_client, session))

    assert in_order(told, "You</b> released this session", "supervisor</b> assigned this session to you")
    assert 'data-kind="decision"' in told and 'value="decision"' in told


def test_waits_and_escalations_are_told_with_their_reasons(officer_client: Client, supervisor: User) -> None:
    session = session_in_review()
    decide(
        officer_client,
        session,
        "wait",
        until_date=in_days(9),
        until_time="10:00",
        rationale_wait="A new photograph.",
    )
    decide(officer_client, session, "resume")
    decide(officer_client, session, "escalate", rationale_escalate="Seen before.", to_escalate=supervisor.pk)
    told = timeline(page(officer_client, session))

    assert in_order(told, "escalated this session, to supervisor", "Seen before.", "ended the wait")
    assert in_order(told, "let this session wait", "until", "A new photograph.")


def test_a_warning_of_the_due_time_is_told(officer_client: Client) -> None:
    session = session_in_review()
    with transaction.atomic():
        acts.record(session, "session.due_soon", by=None)
    told = timeline(page(officer_client, session))

    assert "This session is due soon" in told


def test_a_mail_is_told_with_its_status(officer_client: Client) -> None:
    told = timeline(page(officer_client, arrive("REVIEW")))

    assert in_order(told, 'data-kind="notification"', "the compliance team", "review opened")


def test_the_filter_offers_only_the_kinds_that_are_there(officer_client: Client, admin: User) -> None:
    session = arrive("REVIEW")
    html = page(officer_client, session)
    assert all(f'value="{kind}"' in html for kind in ("all", "delivery", "state", "notification"))
    assert 'value="correction"' not in html

    review.correct(session, by=admin, changes=[review.Change(session, "user_id", uuid4())], reason="A slip.")
    assert 'value="correction"' in page(officer_client, session)


def test_a_rejection_that_nobody_could_be_told_of_says_so(officer_client: Client) -> None:
    assert "No contact is known for this user" in page(officer_client, arrive("REJECTED"))
