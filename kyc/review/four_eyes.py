"""The second pair of eyes: when one is needed, and what it does with a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from kyc.choices import FINAL_OUTCOMES, DecisionStatus, FourEyes, Outcome
from kyc.exceptions import ActForbidden, ClaimedByAnother, SessionChanged
from kyc.models import Decision, ReasonCode, Session, User
from kyc.models.digests import text_digest
from kyc.review import acts, writing
from kyc.review.corrections import digest


def needs_checker(
    session: Session, outcome: Outcome, codes: Sequence[str] = (), *, by: User | None = None
) -> bool:
    """Return True when a second person has to confirm this outcome.

    A suspicion that an officer raises is one for a supervisor to confirm; without `by` an officer's is meant.
    """
    if outcome not in FINAL_OUTCOMES:
        return False
    is_supervisor = by is not None and by.has_perm(acts.SUPERVISE)
    if session.is_second_review or (has_suspicion(codes) and not is_supervisor):
        return True
    match FourEyes(settings.KYC_FOUR_EYES):
        case FourEyes.OVERRIDES:
            return outcome == Outcome.APPROVE and session.n_refused > 0
        case FourEyes.APPROVALS:
            return outcome == Outcome.APPROVE
        case FourEyes.REJECTIONS:
            return outcome == Outcome.REJECT
        case FourEyes.ALL:
            return True
        case FourEyes.NONE:
            return False


def has_suspicion(codes: Sequence[str]) -> bool:
    """Return True when one of the codes is marked as a suspicion."""
    return bool(codes) and suspicions(codes).exists()


def suspicions(codes: Sequence[str]) -> QuerySet[ReasonCode]:
    """Return those of the codes that are marked as suspicions."""
    return ReasonCode.objects.filter(digest__in=[text_digest(code) for code in codes], is_suspicion=True)


def confirm(decision_id: int, *, by: User, seen: acts.Seen) -> Decision:
    """Confirm what another person proposed: it decides the session from now on."""
    with transaction.atomic():
        session, decision, now = _lock_to_check(decision_id, by)
        acts.guard_seen(session, seen)
        decision.status, decision.confirmed_at = DecisionStatus.CONFIRMED, now
        decision.checker, decision.checked_at = by, now
        decision.save(update_fields=["status", "confirmed_at", "checker", "checked_at"])
        writing.precede(decision)
        change = writing.refold(session)
        writing.record(decision, "session.confirmed", by=by, maker=decision.maker_id)
        writing.tell(change, by=by)
    return decision


def send_back(decision_id: int, *, by: User, answer: str) -> Decision:
    """Return a proposal to its maker with words; the session can be decided anew."""
    with transaction.atomic():
        session, decision, now = _lock_to_check(decision_id, by)
        writing.guard_faults(answer=writing.fault_of_words(answer, writing.LEAST_WORDS))
        decision.status, decision.answer = DecisionStatus.RETURNED, answer.strip()
        decision.checker, decision.checked_at = by, now
        decision.save(update_fields=["status", "answer", "checker", "checked_at"])
        writing.refold(session)
        # Who held it to check it has done so.
        writing.give_back(session, decision.maker, now, instead_of=by)
        answered = digest(decision.answer)
        writing.record(decision, "session.returned", by=by, maker=decision.maker_id, answer=answered)
    return decision


def _lock_to_check(decision_id: int, by: User) -> tuple[Session, Decision, datetime]:
    """Return the locked session, the proposal and the instant, if this person may say something to it.

    The fold lets a proposal lapse when a newer event counts, so one that stands is about what is there now.
    """
    session, decision = writing.lock_decision(decision_id)
    now = timezone.now()
    acts.guard_may(by, acts.CHECK, gettext("Your role does not confirm the decisions of others."))
    if decision.maker == by:
        raise ActForbidden(_is_own_proposal(decision))
    if acts.is_for_supervisors(session) or has_suspicion(decision.codes):
        acts.guard_may(by, acts.SUPERVISE, gettext("A supervisor has to confirm this."))
    acts.guard_in_review(session)
    if decision.status != DecisionStatus.PROPOSED:
        words = gettext("This proposal does not stand any more. It is %(status)s.")
        raise SessionChanged(words % {"status": decision.get_status_display().lower()})
    holder = acts.holder(session, now)
    if holder is not None and holder not in (by, decision.maker):
        raise ClaimedByAnother(gettext("%(name)s holds this session.") % {"name": holder.username})
    return session, decision, now


def _is_own_proposal(decision: Decision) -> str:
    match decision.outcome:
        case Outcome.APPROVE:
            return gettext("Someone else has to confirm. You proposed to approve this session.")
        case Outcome.REJECT:
            return gettext("Someone else has to confirm. You proposed to reject this session.")
    return gettext("Someone else has to confirm. You proposed to decide this session.")
