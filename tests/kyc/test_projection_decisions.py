"""The pure fold of what people do: waiting, escalation, second review, proposals and disputes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from kyc.choices import DecisionStatus, Outcome
from kyc.projection import Decided
from tests.kyc.test_projection import NOON, SLA, decided, fact, story, told
from tests.kyc.test_projection_api import api

UNTIL = NOON + timedelta(days=2)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def wait(basis: int, minute: int = 30, until: datetime = UNTIL) -> Decided:
    return decided(basis, Outcome.WAIT, minute, wait_until=until)


def proposed(basis: int, outcome: Outcome = Outcome.APPROVE) -> Decided:
    return Decided(basis * 100 + 50, outcome, DecisionStatus.PROPOSED, 9, basis)


# --- Waiting -------------------------------------------------------------------------------------
def test_the_clock_stands_still_while_a_session_waits() -> None:
    seen = told(story("REVIEW"), wait(1))
    assert (seen.state, seen.snoozed_until) == ("REVIEW", UNTIL)
    assert seen.due_at == at(1) + SLA + (UNTIL - at(30))


def test_a_wait_that_is_ended_counts_for_as_long_as_it_was() -> None:
    seen = told(story("REVIEW"), wait(1), decided(1, Outcome.RESUME, 50))
    assert (seen.snoozed_until, seen.due_at) == (None, at(21) + SLA)
    again = told(story("REVIEW"), wait(1), wait(1, 40), decided(1, Outcome.RESUME, 50))
    assert (again.snoozed_until, again.due_at) == (None, at(21) + SLA)
    # One that was over already is not made longer.
    short = told(story("REVIEW"), wait(1, 30, at(35)), decided(1, Outcome.RESUME, 50))
    assert (short.snoozed_until, short.due_at) == (None, at(6) + SLA)


@pytest.mark.parametrize(("minute", "paused"), [(40, 10), (20, 0), (5000, 2850)])
def test_a_newer_review_ends_the_wait(minute: int, paused: int) -> None:
    """Also one whose instant is before the wait, and one after its end."""
    seen = told([fact(1, "REVIEW"), fact(2, "REVIEW", minute)], wait(1))
    assert (seen.snoozed_until, seen.round) == (None, 1)
    assert seen.due_at == at(1 + paused) + SLA


def test_what_the_officer_had_seen_does_not_end_the_wait() -> None:
    assert told([fact(1, "REVIEW"), fact(2, "REVIEW", 0)], wait(1)).snoozed_until == UNTIL


def test_resuming_what_does_not_wait_changes_nothing() -> None:
    assert told(story("REVIEW"), decided(1, Outcome.RESUME)) == told(story("REVIEW"))


# --- Escalation, second review, suspicion ----------------------------------------------------------
def test_a_session_is_escalated_until_it_is_handed_back() -> None:
    up = decided(1, Outcome.ESCALATE)
    assert told(story("REVIEW"), up).escalated_at == at(30)
    assert told(story("REVIEW", "REVIEW"), up).escalated_at == at(30)
    assert told(story("REVIEW"), up, decided(1, Outcome.HAND_BACK, 40)).escalated_at is None


def test_a_suspicion_escalates_and_is_not_handed_back() -> None:
    facts = [fact(1, "REVIEW"), fact(2, "REVIEW", is_suspect=True), fact(3, "REVIEW", is_suspect=True)]
    seen = told(facts)
    assert (seen.is_suspect, seen.escalated_at) == (True, at(2))
    back = told(facts, decided(3, Outcome.HAND_BACK, 40))
    assert (back.is_suspect, back.escalated_at) == (True, at(2))
    by_a_person = told(facts, decided(1, Outcome.ESCALATE, 30))
    assert (by_a_person.is_suspect, by_a_person.escalated_at) == (True, at(30))


def test_a_suspicion_counts_though_the_api_said_it_of_an_event_that_was_sent() -> None:
    seen = told([fact(1, "REVIEW"), api(2, "REVIEW", 1, is_suspect=True, n_checks=1)])
    assert (seen.is_suspect, seen.escalated_at) == (True, at(1))
    opened = told([*story("REVIEW", "REJECTED", "REVIEW"), api(4, "REVIEW", 3, is_suspect=True, n_checks=1)])
    assert (opened.round, opened.is_suspect, opened.escalated_at) == (2, True, at(3))


@pytest.mark.parametrize(("n_checks", "is_suspect"), [(1, False), (0, True)])
def test_an_old_suspicion_counts_only_while_no_newer_checks_have_come(
    n_checks: int, is_suspect: bool
) -> None:
    facts = [
        fact(1, "REVIEW", n_checks=1, is_suspect=True),
        fact(2, "REJECTED"),
        fact(3, "REVIEW", n_checks=n_checks),
    ]
    seen = told(facts)
    assert (seen.round, seen.is_suspect, seen.escalated_at) == (2, is_suspect, at(3) if is_suspect else None)
    assert told(facts[:2]).is_suspect is False


def test_a_new_round_begins_without_anything_of_the_old_one() -> None:
    facts = [fact(1, "REVIEW", is_suspect=True), fact(2, "REJECTED"), fact(3, "REVIEW")]
    acts = (wait(1, 10), decided(1, Outcome.ESCALATE, 11), decided(1, Outcome.SECOND_REVIEW, 12), proposed(1))
    assert told(facts, *acts) == told([facts[0], *facts[1:]])
    fresh = told(facts, *acts)
    assert (fresh.round, fresh.due_at, fresh.escalated_at) == (2, at(3) + SLA, None)
    assert not (fresh.is_suspect or fresh.is_second_review or fresh.snoozed_until or fresh.proposal)


# --- Proposals -----------------------------------------------------------------------------------
def test_a_proposal_waits_for_another_person_and_lapses_when_a_newer_event_counts() -> None:
    live = told([fact(1, "REVIEW"), fact(2, "REVIEW", 0)], proposed(1))
    assert (live.state, live.proposal, live.proposed_by_id, live.decided_by_id) == ("REVIEW", 150, 9, None)
    for state in ("REVIEW", "STARTED", "VERIFIED", "EXPIRED"):
        lapsed = told(story("REVIEW", state), proposed(1))
        assert (lapsed.proposal, lapsed.proposed_by_id) == (None, None)
    # What the API says of an event that was seen is no newer event.
    asked = told([fact(1, "REVIEW"), api(2, "REVIEW", 1, n_checks=1)], proposed(1))
    assert asked.proposal == 150


def test_a_proposal_stands_beside_other_work_and_falls_with_a_decision() -> None:
    beside = told(story("REVIEW"), proposed(1), wait(1), decided(1, Outcome.ESCALATE))
    assert (beside.proposal, beside.snoozed_until, beside.escalated_at) == (150, UNTIL, at(30))
    gone = told(
        story("REVIEW"), proposed(1), decided(1, Outcome.REJECT), decided(1, Outcome.SECOND_REVIEW, 31)
    )
    assert (gone.state, gone.proposal, gone.proposed_by_id) == ("REJECTED", None, None)
    assert gone.is_second_review is False


@pytest.mark.parametrize("status", [DecisionStatus.RETURNED, DecisionStatus.UNDONE, DecisionStatus.LAPSED])
@pytest.mark.parametrize("facts", [story("REVIEW"), story("REVIEW", "VERIFIED", "REVIEW")])
def test_what_was_taken_back_leaves_no_trace(status: DecisionStatus, facts: list[Any]) -> None:
    gone = Decided(150, Outcome.REJECT, status, 9, 1, at(30))
    assert told(facts, gone) == told(facts)
    assert told(facts, gone, decided(1, Outcome.APPROVE)) == told(facts, decided(1, Outcome.APPROVE))


# --- Disputes --------------------------------------------------------------------------------------
def test_a_supervisor_upholds_the_decision_and_later_events_confirm_or_dispute_again() -> None:
    acts = (decided(1, Outcome.REJECT), decided(2, Outcome.REJECT, 40))
    upheld = told(story("REVIEW", "VERIFIED"), *acts)
    assert (upheld.state, upheld.is_disputed, upheld.provider_state) == ("REJECTED", False, "VERIFIED")
    assert (upheld.state_since, upheld.verdict_decision) == (at(40), 200)
    confirmed = told(story("REVIEW", "VERIFIED", "REJECTED"), *acts)
    assert (confirmed.state, confirmed.state_since, confirmed.is_disputed) == ("REJECTED", at(40), False)
    again = told(story("REVIEW", "VERIFIED", "EXPIRED", "VERIFIED"), *acts)
    assert (again.state, again.is_disputed, again.state_since) == ("REVIEW", True, at(4))
    assert again.due_at == at(4) + SLA


def test_a_supervisor_follows_ralio() -> None:
    seen = told(story("REVIEW", "REJECTED"), decided(1, Outcome.APPROVE), decided(2, Outcome.REJECT, 40))
    assert (seen.state, seen.is_disputed, seen.round) == ("REJECTED", False, 1)
    assert (seen.state_since, seen.verdict_decision) == (at(40), 200)


def test_a_dispute_begins_without_the_work_before_it_and_has_a_clock_of_its_own() -> None:
    before = (wait(1, 10), decided(1, Outcome.ESCALATE, 11), decided(1, Outcome.SECOND_REVIEW, 12))
    facts = [fact(1, "REVIEW"), fact(2, "VERIFIED", 60)]
    seen = told(facts, *before, decided(1, Outcome.REJECT, 30))
    assert (seen.is_disputed, seen.due_at, seen.snoozed_until) == (True, at(60) + SLA, None)
    assert (seen.escalated_at, seen.is_second_review) == (None, False)
    waiting = told(facts, decided(1, Outcome.REJECT), wait(2, 70), proposed(2))
    assert (waiting.is_disputed, waiting.snoozed_until, waiting.proposal) == (True, UNTIL, 250)
    woken = told([*facts, fact(3, "VERIFIED", 90)], decided(1, Outcome.REJECT), wait(2, 70), proposed(2))
    assert (woken.is_disputed, woken.snoozed_until, woken.proposal) == (True, None, None)
    assert woken.due_at == at(80) + SLA
