"""Approve and reject: what they leave in the rows, in the record and in how the next ones are decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from kyc import review
from kyc.models import RejectionReason, Session, User
from kyc.signals import session_changed
from tests.factories import ReasonCodeFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, is_sound, precedents, reviewed, seen
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def test_an_approval_verifies_the_session_at_once(officer: User) -> None:
    session = reviewed("Validated")
    before = seen(session)

    decision = review.approve(session.pk, by=officer, seen=before)
    now = now_is(session)
    assert (now.state, now.provider_state, now.decided_by) == ("VERIFIED", "REVIEW", officer)
    assert (now.assignee, now.due_at, now.version > before.version) == (None, None, True)
    assert (decision.status, decision.outcome, decision.codes, decision.checker) == (
        "confirmed",
        "approve",
        [],
        None,
    )
    assert (decision.version, decision.basis_id, decision.round) == (before.version, before.basis, 1)
    assert timezone.now() - decision.confirmed_at < timedelta(seconds=10)
    assert is_sound(session)


def test_a_rejection_stands_in_the_history_with_its_codes(officer: User) -> None:
    session = scene.in_review()
    ReasonCodeFactory(code="KYC.DOC.OTHER")
    codes = ["LOW_CONFIDENCE", "KYC.DOC.OTHER", "LOW_CONFIDENCE"]

    decision = review.reject(session.pk, by=officer, seen=seen(session), codes=codes, rationale=f" {WORDS} ")
    now = now_is(session)
    assert (now.state, now.decided_by, decision.n_refused) == ("REJECTED", officer, 1)
    assert (decision.codes, decision.rationale) == (["LOW_CONFIDENCE", "KYC.DOC.OTHER"], WORDS)
    rows = RejectionReason.objects.filter(session=session).values_list("code", "message", "is_earlier")
    assert list(rows) == [("LOW_CONFIDENCE", "Below threshold", False), ("KYC.DOC.OTHER", "", False)]
    assert is_sound(session)


def test_the_ledger_has_ids_codes_and_digests_and_no_words(officer: User) -> None:
    long = "L" * 300
    session = reviewed("Refused", code=long)
    decision = review.reject(session.pk, by=officer, seen=seen(session), codes=[long], rationale=WORDS)

    acts = [action for action, *_ in said(session) if action.startswith("session.")]
    assert acts == ["session.claimed", "session.rejected"]
    ((_, actor, detail),) = said(session, "session.rejected")
    assert (actor, detail) == (
        officer.pk,
        {
            "decision": decision.pk,
            "outcome": "reject",
            "codes": [review.digest(long)],
            "rationale": review.digest(WORDS),
        },
    )


def test_it_counts_for_the_codes_that_the_session_had_and_those_chosen(officer: User) -> None:
    session = scene.in_review()
    ReasonCodeFactory(code="KYC.DOC.OTHER")
    rejected = review.reject(
        session.pk, by=officer, seen=seen(session), codes=["KYC.DOC.OTHER"], rationale=WORDS
    )
    assert precedents(rejected) == {("LOW_CONFIDENCE", "reject"), ("KYC.DOC.OTHER", "reject")}

    other = reviewed("Validated")
    assert precedents(review.approve(other.pk, by=officer, seen=seen(other))) == set()


def test_whose_claim_has_ended_stands_in_nobodys_way(officer: User) -> None:
    session = claimed(reviewed("Validated"), UserFactory(role="officer"), minutes=-1)

    review.approve(session.pk, by=officer, seen=seen(session))
    assert now_is(session).state == "VERIFIED"


def test_who_tells_people_hears_of_it_in_the_same_transaction(officer: User) -> None:
    session, heard = reviewed("Validated"), []

    def listen(*, session: Session, old_state: str, delivery: object, **kwargs: object) -> None:
        heard.append((session.state, old_state, delivery))

    session_changed.connect(listen)
    try:
        review.approve(session.pk, by=officer, seen=seen(session))
    finally:
        session_changed.disconnect(listen)
    assert heard == [("VERIFIED", "REVIEW", None)]


def test_ralio_confirms_it_or_asks_for_another_review(officer: User) -> None:
    session = reviewed("Validated")
    review.approve(session.pk, by=officer, seen=seen(session))

    same = scene.again(session, "kyc_session_verified")
    assert (same.state, same.provider_state, same.is_disputed, same.decided_by) == (
        "VERIFIED",
        "VERIFIED",
        False,
        officer,
    )
    anew = scene.again(same)
    assert (anew.state, anew.round, anew.decided_by) == ("REVIEW", 2, None)
    assert is_sound(session)
