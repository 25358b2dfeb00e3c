"""Rule 4 with people in it: whatever they did, a rebuild finds no difference, and names what does not follow from it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from kyc import folding, ledger, review
from kyc.choices import DecisionStatus, Outcome
from kyc.models import Decision, Precedent, ReasonCode, Session, User
from kyc.rebuilding import rebuild
from kyc.review import Seen
from tests.factories import UserFactory
from tests.kyc.scene import again, in_review

pytestmark = pytest.mark.django_db
WHY = "The document and the selfie show one person."
CODES = ["LOW_CONFIDENCE"]


@pytest.fixture
def session(db: None) -> Session:
    return in_review()


def seen(session: Session) -> Seen:
    fresh = Session.objects.get(pk=session.pk)
    return Seen(fresh.version, folding.basis(fresh))


def propose(session: Session, by: User) -> Decision:
    """Approve over the refused check, which takes a second person."""
    decision = review.approve(session.pk, by=by, seen=seen(session), rationale=WHY)
    assert decision.status == DecisionStatus.PROPOSED
    return decision


def rebuilt(session: Session) -> list[str]:
    assert list(ledger.verify()) == []
    return rebuild(session.pk)


def test_nothing_differs_after_any_mix_of_acts(session: Session, officer: User, supervisor: User) -> None:
    def act(what: Any, *, by: User = supervisor, **more: Any) -> None:
        what(session.pk, by=by, seen=seen(session), **more)
        assert rebuilt(session) == []

    act(review.ask_second_review, by=officer, rationale="Look at the hologram.")
    act(
        review.wait,
        by=officer,
        until=timezone.now() + timedelta(days=2),
        rationale="A document is on its way.",
    )
    act(review.resume, by=officer)
    act(review.escalate, by=officer, rationale="Beyond me.")
    act(review.hand_back, rationale="It is not.")
    review.send_back(propose(session, officer).pk, by=supervisor, answer="Say more.")
    assert rebuilt(session) == []
    proposal = propose(session, officer)
    assert rebuilt(session) == []
    review.confirm(proposal.pk, by=supervisor, seen=seen(session))
    assert rebuilt(session) == []
    review.undo(proposal.pk, by=supervisor)
    assert rebuilt(session) == []
    review.release(session.pk, by=supervisor)
    review.confirm(propose(session, officer).pk, by=supervisor, seen=seen(session))
    again(session, "kyc_session_failed")
    assert Session.objects.get().is_disputed
    act(review.settle, by=UserFactory(role="supervisor"), outcome=Outcome.REJECT, rationale=WHY)
    again(session)
    assert rebuilt(session) == []
    assert Session.objects.get().round == 2


def test_a_lapsed_proposal_is_lapsed_in_a_rebuild_too(session: Session, officer: User) -> None:
    proposal = propose(session, officer)
    assert Session.objects.get().proposed_by == officer
    again(session)

    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.LAPSED
    assert Session.objects.get().proposed_by is None
    assert rebuilt(session) == []
    Decision.objects.update(status=DecisionStatus.PROPOSED)
    assert rebuild(session.pk) == [f"decision {proposal.pk} status"]
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.LAPSED


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ({"escalated_at": None, "is_suspect": False}, ["session escalated_at", "session is_suspect"]),
        ({"proposed_by": None}, ["session proposed_by_id"]),
        ({"first_event_at": timezone.now()}, ["session first_event_at"]),
        ({"is_second_review": False}, ["session is_second_review"]),
        ({"snoozed_until": None}, ["session snoozed_until"]),
    ],
)
def test_a_damaged_column_of_the_work_is_named_and_mended(
    session: Session, supervisor: User, damage: dict[str, Any], named: list[str]
) -> None:
    ReasonCode.objects.update(is_suspicion=True)
    rebuild(session.pk)
    review.ask_second_review(session.pk, by=supervisor, seen=seen(session), rationale="Look at it.")
    until = timezone.now() + timedelta(days=2)
    review.wait(session.pk, by=supervisor, seen=seen(session), until=until, rationale="A document comes.")
    propose(session, supervisor)
    assert rebuilt(session) == []

    Session.objects.update(**damage)
    assert rebuild(session.pk) == named
    assert rebuilt(session) == []


def test_claims_and_precedents_are_not_of_the_fold(session: Session, officer: User) -> None:
    review.claim(session.pk, by=officer)
    assert rebuilt(session) == []
    assert Session.objects.get().assignee == officer
    review.reject(session.pk, by=officer, seen=seen(session), codes=CODES, rationale=WHY)
    n_precedents = Precedent.objects.count()

    out = io.StringIO()
    call_command("rebuild_sessions", stdout=out)
    assert out.getvalue() == "1 sessions recomputed, 0 differed and were mended.\n"
    assert Precedent.objects.count() == n_precedents == 1
