"""Who cannot be the second person, and what cannot be done while a proposal waits for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Decision, Session, User
from kyc.review import Seen
from tests.factories import ReasonCodeFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, refused, rejected, reviewed, seen
from tests.kyc.review.record import claimed, now_is

pytestmark = pytest.mark.django_db


@pytest.fixture
def proposal(settings: Any, officer: User) -> Decision:
    settings.KYC_FOUR_EYES = "all"
    return rejected(reviewed("Refused"), officer)


def confirm(proposal: Decision, by: User) -> Decision:
    return review.confirm(proposal.pk, by=by, seen=seen(proposal.session))


def send_back(proposal: Decision, by: User) -> Decision:
    return review.send_back(proposal.pk, by=by, answer="Which picture?")


BOTH: Any = pytest.mark.parametrize("check", [confirm, send_back])
type CheckIt = Callable[[Decision, User], Decision]


@BOTH
def test_its_maker(check: CheckIt, proposal: Decision, officer: User) -> None:
    words = "Someone else has to confirm. You proposed to reject this session."
    refused(lambda: check(proposal, officer), proposal.session, ActForbidden, words)


@BOTH
def test_its_maker_as_a_supervisor_too(check: CheckIt, settings: Any, supervisor: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(reviewed("Refused"), supervisor)
    refused(lambda: check(proposal, supervisor), proposal.session, ActForbidden, "Someone else")


@BOTH
@pytest.mark.parametrize("role", ["auditor", "admin", ""])
def test_a_role_that_does_not_check(check: CheckIt, role: str, proposal: Decision) -> None:
    person = UserFactory(role=role)
    refused(lambda: check(proposal, person), proposal.session, ActForbidden, "Your role does not confirm")


@BOTH
def test_an_officer_where_a_supervisor_is_wanted(check: CheckIt, officer: User) -> None:
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    session = reviewed("Refused")
    proposal = review.reject(session.pk, by=officer, seen=seen(session), codes=["FRAUD"], rationale=WORDS)
    other = UserFactory(role="officer")
    refused(lambda: check(proposal, other), session, ActForbidden, "A supervisor has to confirm")


@BOTH
def test_whoever_comes_while_a_third_person_holds_it(
    check: CheckIt, proposal: Decision, supervisor: User
) -> None:
    claimed(proposal.session, UserFactory(username="ana", role="officer"))
    refused(lambda: check(proposal, supervisor), proposal.session, ClaimedByAnother, "ana holds")


@BOTH
@pytest.mark.parametrize("end", ["confirm", "send_back", "undo"])
def test_whoever_comes_late(
    check: CheckIt, end: str, proposal: Decision, officer: User, supervisor: User
) -> None:
    if end == "undo":
        review.undo(proposal.pk, by=officer)
    else:
        {"confirm": confirm, "send_back": send_back}[end](proposal, supervisor)
    other = UserFactory(role="supervisor")
    words = "not in review any more" if end == "confirm" else "does not stand any more"
    refused(lambda: check(proposal, other), proposal.session, SessionChanged, words)


@BOTH
def test_whoever_comes_when_it_has_lapsed(check: CheckIt, proposal: Decision, supervisor: User) -> None:
    scene.again(proposal.session)
    refused(lambda: check(proposal, supervisor), proposal.session, SessionChanged, "It is lapsed")


@pytest.mark.parametrize("what", ["version", "basis"])
def test_whoever_has_not_seen_it_as_it_is(what: str, proposal: Decision, supervisor: User) -> None:
    now = seen(proposal.session)
    stale = Seen(now.version - (what == "version"), now.basis - (what == "basis"))
    refused(
        lambda: review.confirm(proposal.pk, by=supervisor, seen=stale),
        proposal.session,
        SessionChanged,
        "Nothing was saved",
    )


@pytest.mark.parametrize("words", ["", "  ", "no", "x" * 5001])
def test_who_sends_it_back_without_words(words: str, proposal: Decision, supervisor: User) -> None:
    error = refused(
        lambda: review.send_back(proposal.pk, by=supervisor, answer=words), proposal.session, ActRefused
    )
    assert list(error.message_dict) == ["answer"]


type Act = Callable[[Session, User], object]
ACTS: dict[str, Act] = {
    "approve": lambda session, by: review.approve(session.pk, by=by, seen=seen(session), rationale=WORDS),
    "reject": rejected,
    "escalate": lambda session, by: review.escalate(session.pk, by=by, seen=seen(session), rationale=WORDS),
    "ask_second_review": lambda session, by: review.ask_second_review(
        session.pk, by=by, seen=seen(session), rationale=WORDS
    ),
    "wait": lambda session, by: review.wait(
        session.pk,
        by=by,
        seen=seen(session),
        until=timezone.now() + timedelta(days=1),
        rationale=WORDS,
    ),
    "resume": lambda session, by: review.resume(session.pk, by=by, seen=seen(session)),
    "hand_back": lambda session, by: review.hand_back(session.pk, by=by, seen=seen(session), rationale=WORDS),
}


@pytest.mark.parametrize("act", ACTS)
def test_nothing_passes_over_a_proposal(
    act: str, proposal: Decision, officer: User, supervisor: User
) -> None:
    session = proposal.session
    refused(lambda: ACTS[act](session, officer), session, ActRefused, "Take it back to do something else")
    refused(lambda: ACTS[act](session, supervisor), session, ActRefused, "officer proposed a decision")
    assert now_is(session).proposed_by == officer


def test_a_proposal_of_no_session(supervisor: User) -> None:
    with pytest.raises(ActRefused, match="This decision does not exist"):
        review.confirm(10**9, by=supervisor, seen=Seen(1, 1))
