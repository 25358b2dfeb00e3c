"""What a person does with a session that stays in review: hand it up or down, ask for another look, wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext, ngettext

from kyc.choices import Outcome
from kyc.exceptions import ActRefused
from kyc.models import Decision, Session, User
from kyc.review import acts, claims, writing
from kyc.review.writing import Acting

LONGEST_WAIT = timedelta(days=60)


def escalate(
    session_id: UUID, *, by: User, seen: acts.Seen, rationale: str, to: User | None = None
) -> Decision:
    """Leave a session to supervisors. `to` is one of them, who holds it then; else it is free for each of them."""
    with transaction.atomic():
        acting = writing.lock_to_act(session_id, by, seen)
        _guard_words(rationale, to=_fault_of_supervisor(to))
        decision = _write(acting, Outcome.ESCALATE, rationale, addressee=to)
        claims.give(acting.session, to, acting.now)
        _record(decision, "session.escalated")
        writing.refer(decision)
    return decision


def hand_back(session_id: UUID, *, by: User, seen: acts.Seen, rationale: str) -> Decision:
    """Give an escalated session back to officers. A supervisor does, and not with one under suspicion."""
    with transaction.atomic():
        acting = writing.lock_to_act(session_id, by, seen)
        acts.guard_may(by, acts.SUPERVISE, gettext("Only supervisors hand sessions back to officers."))
        _guard_for_officers(acting.session)
        _guard_words(rationale)
        decision = _write(acting, Outcome.HAND_BACK, rationale)
        claims.give(acting.session, None, acting.now)
        _record(decision, "session.handed_back")
    return decision


def ask_second_review(
    session_id: UUID, *, by: User, seen: acts.Seen, rationale: str, to: User | None = None
) -> Decision:
    """Ask for a second pair of eyes: any decision then needs a checker. `to` is whom the asker would like it to be."""
    with transaction.atomic():
        acting = writing.lock_to_act(session_id, by, seen)
        if acting.session.is_disputed:
            raise ActRefused(gettext("A supervisor settles this session, and that is the second look."))
        _guard_words(rationale, to=_fault_of_checker(acting, to))
        claims.take(acting.session, by, acting.now)
        decision = _write(acting, Outcome.SECOND_REVIEW, rationale, addressee=to)
        _record(decision, "session.second_review_asked")
        writing.refer(decision)
    return decision


def wait(session_id: UUID, *, by: User, seen: acts.Seen, until: datetime, rationale: str) -> Decision:
    """Put a session aside until an instant, or until Ralio sends it to review again. Its clock stands still."""
    with transaction.atomic():
        acting = writing.lock_to_act(session_id, by, seen)
        _guard_words(rationale, until=_fault_of_until(until, acting.now))
        decision = _write(acting, Outcome.WAIT, rationale, wait_until=until)
        claims.give(acting.session, None, acting.now)
        _record(decision, "session.waited", until=until.isoformat())
    return decision


def resume(session_id: UUID, *, by: User, seen: acts.Seen) -> Decision:
    """End a wait and take the session."""
    with transaction.atomic():
        acting = writing.lock_to_act(session_id, by, seen)
        if acting.session.snoozed_until is None:
            raise ActRefused(gettext("This session does not wait for anything."))
        claims.take(acting.session, by, acting.now)
        decision = _write(acting, Outcome.RESUME)
        _record(decision, "session.resumed")
    return decision


def _write(acting: Acting, outcome: Outcome, rationale: str = "", **columns: Any) -> Decision:
    """Write the decision and fold it. No signal: the session stays in its state and round."""
    decision = writing.decided(acting, outcome, rationale=rationale, **columns)
    writing.refold(acting.session)
    return decision


def _record(decision: Decision, action: str, **detail: str) -> None:
    writing.record(decision, action, by=decision.maker, to=decision.addressee_id, **detail)


def _guard_words(rationale: str, **faults: str) -> None:
    writing.guard_faults(rationale=writing.fault_of_words(rationale, writing.LEAST_WORDS), **faults)


def _guard_for_officers(session: Session) -> None:
    if session.is_suspect:
        raise ActRefused(
            gettext("A code of this session is marked as a suspicion: it stays with supervisors.")
        )
    if session.is_disputed:
        raise ActRefused(gettext("Ralio and this desk disagree about this session: a supervisor settles it."))
    if session.escalated_at is None:
        raise ActRefused(gettext("Officers have this session already."))


def _fault_of_supervisor(to: User | None) -> str:
    if to is None or acts.people_with(acts.DECIDE, acts.SUPERVISE).filter(pk=to.pk).exists():
        return ""
    return gettext("%(name)s is no supervisor.") % {"name": to.username}


def _fault_of_checker(acting: Acting, to: User | None) -> str:
    if to is None:
        return ""
    if to == acting.by:
        return gettext("Ask somebody else: a second review takes two people.")
    needed = [acts.CHECK, acts.SUPERVISE] if acts.is_for_supervisors(acting.session) else [acts.CHECK]
    if acts.people_with(*needed).filter(pk=to.pk).exists():
        return ""
    words = gettext("%(name)s may not confirm a decision about this session.")
    return words % {"name": to.username}


def _fault_of_until(until: datetime, now: datetime) -> str:
    if until <= now:
        return gettext("Choose a time that is still to come.")
    if until > now + LONGEST_WAIT:
        days = LONGEST_WAIT.days
        words = ngettext(
            "Choose a time within the next %(n)d day.", "Choose a time within the next %(n)d days.", days
        )
        return words % {"n": days}
    return ""
