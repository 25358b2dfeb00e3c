"""A dispute between Ralio and this desk: a supervisor says which of them holds."""

from __future__ import annotations

from typing import Any

import pytest

from kyc import review
from kyc.choices import Outcome
from kyc.exceptions import ActForbidden, ActRefused, SessionChanged
from kyc.models import Decision, RejectionReason, Session, User
from tests.factories import ReasonCodeFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import (
    WORDS,
    disputed,
    is_sound,
    precedents,
    refused,
    rejected,
    reviewed,
    seen,
)
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db

TORN = [{"type": "document", "state": "Refused", "reasons": [{"code": "TORN", "message": "Torn"}]}]


def settle(session: Session, by: User, outcome: Outcome, *codes: str, rationale: str = WORDS) -> Decision:
    return review.settle(
        session.pk, by=by, seen=seen(session), outcome=outcome, rationale=rationale, codes=codes
    )


def verified_here(by: User, *, checks: object, state: str = "Validated") -> tuple[Session, Decision]:
    """A session that a person approved and Ralio rejected after that, with these checks."""
    session = reviewed(state)
    decision = review.approve(session.pk, by=by, seen=seen(session), rationale=WORDS)
    session = scene.again(session, "kyc_session_failed", checks=checks)
    assert session.is_disputed
    return session, decision


def codes_told(session: Session) -> list[str]:
    return list(RejectionReason.objects.filter(session=session).values_list("code", flat=True))


def test_to_uphold_a_rejection_keeps_its_codes(officer: User, supervisor: User) -> None:
    ReasonCodeFactory(code="TORN")
    session, first = disputed(officer)

    decision = settle(session, supervisor, Outcome.REJECT, "TORN")
    now = now_is(session)
    assert (now.state, now.is_disputed, now.provider_state, now.decided_by) == (
        "REJECTED",
        False,
        "VERIFIED",
        supervisor,
    )
    assert (decision.settles, decision.status, decision.codes) == (first, "confirmed", ["LOW_CONFIDENCE"])
    assert codes_told(session) == ["LOW_CONFIDENCE"]
    assert precedents(decision) == {("LOW_CONFIDENCE", "reject")}
    ((_, actor, detail),) = said(session, "session.settled")
    assert (actor, detail["settles"], detail["is_upheld"]) == (supervisor.pk, first.pk, True)
    assert is_sound(session)


def test_to_follow_ralio_in_approving_has_no_codes(officer: User, supervisor: User) -> None:
    session, _ = disputed(officer)
    decision = settle(session, supervisor, Outcome.APPROVE, "LOW_CONFIDENCE")
    assert (now_is(session).state, decision.codes, codes_told(session)) == ("VERIFIED", [], [])
    ((_, _, detail),) = said(session, "session.settled")
    assert detail["is_upheld"] is False
    assert is_sound(session)


def test_to_uphold_an_approval(officer: User, supervisor: User) -> None:
    session, _ = verified_here(officer, checks=TORN)
    assert settle(session, supervisor, Outcome.APPROVE).codes == []
    assert (now_is(session).state, now_is(session).provider_state) == ("VERIFIED", "REJECTED")
    assert is_sound(session)


def test_to_follow_ralio_in_rejecting_takes_the_codes_of_its_rejection(
    officer: User, supervisor: User
) -> None:
    session, _ = verified_here(officer, checks=TORN)
    assert settle(session, supervisor, Outcome.REJECT, "LOW_CONFIDENCE").codes == ["TORN"]
    assert (now_is(session).state, codes_told(session)) == ("REJECTED", ["TORN"])
    assert is_sound(session)


def test_or_the_last_known_ones_where_that_brought_none(settings: Any, officer: User) -> None:
    settings.KYC_FOUR_EYES = "none"
    session, _ = verified_here(officer, checks=None, state="Refused")
    assert settle(session, UserFactory(role="supervisor"), Outcome.REJECT).codes == ["LOW_CONFIDENCE"]
    assert is_sound(session)


