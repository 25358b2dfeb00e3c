"""Approve and reject: what ends a review, at once or when a second person confirms it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from kyc.choices import CheckState, DecisionStatus, Outcome
from kyc.exceptions import ActRefused
from kyc.models import Check, Decision, Session, User
from kyc.review import acts, claims, four_eyes, writing
from kyc.review.writing import Acting

ACTIONS = {Outcome.APPROVE: "session.approved", Outcome.REJECT: "session.rejected"}


def approve(session_id: UUID, *, by: User, seen: acts.Seen, rationale: str = "") -> Decision:
    """Approve a session, or propose it where a second person has to look.

    A rationale is needed where any check is refused or unknown.
    """
    with transaction.atomic():
        acting = _lock_to_decide(session_id, by, seen)
        writing.guard_faults(rationale=writing.fault_of_words(rationale, least_rationale(acting.session)))
        return _decide(acting, Outcome.APPROVE, rationale)


def reject(session_id: UUID, *, by: User, seen: acts.Seen, codes: Sequence[str], rationale: str) -> Decision:
    """Reject a session for reasons that came with it or are in the catalogue, or propose it likewise."""
    with transaction.atomic():
        acting = _lock_to_decide(session_id, by, seen)
        codes = writing.each_once(codes)
        writing.guard_faults(
            codes=writing.fault_of_codes(acting.session, codes),
            rationale=writing.fault_of_words(rationale, writing.LEAST_RATIONALE),
        )
        return _decide(acting, Outcome.REJECT, rationale, codes)


def least_rationale(session: Session) -> int:
    """Return how many characters an approval has to give as its rationale: none when every check is validated."""
    checks = Check.objects.filter(delivery=session.evidence_id)
    return writing.LEAST_RATIONALE if checks.exclude(state=CheckState.VALIDATED).exists() else 0


def _lock_to_decide(session_id: UUID, by: User, seen: acts.Seen) -> Acting:
    acting = writing.lock_to_act(session_id, by, seen)
    if acting.session.is_disputed:
        raise ActRefused(
            gettext("Ralio and this desk disagree about this session. Settle it: uphold, or follow Ralio.")
        )
    claims.take(acting.session, by, acting.now)
    return acting


def _decide(acting: Acting, outcome: Outcome, rationale: str, codes: Sequence[str] = ()) -> Decision:
    session, by = acting.session, acting.by
    if four_eyes.needs_checker(session, outcome, codes, by=by):
        return _propose(acting, outcome, rationale, codes)
    decision = writing.decided(acting, outcome, rationale=rationale, codes=codes)
    writing.precede(decision)
    change = writing.refold(session)
    writing.record(decision, ACTIONS[outcome], by=by)
    writing.tell(change, by=by)
    return decision


def _propose(acting: Acting, outcome: Outcome, rationale: str, codes: Sequence[str]) -> Decision:
    """Leave the decision to another person, and the session free to be claimed by one.

    A suspicion sends it to supervisors, and there it stays should the proposal not stand.
    """
    session, by = acting.session, acting.by
    escalation = None
    if four_eyes.has_suspicion(codes) and not acts.is_for_supervisors(session):
        escalation = writing.decided(acting, Outcome.ESCALATE, rationale=rationale)
    decision = writing.decided(
        acting,
        outcome,
        rationale=rationale,
        codes=codes,
        status=DecisionStatus.PROPOSED,
        needs_checker=True,
        confirmed_at=None,
    )
    writing.refold(session)
    claims.give(session, None, acting.now)
    if escalation is not None:
        writing.record(escalation, "session.escalated", by=by, to=None)
    writing.record(decision, "session.proposed", by=by)
    if escalation is not None:
        writing.refer(escalation)
    return decision
