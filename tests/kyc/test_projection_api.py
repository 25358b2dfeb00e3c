"""The pure fold: what Ralio's API said fills gaps, and never beats what Ralio sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.choices import EntityType, Outcome, SessionState
from kyc.projection import Decided, Fact, fold
from tests.kyc.test_projection import CLOCK, NOON, USER, decided, fact, story, told


def api(n: int, state: str, minute: int | None = None, **more: Any) -> Fact:
    return replace(fact(n, state, minute, **more), is_api=True)


@pytest.mark.parametrize("state", ["VERIFIED", "REJECTED", "EXPIRED"])
def test_a_state_newer_than_all_that_was_sent_counts(state: str) -> None:
    seen = told([*story("REVIEW"), api(2, state)])
    assert (seen.state, seen.provider_state, seen.round) == (state, state, 1)
    assert seen.state_since == seen.last_event_at == NOON + timedelta(minutes=2)


@pytest.mark.parametrize("minute", [0, 1, 2])
def test_a_state_as_old_as_what_was_sent_does_not(minute: int) -> None:
    sent = [fact(1, "REVIEW", 0), fact(2, "REVIEW", 2)]
    assert told([*sent, api(9, "REJECTED", minute)]) == told(sent)


def test_a_review_that_only_the_api_tells_of_opens_no_round() -> None:
    sent = story("REVIEW", "VERIFIED")
    assert told([*sent, api(3, "REVIEW")]) == told(sent)
    assert told([*story("REVIEW"), api(2, "REJECTED"), api(3, "REVIEW")]).state == "REJECTED"
    assert told([api(1, "REVIEW"), api(2, "VERIFIED"), api(3, "REVIEW")]).round == 1


def test_a_session_known_from_the_api_alone_is_made_by_it() -> None:
    seen = told([api(1, "REVIEW", user_id=USER, entity_type=EntityType.USER), api(2, "REJECTED")])
    assert (seen.state, seen.user_id, seen.round) == ("REJECTED", USER, 1)


def test_its_checks_fill_an_event_that_brought_none() -> None:
    bare, filled = fact(1, "REVIEW"), api(2, "REVIEW", 1, n_checks=2, n_reasons=1)
    assert told([bare, filled]).evidence_id == 2
    assert told([bare, filled, fact(3, "REVIEW", 1, n_checks=1)]).evidence_id == 3
    assert told([bare, filled, fact(3, "VERIFIED", 4, n_checks=1)]).evidence_id == 3
    assert told([fact(4, "REVIEW", 0, n_checks=1), bare, filled]).evidence_id == 2


def test_its_reasons_fill_a_rejection_without_codes() -> None:
    earlier, bare = fact(1, "REVIEW", n_checks=1, n_reasons=1), fact(2, "REJECTED")
    filled = api(3, "REJECTED", 2, n_checks=1, n_reasons=2)
    seen = told([earlier, bare, filled])
    assert (seen.verdict, seen.is_verdict_earlier, seen.provider_state) == (3, False, "REJECTED")
    own = replace(bare, n_checks=1, n_reasons=1)
    assert told([earlier, own, filled]).verdict == 2


def test_reasons_of_an_event_before_the_rejection_stay_earlier_ones() -> None:
    seen = told([fact(1, "REVIEW"), fact(2, "REJECTED"), api(3, "REVIEW", 1, n_checks=1, n_reasons=1)])
    assert (seen.verdict, seen.is_verdict_earlier) == (3, True)
    again = [fact(1, "REJECTED"), fact(2, "REVIEW"), fact(4, "REJECTED")]
    first = api(3, "REJECTED", 1, n_checks=1, n_reasons=1)
    assert told([*again, first]).is_verdict_earlier


def test_it_names_a_subject_only_where_nothing_sent_does() -> None:
    said = api(2, "REVIEW", user_id=USER, entity_type=EntityType.USER)
    assert told([fact(1, "REVIEW"), said]).user_id == USER
    other = fact(1, "REVIEW", user_id=UUID(int=5), entity_type=EntityType.USER)
    assert told([other, said]).user_id == UUID(int=5)


def test_a_newer_state_confirms_or_disputes_a_decision() -> None:
    sent, approved = story("REVIEW"), decided(1, Outcome.APPROVE)
    assert told([*sent, api(2, "VERIFIED")], approved).is_disputed is False
    disputed = told([*sent, api(2, "REJECTED")], approved)
    assert (disputed.state, disputed.is_disputed, disputed.round) == ("REVIEW", True, 1)
    assert told([*sent, api(2, "REVIEW")], approved) == told(sent, approved)


def test_a_decision_on_what_the_api_told_holds_when_the_same_event_comes_late() -> None:
    rejected = decided(1, Outcome.REJECT)
    seen = told([api(1, "REVIEW"), fact(2, "REVIEW", 1)], rejected)
    assert (seen.state, seen.round, seen.decided_by_id) == ("REJECTED", 1, 7)
    assert told([api(1, "REVIEW"), fact(2, "REVIEW", 3)], rejected).round == 2


facts = st.builds(
    lambda n, state, minute, is_api, n_checks, n_reasons, user: Fact(
        n,
        UUID(int=n),
        NOON + timedelta(minutes=minute),
        state,
        EntityType.USER if user else EntityType.UNKNOWN,
        user,
        None,
        n_checks,
        n_reasons,
        is_api,
    ),
    st.integers(1, 10**6),
    st.sampled_from(SessionState),
    st.integers(0, 6),
    st.booleans(),
    st.integers(0, 1),
    st.integers(0, 1),
    st.sampled_from([None, USER, UUID(int=77)]),
)
events = st.lists(facts, min_size=1, max_size=8, unique_by=lambda fact: fact.delivery)


@given(events, st.data())
def test_it_never_opens_a_round_nor_beats_what_was_sent(drawn: list[Fact], data: Any) -> None:
    acts = st.sampled_from([Outcome.APPROVE, Outcome.REJECT])
    basis = data.draw(st.sampled_from([fact.delivery for fact in drawn]))
    decisions: list[Decided] = data.draw(st.lists(st.builds(decided, st.just(basis), acts), max_size=1))
    seen = fold(drawn, decisions, clock=CLOCK)
    assert fold(data.draw(st.permutations(drawn)), decisions, clock=CLOCK) == seen

    sent = [fact for fact in drawn if not fact.is_api]
    if not sent:
        assert seen.round == 1
    elif not decisions or basis in {fact.delivery for fact in sent}:
        without = fold(sent, decisions, clock=CLOCK)
        assert seen.round == without.round
        assert seen.provider_state == without.provider_state or seen.last_event_at > without.last_event_at
        if without.user_id:
            assert seen.user_id == without.user_id
        newest = max(sent, key=lambda fact: fact.order)
        if newest.n_checks and all(fact.at <= newest.at for fact in drawn):
            assert seen.evidence_id == newest.delivery
