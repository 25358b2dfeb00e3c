"""Which outcomes take two people, and what a proposal is until the second one has looked."""

from __future__ import annotations

from typing import Any

import pytest

from kyc import review
from kyc.choices import Outcome
from kyc.models import Decision, Session, User
from kyc.signals import session_changed
from tests.factories import ReasonCodeFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, is_sound, precedents, rejected, reviewed, seen
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db

# What is approved and what is rejected here, and which settings ask for a second person.
CASES: dict[str, tuple[str, str, set[str]]] = {
    "approve what is validated": ("Validated", Outcome.APPROVE, {"approvals", "all"}),
    "approve what is unknown": ("Odd", Outcome.APPROVE, {"approvals", "all"}),
    "approve over what is refused": ("Refused", Outcome.APPROVE, {"overrides", "approvals", "all"}),
    "reject": ("Refused", Outcome.REJECT, {"rejections", "all"}),
}


@pytest.fixture
def checker(db: None) -> User:
    return UserFactory(username="checker", role="officer")


def decide(session: Session, outcome: str, by: User, codes: list[str] | None = None) -> Decision:
    if outcome == Outcome.APPROVE:
        return review.approve(session.pk, by=by, seen=seen(session), rationale=WORDS)
    codes = codes or ["LOW_CONFIDENCE"]
    return review.reject(session.pk, by=by, seen=seen(session), codes=codes, rationale=WORDS)


@pytest.mark.parametrize("asked", ["none", "overrides", "approvals", "rejections", "all"])
@pytest.mark.parametrize("case", CASES)
def test_the_setting_says_which_outcomes_take_two(
    case: str, asked: str, settings: Any, officer: User, checker: User
) -> None:
    settings.KYC_FOUR_EYES = asked
    state, outcome, needing = CASES[case]
    session = reviewed(state)
    decision = decide(session, outcome, officer)

    end = "VERIFIED" if outcome == Outcome.APPROVE else "REJECTED"
    takes_two = asked in needing
    assert (decision.status, decision.needs_checker) == (
        ("proposed", True) if takes_two else ("confirmed", False)
    )
    assert now_is(session).state == ("REVIEW" if takes_two else end)
    if takes_two:
        review.confirm(decision.pk, by=checker, seen=seen(session))
    assert (now_is(session).state, now_is(session).decided_by) == (end, officer)
    assert is_sound(session)


@pytest.mark.parametrize("outcome", [Outcome.APPROVE, Outcome.REJECT])
def test_after_a_second_review_was_asked_for_any_decision_takes_two(
    outcome: str, settings: Any, officer: User, supervisor: User
) -> None:
    settings.KYC_FOUR_EYES = "none"
    session = reviewed("Odd")
    review.ask_second_review(session.pk, by=officer, seen=seen(session), rationale="Look at the glasses.")
    review.release(session.pk, by=officer)
    assert decide(session, outcome, supervisor).status == "proposed"


