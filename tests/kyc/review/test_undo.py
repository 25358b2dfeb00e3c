"""Undo: for a few minutes what was decided can be taken back, and a proposal for as long as it waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from kyc import review
from kyc.choices import Outcome
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Decision, RejectionReason, Session, User
from kyc.signals import session_changed
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, disputed, is_sound, refused, rejected, reviewed, seen
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def confirmed(maker: User, checker: User) -> Decision:
    """A rejection by two people."""
    session = reviewed("Refused")
    review.ask_second_review(session.pk, by=maker, seen=seen(session), rationale=WORDS)
    proposal = rejected(session, maker)
    return review.confirm(proposal.pk, by=checker, seen=seen(session))


def confirmed_at(decision: Decision) -> datetime:
    assert decision.confirmed_at is not None
    return decision.confirmed_at


def test_the_session_comes_back_to_review_and_to_who_undid(officer: User) -> None:
    session, heard = scene.in_review(), []
    before = now_is(session)
    decision = rejected(session, officer)

    def listen(*, session: Session, old_state: str, **kwargs: object) -> None:
        heard.append((session.state, old_state))

    session_changed.connect(listen)
    try:
        undone = review.undo(decision.pk, by=officer)
    finally:
        session_changed.disconnect(listen)
    now = now_is(session)
    assert (now.state, now.due_at, now.decided_by, now.assignee) == ("REVIEW", before.due_at, None, officer)
    assert (undone.status, undone.undone_by, undone.confirmed_at) == (
        "undone",
        officer,
        decision.confirmed_at,
    )
    assert heard == [("REVIEW", "REJECTED")]
    assert not RejectionReason.objects.filter(session=session).exists()
    assert not undone.precedents.exists()
    assert is_sound(session)


def test_the_ledger_tells_it(officer: User) -> None:
    decision = rejected(scene.in_review(), officer)
    review.undo(decision.pk, by=officer)
    ((_, actor, detail),) = said(decision.session, "session.undone")
    assert (actor, detail["decision"], detail["was_proposed"]) == (officer.pk, decision.pk, False)


def test_it_can_be_decided_anew(officer: User) -> None:
    session = scene.in_review()
    for _ in range(2):
        review.undo(rejected(session, officer).pk, by=officer)
    rejected(session, officer)
    assert (now_is(session).state, now_is(session).decided_by) == ("REJECTED", officer)
    assert is_sound(session)


@pytest.mark.parametrize("who", ["maker", "checker", "supervisor"])
def test_its_maker_its_checker_or_a_supervisor(who: str, officer: User, supervisor: User) -> None:
    people = {"maker": officer, "checker": UserFactory(role="officer"), "supervisor": supervisor}
    decision = confirmed(officer, people["checker"])
    review.undo(decision.pk, by=people[who])
    assert (now_is(decision.session).state, now_is(decision.session).assignee) == ("REVIEW", people[who])


@pytest.mark.parametrize("role", ["officer", "auditor", "admin", ""])
def test_nobody_else(role: str, officer: User) -> None:
    decision = rejected(scene.in_review(), officer)
    person = UserFactory(role=role)
    refused(lambda: review.undo(decision.pk, by=person), decision.session, ActForbidden)


def test_only_until_the_window_closes(settings: Any, officer: User) -> None:
    decision = rejected(scene.in_review(), officer)
    until = review.undo_until(decision)
    assert until == confirmed_at(decision) + settings.KYC_UNDO
    with time_machine.travel(until, tick=False):
        refused(lambda: review.undo(decision.pk, by=officer), decision.session, ActRefused, "too late.* UTC")
    with time_machine.travel(until - timedelta(seconds=1), tick=False):
        assert review.undo(decision.pk, by=officer).status == "undone"


@pytest.mark.parametrize("name", ["failed", "verified", "expired", "manual_review"])
def test_not_after_ralio_has_said_more(name: str, officer: User) -> None:
    decision = rejected(scene.in_review(), officer)
    scene.again(now_is(decision.session), f"kyc_session_{name}")
    refused(lambda: review.undo(decision.pk, by=officer), decision.session, ActRefused, "Ralio has said more")


def test_a_late_event_of_before_changes_nothing_of_it(officer: User) -> None:
    session = scene.in_review()
    decision = rejected(session, officer)
    earlier = now_is(session)
    earlier.last_event_at -= timedelta(hours=1)
    scene.again(earlier, "kyc_session_expired")
    assert review.undo(decision.pk, by=officer).status == "undone"


@pytest.mark.parametrize("outcome", [Outcome.WAIT, Outcome.ESCALATE, Outcome.SECOND_REVIEW])
def test_only_what_ended_the_review(outcome: Outcome, supervisor: User) -> None:
    session = scene.in_review()
    at, words = seen(session), {"rationale": WORDS}
    match outcome:
        case Outcome.WAIT:
            until = timezone.now() + MINUTE
            decision = review.wait(session.pk, by=supervisor, seen=at, until=until, **words)
        case Outcome.ESCALATE:
            decision = review.escalate(session.pk, by=supervisor, seen=at, **words)
        case _:
            decision = review.ask_second_review(session.pk, by=supervisor, seen=at, **words)
    refused(lambda: review.undo(decision.pk, by=supervisor), session, ActRefused, "Only an approval")
    assert review.undo_until(decision) is None


def test_not_twice(officer: User) -> None:
    decision = rejected(scene.in_review(), officer)
    review.undo(decision.pk, by=officer)
    refused(lambda: review.undo(decision.pk, by=officer), decision.session, ActRefused, "This is undone")


def test_a_settlement_too_and_then_the_dispute_is_there_again(officer: User, supervisor: User) -> None:
    session, first = disputed(officer)
    settled = review.settle(
        session.pk, by=supervisor, seen=seen(session), outcome=Outcome.REJECT, rationale=WORDS
    )
    refused(lambda: review.undo(first.pk, by=officer), session, ActRefused, "Ralio has said more")

    review.undo(settled.pk, by=supervisor)
    now = now_is(session)
    assert (now.state, now.is_disputed, now.decided_by, now.assignee) == ("REVIEW", True, officer, supervisor)
    assert first.precedents.exists()
    assert is_sound(session)


# --- Proposals -----------------------------------------------------------------------------------
def test_the_maker_takes_a_proposal_back_whenever(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(scene.in_review(), officer)
    assert review.undo_until(proposal) is None
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        review.undo(proposal.pk, by=officer)
    now = now_is(proposal.session)
    assert (now.state, now.proposed_by, now.assignee) == ("REVIEW", None, officer)
    ((_, _, detail),) = said(proposal.session, "session.undone")
    assert detail["was_proposed"] is True
    assert is_sound(proposal.session)


def test_who_has_begun_to_check_keeps_the_session(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(scene.in_review(), officer)
    checker = UserFactory(role="officer")
    claimed(proposal.session, checker)
    review.undo(proposal.pk, by=officer)
    assert now_is(proposal.session).assignee == checker


def test_nobody_takes_back_what_another_proposed(settings: Any, officer: User, supervisor: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(scene.in_review(), officer)
    refused(lambda: review.undo(proposal.pk, by=supervisor), proposal.session, ActForbidden, "Only officer")


def test_a_lapsed_proposal_is_nothing_to_undo(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(scene.in_review(), officer)
    scene.again(proposal.session)
    refused(lambda: review.undo(proposal.pk, by=officer), proposal.session, ActRefused, "This is lapsed")
