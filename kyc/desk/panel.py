"""The right side of the session page: who works at the session, what can be decided, and what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from kyc import review
from kyc.choices import FINAL_OUTCOMES, Outcome, SessionState
from kyc.desk import reasons, standing
from kyc.desk.conflicts import Conflict
from kyc.desk.deciders import Deciders
from kyc.desk.evidence import CheckSet
from kyc.desk.forms import ActForm
from kyc.desk.holding import Claim, claim_of
from kyc.desk.opening import Forms, Opening
from kyc.desk.standing import Work
from kyc.models import Decision, Session, User
from kyc.review import Seen, acts

type Mode = Literal["none", "record", "dispute", "proposal", "reader", "supervisors", "held", "form"]


@dataclass(frozen=True, slots=True)
class Panel:
    """What a person finds beside the evidence."""

    mode: Mode
    session: Session
    seen: Seen
    claim: Claim
    forms: Forms
    may_note: bool = False
    may_decide: bool = False
    may_supervise: bool = False
    may_check: bool = False
    may_answer: bool = False
    role: str = ""
    supervisors: Sequence[User] = ()
    reviewers: Sequence[User] = ()
    options: reasons.Options | None = None
    record: standing.Record | None = None
    proposal: Decision | None = None
    returned: Decision | None = None
    is_maker: bool = False
    is_override: bool = False
    disputed: Decision | None = None
    took_part: bool = False
    settles_with: Sequence[str] = ()
    waiting: Decision | None = None
    escalation: Decision | None = None
    second_review: Decision | None = None
    earlier: Sequence[Decision] = ()
    needs_checker: Mapping[str, bool] = field(default_factory=dict)
    undo_minutes: int = 0
    conflict: Conflict | None = None

    @property
    def is_waiting(self) -> bool:
        until = self.session.snoozed_until
        return until is not None and until > timezone.now()

    @property
    def may_settle(self) -> bool:
        is_free = self.claim.holder is None or self.claim.is_mine
        return self.mode == "dispute" and self.may_supervise and not self.took_part and is_free

    @property
    def may_hand_back(self) -> bool:
        """Return True for a supervisor who finds what was escalated by a person."""
        is_escalated = self.session.escalated_at is not None and not self.session.is_suspect
        return self.mode == "form" and self.may_supervise and is_escalated

    @property
    def verdicts(self) -> Sequence[str]:
        """Return how a dispute can end: by our own verdict, or by Ralio's."""
        ours = self.disputed.outcome if self.disputed else ""
        return sorted(map(str, FINAL_OUTCOMES), key=lambda outcome: outcome != ours)

    @property
    def override_label(self) -> str:
        n = self.session.n_refused
        words = ngettext("Why override %(n)s refused check?", "Why override %(n)s refused checks?", n)
        return words % {"n": n}

    @property
    def release_label(self) -> str:
        holder = self.claim.holder
        return gettext("Release for %(name)s") % {"name": holder.username} if holder else ""

    @property
    def typed(self) -> str:
        """Return what was typed and has no form here any more, to be copied or kept as a note."""
        lost = (
            form.typed for name, form in self.forms.by_name.items() if form.is_bound and not self.shows(name)
        )
        return "\n".join(text for text in lost if text)

    @property
    def is_kept(self) -> bool:
        """Return True when the form that was sent is on the page again."""
        return any(form.is_bound and self.shows(name) for name, form in self.forms.by_name.items())

    def shows(self, name: str) -> bool:
        """Return True when the page has a form of this name for its reader."""
        if name == "note":
            return self.may_note
        if name == "answer":
            return self.may_answer
        if name == "settle":
            return self.may_settle
        is_hand_back = self.forms.decide.chosen == Outcome.HAND_BACK
        return self.mode == "form" and (not is_hand_back or self.may_hand_back)

    @property
    def faulty(self) -> ActForm | None:
        """Return the form whose faults head the page."""
        return next(
            (form for name, form in self.forms.by_name.items() if form.faults and self.shows(name)), None
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """How a person finds the session: who else is about, who holds it, what was decided, and so what can be done."""

    session: Session
    opening: Opening
    people: Deciders
    claim: Claim
    work: Work
    mode: Mode

    @property
    def forms(self) -> Forms:
        return self.opening.typed.forms

    @property
    def ticked(self) -> Sequence[str]:
        """Return the codes that were ticked before in the form that the page has."""
        return self.forms.settle.ticked if self.mode == "dispute" else self.forms.decide.ticked

    @property
    def search(self) -> str:
        return self.opening.typed.search or self.opening.search

    @property
    def chooses(self) -> bool:
        """Return True when the page offers codes to tick."""
        return self.mode in ("form", "dispute")


def stand(
    session: Session, opening: Opening, people: Deciders, work: Work, held_since: datetime | None
) -> Stand:
    claim = claim_of(session, opening.person, people, timezone.now(), held_since)
    mode = _mode(session, opening.person, claim, work.holding, work.proposal)
    return Stand(session, opening, people, claim, work, mode)


def build(
    stand: Stand,
    seen: Seen,
    decisions: Sequence[Decision],
    sets: Sequence[CheckSet],
    *,
    options: reasons.Options | None,
    is_suspicion: bool,
    ralios_codes: Sequence[str],
    conflict: Conflict | None,
) -> Panel:
    """Return the panel for a person. `decisions` are all of the session's, oldest first, with their people.

    `is_suspicion` says that the proposal has a code marked as one; `ralios_codes` are those that Ralio rejected with.
    """
    session, person, mode, claim = stand.session, stand.opening.person, stand.mode, stand.claim
    present, holding, proposal = stand.work.decisions, stand.work.holding, stand.work.proposal
    return Panel(
        mode,
        session,
        seen,
        claim,
        stand.forms,
        may_note=person.has_perm("kyc.add_note"),
        may_decide=person.has_perm(acts.DECIDE),
        may_supervise=person.has_perm(acts.SUPERVISE),
        may_check=person.has_perm(acts.CHECK),
        may_answer=proposal is not None
        and standing.may_answer(session, person, proposal, claim, is_suspicion=is_suspicion),
        role=person.role,
        supervisors=stand.people.other_supervisors(person),
        reviewers=stand.people.others(person),
        options=options,
        record=standing.record_of(session, person, holding) if mode == "record" and holding else None,
        proposal=proposal if mode == "proposal" else None,
        returned=standing.returned_to(present, person) if session.state == SessionState.REVIEW else None,
        is_maker=proposal is not None and proposal.maker_id == person.pk,
        is_override=_is_override(sets),
        disputed=holding if mode == "dispute" else None,
        took_part=standing.took_part(person, holding) if mode == "dispute" and holding else False,
        settles_with=standing.settles_with(person, holding, ralios_codes)
        if mode == "dispute" and holding
        else (),
        waiting=standing.last_of(present, Outcome.WAIT) if session.snoozed_until else None,
        escalation=standing.last_of(present, Outcome.ESCALATE) if session.escalated_at else None,
        second_review=standing.last_of(present, Outcome.SECOND_REVIEW) if session.is_second_review else None,
        earlier=standing.earlier_rounds(decisions, session),
        needs_checker=_needs_checker(session, person, mode),
        undo_minutes=int(settings.KYC_UNDO.total_seconds() // 60),
        conflict=conflict,
    )


def _mode(
    session: Session, person: User, claim: Claim, holding: Decision | None, proposal: Decision | None
) -> Mode:
    if session.state != SessionState.REVIEW:
        return "record" if holding is not None and session.decided_by_id else "none"
    if session.is_disputed:
        return "dispute"
    if proposal is not None:
        return "proposal"
    if not person.has_perm(acts.DECIDE):
        return "reader"
    if acts.is_for_supervisors(session) and not person.has_perm(acts.SUPERVISE):
        return "supervisors"
    return "held" if claim.holder is not None and not claim.is_mine else "form"


def _needs_checker(session: Session, person: User, mode: Mode) -> dict[str, bool]:
    if mode != "form":
        return {}
    return {outcome.value: review.needs_checker(session, outcome, by=person) for outcome in FINAL_OUTCOMES}


def _is_override(sets: Sequence[CheckSet]) -> bool:
    """Return True when an approval has to say why: not every check of the newest set is validated."""
    return bool(sets) and sets[0].n_validated < sets[0].fact.n_checks
