"""The fold of anything that Ralio and people may do: the order of arrival is nothing, and no row is one the tables refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.choices import FINAL_OUTCOMES, OUTCOME_STATES, DecisionStatus, EntityType, Outcome, SessionState
from kyc.folding import PROJECTED
from kyc.models import Session
from kyc.projection import Decided, Fact, Projection, fold
from tests.kyc.test_projection import CLOCK, NOON, USER

GONE = (DecisionStatus.RETURNED, DecisionStatus.UNDONE, DecisionStatus.LAPSED)


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    each = st.builds(
        Fact,
        delivery=st.just(0),
        event_id=st.just(UUID(int=0)),
        at=st.integers(0, 8).map(lambda n: NOON + timedelta(hours=n)),
        state=st.sampled_from([SessionState.REVIEW, *SessionState, SessionState.REVIEW]),
        n_checks=st.integers(0, 1),
        n_reasons=st.integers(0, 1),
        is_api=st.sampled_from([False, False, True]),
        is_suspect=st.sampled_from([False, False, True]),
    )
    drawn = draw(st.lists(each, min_size=1, max_size=6))
    return [_numbered(fact, n) for n, fact in enumerate(drawn, 1)]


def _numbered(fact: Fact, n: int) -> Fact:
    subject = {"entity_type": EntityType.USER, "user_id": USER} if n == 1 else {}
    kept = {
        name: getattr(fact, name) for name in ("at", "state", "n_checks", "n_reasons", "is_api", "is_suspect")
    }
    return Fact(delivery=n, event_id=UUID(int=n), **kept, **subject)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Fact], list[Decided]]:
    """Draw events, and decisions that the table of decisions would hold, each with any of the events as its basis."""
    known = draw(facts())
    newest = max(known, key=lambda fact: fact.order)
    decisions, is_proposed = [], False
    for n in range(draw(st.integers(0, 6))):
        outcome = draw(st.sampled_from(Outcome))
        status = (
            draw(st.sampled_from(DecisionStatus)) if outcome in FINAL_OUTCOMES else DecisionStatus.CONFIRMED
        )
        if status == DecisionStatus.PROPOSED and is_proposed:
            status = DecisionStatus.CONFIRMED
        is_proposed = is_proposed or status == DecisionStatus.PROPOSED
        at = NOON + timedelta(hours=draw(st.integers(0, 12)))
        decisions.append(
            Decided(
                id=n + 1,
                outcome=outcome,
                status=status,
                by=draw(st.integers(1, 3)),
                basis=draw(st.sampled_from([newest, *known])).delivery,
                confirmed_at=None if status == DecisionStatus.PROPOSED else at,
                wait_until=at + timedelta(hours=draw(st.integers(1, 30)))
                if outcome == Outcome.WAIT
                else None,
            )
        )
    return known, decisions


def told(known: list[Fact], decisions: list[Decided]) -> Projection:
    return fold(known, decisions, clock=CLOCK)


@given(stories(), st.data())
def test_any_order_gives_the_same_session(story: Any, data: st.DataObject) -> None:
    known, decisions = story
    seen = told(known, decisions)

    assert told(data.draw(st.permutations(known)), data.draw(st.permutations(decisions))) == seen


@pytest.mark.django_db
@given(stories())
def test_the_tables_take_whatever_comes_out(story: Any) -> None:
    seen = told(*story)
    columns = {name: getattr(seen, name) for name in PROJECTED}

    Session(pk=UUID(int=1), **columns).validate_constraints()
    assert (seen.proposal is None) == (seen.proposed_by_id is None)
    assert seen.due_at is None or seen.due_at > seen.state_since >= seen.first_event_at


@given(stories())
def test_what_was_taken_back_leaves_no_trace(story: Any) -> None:
    known, decisions = story
    assert told(known, decisions) == told(known, [each for each in decisions if each.status not in GONE])


@given(stories())
def test_neither_a_person_nor_a_webhook_undoes_the_other(story: Any) -> None:
    """What Ralio says last is always there, and what a person decided holds but for a dispute or a new round."""
    known, decisions = story
    seen = told(known, decisions)

    sent = [fact for fact in known if not fact.is_api]
    if sent and seen.basis in {fact.delivery for fact in sent}:
        assert seen.provider_state == max(sent, key=lambda fact: fact.order).state
    if seen.decided_by_id is not None:
        states = {
            OUTCOME_STATES[each.outcome]
            for each in decisions
            if each.outcome in FINAL_OUTCOMES and each.status == DecisionStatus.CONFIRMED
        }
        assert seen.is_disputed == (seen.state == SessionState.REVIEW)
        assert seen.is_disputed or seen.state in states


@given(facts(), st.data())
def test_only_the_newest_event_can_have_been_seen_by_a_proposal_that_stands(
    known: list[Fact], data: st.DataObject
) -> None:
    basis = data.draw(st.sampled_from(known))
    seen = told(known, [Decided(1, Outcome.REJECT, DecisionStatus.PROPOSED, 1, basis.delivery)])

    newest = next(fact for fact in known if fact.delivery == seen.basis)
    assert seen.proposal is None or basis.order >= newest.order or basis.at == newest.at
    if seen.state == SessionState.REVIEW and basis == newest:
        assert seen.proposal == 1


def test_what_is_drawn_comes_to_everything_that_can_become_of_a_review() -> None:
    """Or the tests above would say nothing."""
    flags = (
        "is_disputed",
        "is_suspect",
        "is_second_review",
        "snoozed_until",
        "proposed_by_id",
        "escalated_at",
    )
    met: set[str] = set()

    @settings(max_examples=200)
    @given(stories())
    def draw(story: Any) -> None:
        seen = told(*story)
        met.update(name for name in flags if getattr(seen, name))

    draw()
    assert met == set(flags)
