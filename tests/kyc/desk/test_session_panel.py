"""The panel beside the evidence offers what its reader can do with the session as it stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kyc.choices import DecisionStatus
from kyc.models import Decision, ReasonCode, Session, User
from tests.conftest import signed_in
from tests.factories import ContactFactory, UserFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, page, refused
from tests.kyc.desk.panels import (
    WORDS,
    act,
    approvable,
    decide,
    in_days,
    panel,
    reject,
    seen_in,
    session_in_review,
    text,
)

pytestmark = pytest.mark.django_db


def test_nothing_is_chosen_and_nothing_ticked(officer_client: Client) -> None:
    shown = panel(page(officer_client, session_in_review()))

    assert in_order(
        shown,
        'value="approve"',
        'value="reject"',
        'value="escalate"',
        'value="second_review"',
        'value="wait"',
    )
    assert "checked" not in shown and "selected" not in shown


def test_the_sessions_own_codes_come_first_with_their_words_and_guidance(officer_client: Client) -> None:
    session = session_in_review()
    ReasonCode.objects.filter(code="NO_MATCH").update(guidance="Compare both captures.")
    ReasonCode.objects.create(code="A_FIRST", label="Alphabetically first")
    shown = panel(page(officer_client, session))

    assert in_order(
        shown,
        "Sent by Ralio",
        'value="NO_MATCH"',
        "It does not match.",
        "Compare both captures.",
        "All other codes",
        'value="A_FIRST"',
    )
    assert shown.count('value="NO_MATCH"') == 1


def test_a_code_of_suspicion_is_marked(officer_client: Client) -> None:
    session = session_in_review()
    ReasonCode.objects.create(code="RING", is_suspicion=True)
    shown = panel(page(officer_client, session))

    assert 'value="RING" data-suspicion' in shown and shown.count("data-suspicion") == 1
    assert "This goes to a supervisor, and the subject is told nothing." in shown


def test_consequences_are_said_before_anything_is_done(officer_client: Client, settings: object) -> None:
    settings.KYC_UNDO = timedelta(minutes=7)  # type: ignore[attr-defined]
    session = session_in_review()
    assert "No address of the subject is known: the message waits" in panel(page(officer_client, session))
    ContactFactory(subject_id=session.user_id)
    shown = text(panel(page(officer_client, session)))

    assert "Another person must confirm before the state changes." in shown
    assert "State becomes REJECTED ." in shown
    assert "The subject is told after 7 minutes; until then you can undo." in shown


def test_a_large_catalogue_is_cut_and_searched(
    officer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyc.desk.reasons.MOST", 2)
    session = session_in_review()
    ReasonCode.objects.bulk_create(
        ReasonCode(code=f"CODE_{n}", digest=f"00000000-0000-0000-0000-00000000000{n}", label="Any")
        for n in range(5)
    )
    cut = page(officer_client, session)
    assert 'value="CODE_1"' in cut and 'value="CODE_4"' not in cut and "There are more codes" in cut

    assert 'value="CODE_4"' in page(officer_client, session, "?code=code_4")
    found = officer_client.get(f"/sessions/{session.pk}/codes/?code=CODE_4").content.decode()
    assert 'value="CODE_4"' in found and 'value="CODE_1"' not in found


def test_to_look_for_codes_judges_nothing_and_keeps_what_was_typed(officer_client: Client) -> None:
    session = session_in_review()
    ReasonCode.objects.create(code="OTHER")
    answer = decide(
        officer_client, session, "reject", codes="NO_MATCH", rationale_reject="So far", code="OTH", find="1"
    )
    shown = panel(answer.content.decode())

    assert answer.status_code == 200 and not Decision.objects.exists()
    assert 'value="OTHER"' in shown and ">So far</textarea>" in shown
    assert 'value="NO_MATCH" checked' in shown


def test_a_reader_is_told_who_can_help(auditor_client: Client) -> None:
    shown = panel(page(auditor_client, session_in_review()))

    assert "You can read this session but not decide it." in shown
    assert "Your role is Auditor. An administrator can change that." in shown
    assert 'name="decision"' not in shown and "Claim session" not in shown


def test_the_record_says_who_decided_what_and_what_is_left(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    shown = panel(page(officer_client, session))

    assert in_order(
        shown,
        "You rejected this session",
        "Enter this decision in Ralio’s portal too",
        "Decision record",
        "NO_MATCH",
        WORDS,
    )
    assert "6 days left" in shown and "Next session" in shown
    Session.objects.update(first_event_at=timezone.now() - timedelta(days=8))
    assert "The session may have expired there" in page(officer_client, session)


def test_once_ralio_knows_nothing_has_to_be_entered(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    again(session, "REJECTED", hours=0)
    shown = panel(page(officer_client, session))

    assert "Decision record" in shown and "portal" not in shown


def test_what_ralio_decided_needs_no_panel(officer_client: Client) -> None:
    html = page(officer_client, arrive("VERIFIED"))

    assert "Decision record" not in html and 'name="decision"' not in html


def test_a_new_round_shows_who_decided_the_old_one(officer_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    shown = panel(page(officer_client, again(session, "REVIEW", hours=-0.01, checks=[refused("OTHER")])))

    assert in_order(shown, 'value="approve"', "Earlier round", "Round 1", "Rejected", "NO_MATCH", WORDS)


def test_a_wait_says_until_when_and_why_and_can_be_ended(officer_client: Client) -> None:
    session = session_in_review()
    decide(
        officer_client,
        session,
        "wait",
        until_date=in_days(9),
        until_time="09:30",
        rationale_wait="A new photograph.",
    )
    until = timezone.localtime(Session.objects.get().snoozed_until)
    shown = panel(page(officer_client, session))
    assert f"{until:%H:%M} UTC" in shown and "A new photograph." in shown

    assert decide(officer_client, session, "resume").status_code == 303
    assert Session.objects.get().snoozed_until is None


def test_what_is_escalated_waits_for_a_supervisor_who_can_hand_it_back(
    officer_client: Client, supervisor_client: Client
) -> None:
    session = session_in_review()
    decide(officer_client, session, "escalate", rationale_escalate="I know this document.")
    shown = panel(page(officer_client, session))
    assert "This session waits for a supervisor." in shown and 'name="decision" value="approve"' not in shown

    assert "I know this document." in panel(page(supervisor_client, session))
    assert (
        decide(supervisor_client, session, "hand_back", rationale_hand_back="It is fine.").status_code == 303
    )
    assert 'value="approve"' in panel(page(officer_client, session))


def test_a_dispute_is_settled_by_a_supervisor(officer_client: Client, supervisor_client: Client) -> None:
    session = approvable()
    decide(officer_client, session, "approve")
    again(session, "REJECTED", hours=-0.01, checks=[refused("RALIOS")])
    shown = panel(page(officer_client, session))
    assert (
        in_order(shown, "Disputed", "VERIFIED", "REJECTED", "A supervisor settles this.")
        and "settle/" not in shown
    )

    html = page(supervisor_client, session)
    assert in_order(panel(html), "Uphold the decision: VERIFIED", "Follow Ralio: REJECTED", "RALIOS")
    fields = {"outcome": "reject", "rationale": WORDS, "version": "", "basis": ""}
    assert act(supervisor_client, session, "settle", **{**fields, **seen_in(html)}).status_code == 303
    assert Session.objects.get(pk=session.pk).state == "REJECTED"


def test_who_took_part_in_a_decision_does_not_settle_it(supervisor_client: Client) -> None:
    session = approvable()
    decide(supervisor_client, session, "approve")
    again(session, "REJECTED", hours=-0.01)

    assert "Someone else has to settle this." in panel(page(supervisor_client, session))


def test_a_proposal_is_the_others_to_answer(officer_client: Client, auditor_client: Client) -> None:
    session = session_in_review()
    decide(officer_client, session, "approve", rationale_approve=WORDS)
    mine = panel(page(officer_client, session))
    assert "Someone else has to confirm." in mine and "Take back" in mine and "Confirm approval" not in mine

    other = signed_in(UserFactory(username="officer.b", role="officer"))
    theirs = panel(page(other, session))
    read = panel(page(auditor_client, session))
    assert "Confirm approval" not in read and "Your role is Auditor." in read
    assert in_order(
        theirs, "officer proposes to approve this session", WORDS, "Confirm approval", "Send back"
    )
    assert Decision.objects.get().status == DecisionStatus.PROPOSED


def test_people_are_offered_by_what_they_may_do(officer_client: Client, supervisor: User) -> None:
    UserFactory(username="officer.b", role="officer")
    shown = panel(page(officer_client, session_in_review()))
    escalate, second = (
        shown.split(f'name="{name}"')[1].split("</select>")[0] for name in ("to_escalate", "to_second_review")
    )

    assert ">supervisor<" in escalate and ">officer.b<" not in escalate
    assert ">officer.b<" in second and ">officer<" not in second
