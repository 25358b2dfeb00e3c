"""What a session's decisions come to for a person: which holds, what can be undone, who may answer a proposal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from kyc import review
from kyc.choices import FINAL_OUTCOMES, DecisionStatus, FourEyes, Outcome, SessionState
from kyc.desk.holding import Claim
from kyc.desk.portal import LIFETIME
from kyc.models import Decision, Session, User
from kyc.review import acts, writing


@dataclass(frozen=True, slots=True)
class Record:
    """A decision that holds, and what it left to be done. Without `undo_until` it stands."""

    decision: Decision
    notifications: Sequence[Any]
    undo_until: datetime | None = None
    expires_at: datetime | None = None

    @property
    def left(self) -> timedelta:
        """Return how long Ralio keeps the session."""
        return self.expires_at - timezone.now() if self.expires_at else timedelta()

    @property
    def days_left(self) -> int:
        return max(self.left.days, 0)

    @property
    def is_over(self) -> bool:
        return self.left < timedelta()


@dataclass(frozen=True, slots=True)
class Work:
    """The decisions of the present round, oldest first: which one holds, and which waits for another person."""

    decisions: Sequence[Decision]
    holding: Decision | None
    proposal: Decision | None


def work(session: Session, decisions: Iterable[Decision]) -> Work:
    present = [decision for decision in decisions if decision.round == session.round]
    proposal = next((row for row in present if row.status == DecisionStatus.PROPOSED), None)
    return Work(present, last_of(present, *FINAL_OUTCOMES), proposal)


def may_answer(
    session: Session, person: User, proposal: Decision, claim: Claim, *, is_suspicion: bool
) -> bool:
    """Return True when the person could confirm the proposal or send it back. As `review.confirm` guards it."""
    if proposal.maker_id == person.pk or not person.has_perm(acts.CHECK):
        return False
    if claim.holder not in (None, person, proposal.maker):
        return False
    for_supervisors = acts.is_for_supervisors(session) or is_suspicion
    return not for_supervisors or person.has_perm(acts.SUPERVISE)


def took_part(person: User, decision: Decision) -> bool:
    """Return True for one of the two people of a decision, who does not settle the dispute about it."""
    return settings.KYC_FOUR_EYES != FourEyes.NONE and person in (decision.maker, decision.checker)


def settles_with(person: User, decision: Decision, ralios: Iterable[str]) -> Sequence[str]:
    """Return the codes that a settlement to reject has of itself, as `review.codes_of` does; `ralios` are Ralio's."""
    if not person.has_perm(acts.SUPERVISE):
        return ()
    return decision.codes if decision.outcome == Outcome.REJECT else writing.each_once(ralios)


def record_of(session: Session, person: User, decision: Decision) -> Record:
    """Return the decision with who was told of it, and what its reader may still do."""
    until = review.undo_until(decision)
    may_undo = person in (decision.maker, decision.checker) or person.has_perm(acts.SUPERVISE)
    told = [row for row in session.notifications.all() if row.round == session.round]
    is_unentered = session.provider_state == SessionState.REVIEW
    return Record(
        decision,
        [row for row in told if row.created_at >= (decision.confirmed_at or decision.proposed_at)],
        until if may_undo and until and until > timezone.now() else None,
        session.first_event_at + LIFETIME if is_unentered else None,
    )


def last_of(decisions: Iterable[Decision], *outcomes: Outcome) -> Decision | None:
    """Return the newest confirmed decision of these kinds."""
    found = [row for row in decisions if row.status == DecisionStatus.CONFIRMED and row.outcome in outcomes]
    return max(found, key=lambda row: (row.confirmed_at or row.proposed_at, row.pk), default=None)


def returned_to(decisions: Sequence[Decision], person: User) -> Decision | None:
    """Return the person's proposal that was sent back, until anything else is decided."""
    last = decisions[-1] if decisions else None
    is_mine = last is not None and last.maker_id == person.pk
    return last if last and is_mine and last.status == DecisionStatus.RETURNED else None


def earlier_rounds(decisions: Iterable[Decision], session: Session) -> list[Decision]:
    """Return what ended earlier rounds here, the newest first."""
    return [
        row
        for row in reversed(list(decisions))
        if row.round < session.round
        and row.status == DecisionStatus.CONFIRMED
        and row.outcome in FINAL_OUTCOMES
    ]