def test_a_proposal_is_free_to_be_checked_and_shows_whose_it_is(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    session, heard = reviewed("Refused"), []
    before = seen(session)

    def listen(**said: object) -> None:
        heard.append(said)

    session_changed.connect(listen)
    try:
        decision = rejected(session, officer)
    finally:
        session_changed.disconnect(listen)
    now = now_is(session)
    assert (now.state, now.proposed_by, now.assignee, heard) == ("REVIEW", officer, None, [])
    assert (decision.version, decision.basis_id, decision.confirmed_at) == (
        before.version,
        before.basis,
        None,
    )
    assert not decision.precedents.exists()
    assert [act for act, *_ in said(session) if act.startswith("session.")] == [
        "session.claimed",
        "session.proposed",
    ]
    assert is_sound(session)


@pytest.mark.parametrize("is_held_by_the_maker", [True, False])
def test_another_person_confirms_and_then_it_decides(
    is_held_by_the_maker: bool, settings: Any, officer: User, checker: User
) -> None:
    settings.KYC_FOUR_EYES = "all"
    session = reviewed("Refused")
    proposal = rejected(session, officer)
    claimed(session, officer if is_held_by_the_maker else checker)

    decision = review.confirm(proposal.pk, by=checker, seen=seen(session))
    now = now_is(session)
    assert (now.state, now.decided_by, now.proposed_by, now.assignee) == ("REJECTED", officer, None, None)
    assert (decision.status, decision.checker, decision.checked_at) == (
        "confirmed",
        checker,
        decision.confirmed_at,
    )
    assert precedents(decision) == {("LOW_CONFIDENCE", "reject")}
    ((_, actor, detail),) = said(session, "session.confirmed")
    assert (actor, detail["decision"], detail["maker"]) == (checker.pk, decision.pk, officer.pk)
    assert is_sound(session)


@pytest.mark.parametrize("holder", ["nobody", "checker", "maker"])
def test_it_goes_back_to_its_maker_with_words(
    holder: str, settings: Any, officer: User, checker: User
) -> None:
    settings.KYC_FOUR_EYES = "all"
    session = reviewed("Refused")
    proposal = rejected(session, officer)
    if holder != "nobody":
        claimed(session, checker if holder == "checker" else officer)

    decision = review.send_back(proposal.pk, by=checker, answer=" Which picture? ")
    now = now_is(session)
    assert (now.state, now.proposed_by, now.assignee) == ("REVIEW", None, officer)
    assert (decision.status, decision.answer, decision.checker) == ("returned", "Which picture?", checker)
    ((_, actor, detail),) = said(session, "session.returned")
    assert (actor, detail["answer"]) == (checker.pk, review.digest("Which picture?"))

    again = rejected(session, officer)
    assert (again.status, now_is(session).proposed_by) == ("proposed", officer)
    assert is_sound(session)


def test_a_proposal_lapses_when_ralio_says_more(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    session = reviewed("Refused")
    proposal = rejected(session, officer)

    scene.again(session)
    proposal.refresh_from_db()
    assert (proposal.status, now_is(session).proposed_by) == ("lapsed", None)
    assert rejected(session, officer).status == "proposed"
    assert is_sound(session)


def test_a_suspicion_that_an_officer_raises_is_for_a_supervisor(
    settings: Any, officer: User, supervisor: User
) -> None:
    settings.KYC_FOUR_EYES = "none"
    session = reviewed("Refused")
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    proposal = decide(session, Outcome.REJECT, officer, ["LOW_CONFIDENCE", "FRAUD"])
    now = now_is(session)
    assert (proposal.status, now.escalated_at is None, now.assignee) == ("proposed", False, None)
    acts = [act for act, *_ in said(session) if act.startswith("session.")]
    assert acts[-2:] == ["session.escalated", "session.proposed"]

    decided = review.confirm(proposal.pk, by=supervisor, seen=seen(session))
    assert (decided.status, now_is(session).state, now_is(session).decided_by) == (
        "confirmed",
        "REJECTED",
        officer,
    )
    assert is_sound(session)


def test_a_supervisor_needs_nobody_for_a_suspicion(settings: Any, supervisor: User) -> None:
    settings.KYC_FOUR_EYES = "none"
    session = reviewed("Refused")
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    assert decide(session, Outcome.REJECT, supervisor, ["FRAUD"]).status == "confirmed"


@pytest.mark.parametrize("how", ["send_back", "undo"])
def test_a_suspicion_stays_with_supervisors_when_the_proposal_does_not_stand(
    how: str, officer: User, supervisor: User
) -> None:
    session = reviewed("Refused")
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    proposal = decide(session, Outcome.REJECT, officer, ["FRAUD"])
    if how == "undo":
        review.undo(proposal.pk, by=officer)
    else:
        review.send_back(proposal.pk, by=supervisor, answer="No fraud, I think.")

    now = now_is(session)
    assert (now.state, now.proposed_by, now.escalated_at is None, now.assignee) == (
        "REVIEW",
        None,
        False,
        None,
    )
    assert is_sound(session)
