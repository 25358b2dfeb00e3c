"""The pure fold: states, rounds, decisions, disputes, corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyc.choices import DecisionStatus, EntityType, Outcome, SessionState
from kyc.projection import Corrected, Decided, Fact, Projection, ReasonOf, decided_reasons, fold
from kyc.sla import around_the_clock

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
SLA = timedelta(hours=24)
CLOCK = around_the_clock(SLA)
USER = uuid4()


def fact(n: int, state: str, minute: int | None = None, **more: Any) -> Fact:
    at = NOON + timedelta(minutes=n if minute is None else minute)
    return Fact(n, UUID(int=n), at, SessionState(state), **more)


def story(*states: str) -> list[Fact]:
    return [fact(n, state) for n, state in enumerate(states, 1)]


def decided(basis: int, outcome: Outcome, minute: int = 30, **more: Any) -> Decided:
    at = NOON + timedelta(minutes=minute)
    return Decided(basis * 100, outcome, DecisionStatus.CONFIRMED, 7, basis, at, **more)


def told(facts: list[Fact], *decisions: Decided, corrections: tuple[Corrected, ...] = ()) -> Projection:
    """Fold in every order (up to 120 of them) and see that it is one and the same."""
    first = fold(facts, decisions, corrections, clock=CLOCK)
    for order in list(permutations(facts))[:120]:
        assert fold(order, reversed(decisions), corrections, clock=CLOCK) == first
    return first


@pytest.mark.parametrize(
    ("states", "state", "round_", "since"),
    [
        (["REVIEW"], "REVIEW", 1, 1),
        (["REVIEW", "REVIEW", "REVIEW"], "REVIEW", 1, 1),
        (["REVIEW", "VERIFIED"], "VERIFIED", 1, 2),
        (["REJECTED"], "REJECTED", 1, 1),
        (["REJECTED", "REVIEW"], "REVIEW", 2, 2),
        (["REVIEW", "EXPIRED", "REVIEW", "REVIEW"], "REVIEW", 2, 3),
        (["VERIFIED", "STARTED", "REVIEW", "REJECTED", "REVIEW"], "REVIEW", 3, 5),
        (["NOT_STARTED", "REVIEW", "REJECTED", "REJECTED"], "REJECTED", 1, 3),
        (["REJECTED", "VERIFIED", "REJECTED"], "REJECTED", 1, 3),
    ],
)
def test_events_tell_state_round_and_since(states: list[str], state: str, round_: int, since: int) -> None:
    seen = told(story(*states))

    assert (seen.state, seen.provider_state, seen.round) == (state, states[-1], round_)
    assert seen.state_since == NOON + timedelta(minutes=since)
    assert (seen.due_at is not None) == (state == "REVIEW")


def test_events_of_one_instant_go_by_state_then_by_id() -> None:
    assert told([fact(n, state, 0) for n, state in enumerate(SessionState, 1)]).state == "REJECTED"
    two = [fact(1, "REJECTED", 0, user_id=USER), fact(2, "REJECTED", 0, user_id=UUID(int=9))]
    assert told(two).user_id == UUID(int=9)


def test_the_subject_is_what_the_newest_event_that_names_one_says() -> None:
    seen = told(
        [
            fact(1, "REVIEW", entity_type=EntityType.USER, user_id=USER),
            fact(2, "VERIFIED", entity_type=EntityType.RELATED_PARTY, related_party_id=UUID(int=5)),
            fact(3, "REJECTED"),
        ]
    )
    assert (seen.entity_type, seen.user_id, seen.related_party_id) == ("related-party", None, UUID(int=5))


def test_checks_of_the_newest_set_stay_when_later_events_bring_none() -> None:
    seen = told([fact(1, "REVIEW", n_checks=2, n_reasons=1), fact(2, "REVIEW"), fact(3, "REJECTED")])

    assert (seen.evidence_id, seen.verdict, seen.is_verdict_earlier) == (1, 1, True)


def test_the_verdicts_codes_are_its_own_when_it_brought_some() -> None:
    facts = [
        fact(1, "REVIEW", n_checks=2, n_reasons=1),
        fact(2, "REJECTED", n_checks=1, n_reasons=1),
        fact(3, "REJECTED"),
    ]
    seen = told(facts)
    assert (seen.verdict, seen.is_verdict_earlier) == (2, False)


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.APPROVE, "VERIFIED"), (Outcome.REJECT, "REJECTED")])
def test_a_confirmed_decision_sets_the_state(outcome: Outcome, state: str) -> None:
    seen = told(story("REVIEW"), decided(1, outcome))

    assert (seen.state, seen.provider_state, seen.decided_by_id) == (state, "REVIEW", 7)
    assert seen.state_since == NOON + timedelta(minutes=30)


def test_the_same_final_state_confirms_a_decision() -> None:
    seen = told(story("REVIEW", "REJECTED"), decided(1, Outcome.REJECT))
    assert (seen.state, seen.is_disputed, seen.verdict_decision) == ("REJECTED", False, 100)
    assert seen.state_since == NOON + timedelta(minutes=30)


def test_the_other_final_state_disputes_it_and_a_second_word_can_end_that() -> None:
    disputed = told(story("REVIEW", "VERIFIED"), decided(1, Outcome.REJECT))
    assert (disputed.state, disputed.is_disputed, disputed.decided_by_id) == ("REVIEW", True, 7)
    assert disputed.due_at == NOON + timedelta(minutes=2) + SLA

    settled = told(story("REVIEW", "VERIFIED", "REJECTED"), decided(1, Outcome.REJECT))
    assert (settled.state, settled.is_disputed) == ("REJECTED", False)
    upheld = told(story("REVIEW", "VERIFIED"), decided(1, Outcome.REJECT), decided(2, Outcome.REJECT, 40))
    assert (upheld.state, upheld.is_disputed, upheld.verdict_decision) == ("REJECTED", False, 200)


def test_a_review_after_a_decision_opens_a_new_round() -> None:
    seen = told(story("REVIEW", "REVIEW"), decided(1, Outcome.REJECT))
    assert (seen.state, seen.round, seen.decided_by_id) == ("REVIEW", 2, None)
    assert seen.state_since == NOON + timedelta(minutes=2)
    disputed = told(story("REVIEW", "VERIFIED", "REVIEW"), decided(1, Outcome.REJECT))
    assert (disputed.state, disputed.round, disputed.is_disputed) == ("REVIEW", 2, False)
    assert disputed.state_since == NOON + timedelta(minutes=3)


def test_expiry_after_a_decision_changes_only_ralios_own_state() -> None:
    seen = told(story("REVIEW", "EXPIRED"), decided(1, Outcome.APPROVE))
    assert (seen.state, seen.provider_state, seen.is_disputed) == ("VERIFIED", "EXPIRED", False)


def test_an_event_older_than_the_basis_changes_nothing_of_a_decision() -> None:
    late = fact(9, "VERIFIED", -5)
    assert told([*story("REVIEW"), late], decided(1, Outcome.REJECT)).state == "REJECTED"


@pytest.mark.parametrize("status", [DecisionStatus.PROPOSED, DecisionStatus.RETURNED, DecisionStatus.UNDONE])
def test_only_a_confirmed_decision_counts(status: DecisionStatus) -> None:
    draft = Decided(1, Outcome.REJECT, status, 7, 1, NOON)
    assert told(story("REVIEW"), draft).state == "REVIEW"


def test_waiting_and_second_review_hold_for_their_round_only() -> None:
    until = NOON + timedelta(days=2)
    acts = (decided(1, Outcome.WAIT, wait_until=until), decided(1, Outcome.SECOND_REVIEW, 31))
    waiting = told(story("REVIEW"), *acts)
    assert (waiting.snoozed_until, waiting.is_second_review) == (until, True)
    again = told(story("REVIEW", "REJECTED", "REVIEW"), *acts)
    assert (again.snoozed_until, again.is_second_review, again.round) == (None, False, 2)


def test_a_correction_is_the_last_layer() -> None:
    facts = [
        fact(1, "REVIEW", entity_type=EntityType.USER, user_id=USER),
        fact(2, "REVIEW", user_id=UUID(int=1)),
    ]
    due = NOON + timedelta(days=9)
    seen = told(facts, corrections=(Corrected("user_id", USER, 1), Corrected("due_at", due, 1)))
    assert (seen.user_id, seen.due_at) == (USER, due)


def test_a_corrected_due_time_holds_for_its_round_only() -> None:
    due = Corrected("due_at", NOON, 1)
    assert (
        told(story("REVIEW", "REJECTED", "REVIEW"), corrections=(due,)).due_at
        == NOON + timedelta(minutes=3) + SLA
    )
    assert told(story("REVIEW", "REJECTED"), corrections=(due,)).due_at is None


def test_what_can_not_be_folded_is_an_error() -> None:
    with pytest.raises(KeyError, match="basis"):
        fold(story("REVIEW"), [decided(5, Outcome.REJECT)], clock=CLOCK)
    with pytest.raises(KeyError, match="colour"):
        fold(story("REVIEW"), (), [Corrected("colour", None, 1)], clock=CLOCK)


def test_the_end_of_time_is_no_overflow() -> None:
    end = Fact(1, UUID(int=1), datetime.max.replace(tzinfo=UTC), SessionState.REVIEW)
    assert fold([end], clock=CLOCK).due_at == end.at


def test_an_officers_codes_take_the_words_of_the_sessions_own_reasons() -> None:
    known = [ReasonOf("face", "f", "A", "first", ""), ReasonOf("face", "f", "A", "second", "")]
    assert decided_reasons(["A", "B"], known) == [known[0], ReasonOf("", "", "B", "", "")]