def test_or_those_that_are_chosen_where_none_is_known(officer: User, supervisor: User) -> None:
    session, _ = verified_here(officer, checks=None)
    error = refused(lambda: settle(session, supervisor, Outcome.REJECT), session, ActRefused)
    assert list(error.message_dict) == ["codes"]
    error = refused(lambda: settle(session, supervisor, Outcome.REJECT, "NOVEL"), session, ActRefused)
    assert error.message_dict == {"codes": ["Not known here: NOVEL."]}

    ReasonCodeFactory(code="TORN")
    assert settle(session, supervisor, Outcome.REJECT, "TORN").codes == ["TORN"]
    assert is_sound(session)


def test_no_second_person_is_asked_for(settings: Any, officer: User, supervisor: User) -> None:
    settings.KYC_FOUR_EYES = "all"
    session = scene.in_review()
    review.confirm(rejected(session, officer).pk, by=UserFactory(role="officer"), seen=seen(session))
    scene.again(now_is(session), "kyc_session_verified")

    decision = settle(session, supervisor, Outcome.REJECT)
    assert (decision.status, decision.needs_checker) == ("confirmed", False)
    assert is_sound(session)


def test_the_second_dispute_is_about_the_settlement(officer: User, supervisor: User) -> None:
    session, _ = disputed(officer)
    first = settle(session, supervisor, Outcome.APPROVE)
    again = scene.again(now_is(session), "kyc_session_failed")
    assert review.disputed_decision(again) == first

    second = settle(again, UserFactory(role="supervisor"), Outcome.APPROVE)
    assert (second.settles, now_is(session).state) == (first, "VERIFIED")
    assert is_sound(session)


# --- Refused -------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["officer", "auditor", "admin", ""])
def test_only_supervisors_settle(role: str, officer: User) -> None:
    session, _ = disputed(officer)
    person = UserFactory(role=role)
    refused(lambda: settle(session, person, Outcome.REJECT), session, ActForbidden)


@pytest.mark.parametrize("part", ["maker", "checker"])
def test_who_took_part_in_the_decision_does_not_settle_it(
    part: str, settings: Any, officer: User, supervisor: User
) -> None:
    session = scene.in_review()
    if part == "maker":
        rejected(session, supervisor)
    else:
        review.ask_second_review(session.pk, by=officer, seen=seen(session), rationale=WORDS)
        review.confirm(rejected(session, officer).pk, by=supervisor, seen=seen(session))
    session = scene.again(now_is(session), "kyc_session_verified")
    refused(lambda: settle(session, supervisor, Outcome.APPROVE), session, ActForbidden, "Someone else")

    settings.KYC_FOUR_EYES = "none"
    assert settle(session, supervisor, Outcome.APPROVE).status == "confirmed"


def test_nothing_is_settled_that_is_not_disputed(supervisor: User) -> None:
    session = scene.in_review()
    refused(lambda: settle(session, supervisor, Outcome.APPROVE), session, SessionChanged, "do not disagree")


@pytest.mark.parametrize("act", ["approve", "reject", "hand_back", "ask_second_review"])
def test_what_is_disputed_is_settled_and_nothing_else(act: str, officer: User, supervisor: User) -> None:
    session, _ = disputed(officer)
    codes = {"codes": ["LOW_CONFIDENCE"]} if act == "reject" else {}
    refused(
        lambda: getattr(review, act)(session.pk, by=supervisor, seen=seen(session), rationale=WORDS, **codes),
        session,
        ActRefused,
        "disagree|settles",
    )


def test_it_wants_a_verdict_and_words(officer: User, supervisor: User) -> None:
    session, _ = disputed(officer)
    error = refused(
        lambda: settle(session, supervisor, Outcome.WAIT, rationale="Ralio is right."), session, ActRefused
    )
    assert list(error.message_dict) == ["outcome", "rationale"]


def test_another_supervisor_holds_it(officer: User, supervisor: User) -> None:
    session, _ = disputed(officer)
    claimed(session, UserFactory(username="eva", role="supervisor"))
    refused(lambda: settle(session, supervisor, Outcome.APPROVE), session, ActRefused, "eva holds")
