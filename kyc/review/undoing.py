"""Undo: for a few minutes a decision can be taken back, before anybody outside hears of it; a proposal at any time."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from kyc import folding
from kyc.choices import FINAL_OUTCOMES, OUTCOME_STATES, DecisionStatus, Outcome
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import Decision, Session, User
from kyc.review import acts, writing


def undo_until(decision: Decision) -> datetime | None:
    """Return the instant from which on the decision stays; None for one that cannot be undone at all."""
    is_final = decision.outcome in FINAL_OUTCOMES and decision.status == DecisionStatus.CONFIRMED
    return decision.confirmed_at + settings.KYC_UNDO if is_final and decision.confirmed_at else None


def undo(decision_id: int, *, by: User) -> Decision:
    """Take back what decides a session, within the window, or one's own proposal. It goes on with who did."""
    with transaction.atomic():
        session, decision = writing.lock_decision(decision_id)
        now = timezone.now()
        was_proposed = decision.status == DecisionStatus.PROPOSED
        if was_proposed:
            _guard_own_proposal(decision, by)
        else:
            _guard_may_undo(decision, by)
            _guard_in_time(decision, now)
            _guard_decides(session, decision)
        decision.status, decision.undone_at, decision.undone_by = DecisionStatus.UNDONE, now, by
        decision.save(update_fields=["status", "undone_at", "undone_by"])
        decision.precedents.all().delete()
        change = writing.refold(session)
        writing.give_back(session, by, now)
        writing.record(decision, "session.undone", by=by, was_proposed=was_proposed)
        writing.tell(change, by=by)
    return decision


def _guard_own_proposal(decision: Decision, by: User) -> None:
    acts.guard_may(by, acts.DECIDE, acts.MAY_NOT_DECIDE)
    if decision.maker != by:
        words = gettext("Only %(name)s can take this proposal back. You can return it with words.")
        raise ActForbidden(words % {"name": decision.maker.username})


def _guard_may_undo(decision: Decision, by: User) -> None:
    acts.guard_may(by, acts.DECIDE, acts.MAY_NOT_DECIDE)
    if by not in (decision.maker, decision.checker):
        acts.guard_may(by, acts.SUPERVISE, gettext("Only who decided this, or a supervisor, can undo it."))


def _guard_in_time(decision: Decision, now: datetime) -> None:
    until = undo_until(decision)
    if decision.status != DecisionStatus.CONFIRMED:
        words = gettext("There is nothing to undo. This is %(status)s.")
        raise ActRefused(words % {"status": decision.get_status_display().lower()})
    if until is None:
        raise ActRefused(gettext("Only an approval or a rejection can be undone."))
    if now >= until:
        local = timezone.localtime(until)
        words = gettext("Undo came too late. It was possible until %(time)s %(zone)s.")
        raise ActRefused(words % {"time": f"{local:%H:%M}", "zone": local.tzname()})


def _guard_decides(session: Session, decision: Decision) -> None:
    """Refuse to undo what Ralio has answered since: the session's state is not this decision's alone any more."""
    decides = session.state == OUTCOME_STATES[Outcome(decision.outcome)]
    if not decides or not _is_about_the_newest(session, decision):
        raise ActRefused(
            gettext("Ralio has said more about this session since, so this decision cannot be undone.")
        )


def _is_about_the_newest(session: Session, decision: Decision) -> bool:
    """Return True when no event counts that is newer than what the decision's maker had seen."""
    # Folded with the decision: what the API says of a review that it has ended does not count.
    newest = folding.folded(session, ()).basis
    if newest is None or newest == decision.basis_id:
        return True
    facts = {fact.delivery: fact for fact in folding.facts(session)}
    seen, now = facts[decision.basis_id], facts[newest]
    # Who knew it from the API knew the event that came late.
    return seen.is_api and (seen.at, seen.state) == (now.at, now.state)
