"""The pure fold: what a session is, given its events, decisions and corrections, in whatever order they came.

Ingestion and `rebuild_sessions` both use it, so that what is stored is what the evidence says. Nothing here reads the
clock or a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kyc.choices import (
    FINAL_OUTCOMES,
    FINAL_STATES,
    OUTCOME_STATES,
    DecisionStatus,
    EntityType,
    FacetKind,
    Outcome,
    SessionState,
)

# Events of one instant: the later one here wins.
_RANK = {
    state: rank
    for rank, state in enumerate(
        (
            SessionState.NOT_STARTED,
            SessionState.STARTED,
            SessionState.REVIEW,
            SessionState.EXPIRED,
            SessionState.VERIFIED,
            SessionState.REJECTED,
        )
    )
}
_LATEST = datetime.max.replace(tzinfo=UTC)

Order = tuple[datetime, bool, int, int]
# A stretch of time in which the target's clock stood still.
Pause = tuple[datetime, datetime]
# When a review is due that began at an instant and was paused since; the pauses are in order.
Clock = Callable[[datetime, Sequence[Pause]], datetime]


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of a session. `delivery` is the id of the row that holds it.

    With `is_api` it is what Ralio's API answered when asked. That fills gaps: it stands before what Ralio sent of the
    same instant, its state counts only while nothing that was sent is as new, and it never opens a round.
    `is_suspect` says that it brought a code that is marked as a suspicion.
    """

    delivery: int
    event_id: UUID
    at: datetime
    state: SessionState
    entity_type: EntityType = EntityType.UNKNOWN
    user_id: UUID | None = None
    related_party_id: UUID | None = None
    n_checks: int = 0
    n_reasons: int = 0
    is_api: bool = False
    is_suspect: bool = False

    @property
    def order(self) -> Order:
        return (self.at, not self.is_api, _RANK[SessionState(self.state)], self.event_id.int)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. `basis` is the delivery of the newest event that its maker had seen."""

    id: int
    outcome: Outcome
    status: DecisionStatus
    by: int
    basis: int
    confirmed_at: datetime | None = None
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """One correction of a session's own field, oldest first; a due time holds for its round only."""

    field: str
    value: UUID | datetime | EntityType | None
    round: int


@dataclass(frozen=True, slots=True)
class Projection:
    """What a session is. `evidence`, `verdict` and `basis` are deliveries; `verdict_decision` and `proposal` decisions.

    `opened_by` is the delivery of the REVIEW event that opened the present round. `basis` brought the newest event that counts. `proposal` waits for a second person.
    """

    provider_state: SessionState
    state: SessionState
    state_since: datetime
    first_event_at: datetime
    last_event_at: datetime
    entity_type: EntityType = EntityType.UNKNOWN
    user_id: UUID | None = None
    related_party_id: UUID | None = None
    round: int = 1
    is_disputed: bool = False
    decided_by_id: int | None = None
    due_at: datetime | None = None
    snoozed_until: datetime | None = None
    is_second_review: bool = False
    escalated_at: datetime | None = None
    is_suspect: bool = False
    proposed_by_id: int | None = None
    opened_by: int | None = None
    evidence_id: int | None = None
    basis: int | None = None
    proposal: int | None = None
    verdict: int | None = None
    verdict_decision: int | None = None
    is_verdict_earlier: bool = False


@dataclass(frozen=True, slots=True)
class ReasonOf:
    """One reason as it stands after corrections, with the type of its check."""

    check_type: str
    type: str
    code: str
    message: str
    category: str


@dataclass(slots=True)
class _Walk:
    """Where a session stands while its events and decisions pass in order. `last` is the last event that counted.

    `opened_at` is when the present round began, unless it is the first. `pauses` are the waits of the present review.
    """

    state: SessionState
    since: datetime
    last: Fact
    round: int = 1
    is_closed: bool = False
    opener: int | None = None
    decided: Decided | None = None
    is_disputed: bool = False
    snoozed_until: datetime | None = None
    is_second_review: bool = False
    escalated_at: datetime | None = None
    opened_at: datetime | None = None
    proposal: Decided | None = None
    pauses: list[Pause] = field(default_factory=list)
    rejecting: list[Fact] = field(default_factory=list)

    def event(self, fact: Fact) -> None:
        if fact.is_api and fact.state == SessionState.REVIEW and self.is_closed:
            return
        self.last = fact
        # Whoever proposed a decision had not seen this.
        self.proposal = None
        if fact.state == SessionState.REVIEW:
            self._review(fact)
        elif self.decided is not None:
            self._after_decision(fact, self.decided)
        else:
            self._become(fact.state, fact.at)
        if fact.state == SessionState.REJECTED:
            self.rejecting.append(fact)
        else:
            self.rejecting = []
        if fact.state in FINAL_STATES:
            self.is_closed = True

    def decision(self, decided: Decided) -> None:
        if decided.status == DecisionStatus.PROPOSED:
            self.proposal = decided
            return
        at = decided.confirmed_at
        assert at is not None, "A confirmed decision says when."  # noqa: S101
        if decided.outcome in FINAL_OUTCOMES:
            self.decided, self.is_disputed = decided, False
            self._become(OUTCOME_STATES[decided.outcome], at)
            self.is_closed = True
        else:
            self._work(decided, at)

    def _work(self, decided: Decided, at: datetime) -> None:
        """What a person did with a session that stays in review."""
        match decided.outcome:
            case Outcome.WAIT if decided.wait_until is not None:
                self._wake(at)
                self.snoozed_until = decided.wait_until
                self.pauses.append((at, max(at, decided.wait_until)))
            case Outcome.RESUME:
                self._wake(at)
            case Outcome.SECOND_REVIEW:
                self.is_second_review = True
            case Outcome.ESCALATE:
                self.escalated_at = at
            case Outcome.HAND_BACK:
                self.escalated_at = None

    def _wake(self, at: datetime) -> None:
        """End the wait, if there is one; the clock stood still until then."""
        if self.snoozed_until is not None:
            start, end = self.pauses.pop()
            self.pauses.append((start, max(start, min(end, at))))
            self.snoozed_until = None

    def rejects(self, fact: Fact) -> bool:
        """Return True for an event of the rejection that holds, also for what the API said of it aside."""
        return (
            fact.state == SessionState.REJECTED and bool(self.rejecting) and fact.at >= self.rejecting[0].at
        )

    def _review(self, fact: Fact) -> None:
        """A REVIEW after a final state, Ralio's or an officer's, opens a new round with a clock of its own."""
        if self.opener is None or self.is_closed:
            self.opener = fact.delivery
        if self.is_closed:
            self.round += 1
            self.is_closed = False
            self.since = fact.at
            self.state = SessionState.REVIEW
            self.opened_at = fact.at
            self._begin_work()
        elif not fact.is_api:
            # What was waited for may have come.
            self._wake(fact.at)
        self.decided, self.is_disputed = None, False
        self._become(SessionState.REVIEW, fact.at)

    def _after_decision(self, fact: Fact, decided: Decided) -> None:
        """The same final state confirms the decision, the other one disputes it; no other state touches it."""
        own = OUTCOME_STATES[decided.outcome]
        if fact.state not in (SessionState.VERIFIED, SessionState.REJECTED):
            return
        self._wake(fact.at)
        self.is_disputed = fact.state != own
        self._become(SessionState.REVIEW if self.is_disputed else own, fact.at)

    def _become(self, state: SessionState, at: datetime) -> None:
        if state != self.state:
            self.state, self.since = state, at
            self._begin_work()

    def _begin_work(self) -> None:
        self.snoozed_until, self.is_second_review, self.escalated_at = None, False, None
        self.pauses = []


def fold(
    facts: Iterable[Fact],
    decisions: Iterable[Decided] = (),
    corrections: Iterable[Corrected] = (),
    *,
    clock: Clock,
) -> Projection:
    """Return what a session is. `clock` says when a review is due.

    1. Events sort by instant, the API's first, then by state, then id; each confirmed decision, and each proposal,
       stands right after its basis.
    2. One walk over those whose state counts gives state, round, dispute, waiting, escalation and proposal.
    3. Subject, evidence and verdict are those of the newest event that names one; the API names a subject only where
       nothing that was sent does. A suspicion counts whoever said it: of the present round, or in its evidence.
    4. Corrections come last, so that later events do not undo them.

    `facts` must not be empty, and each decision's basis must be among them (KeyError).
    """
    ordered = sorted(facts, key=lambda fact: fact.order)
    after = _decisions_by_basis(decisions, ordered)
    newest_sent = max((fact.at for fact in ordered if not fact.is_api), default=None)
    first = next(fact for fact in ordered if _counts(fact, newest_sent))
    walk = _Walk(first.state, first.at, first)
    for fact in ordered:
        if _counts(fact, newest_sent):
            walk.event(fact)
        for decided in after.get(fact.delivery, ()):
            walk.decision(decided)
    in_review = walk.state == SessionState.REVIEW
    projection = Projection(
        provider_state=walk.last.state,
        state=walk.state,
        state_since=walk.since,
        first_event_at=ordered[0].at,
        last_event_at=walk.last.at,
        round=walk.round,
        is_disputed=walk.is_disputed,
        decided_by_id=walk.decided.by if walk.decided else None,
        due_at=clock(walk.since, sorted(walk.pauses)) if in_review else None,
        snoozed_until=walk.snoozed_until if in_review else None,
        is_second_review=walk.is_second_review and in_review,
        escalated_at=walk.escalated_at if in_review else None,
        proposed_by_id=walk.proposal.by if walk.proposal and in_review else None,
        opened_by=walk.opener,
        basis=walk.last.delivery,
        proposal=walk.proposal.id if walk.proposal and in_review else None,
    )
    projection = _with_verdict(_with_subject(projection, ordered), ordered, walk)
    return _correct(_with_suspicion(projection, ordered, walk), corrections)


def _counts(fact: Fact, newest_sent: datetime | None) -> bool:
    """Return True when the event's state counts: Ralio sent it, or nothing that was sent is as new."""
    return not fact.is_api or newest_sent is None or fact.at > newest_sent


def _decisions_by_basis(decisions: Iterable[Decided], ordered: Sequence[Fact]) -> dict[int, list[Decided]]:
    """Return confirmed decisions and proposals by the delivery that they stand right after, in their order."""
    known = {fact.delivery: fact for fact in ordered}
    after: dict[int, list[Decided]] = {}
    for decided in decisions:
        if decided.basis not in known:
            raise KeyError(f"Decision {decided.id} has a basis outside its session.")
        if decided.status in (DecisionStatus.CONFIRMED, DecisionStatus.PROPOSED):
            after.setdefault(_seen(known[decided.basis], ordered), []).append(decided)
    for together in after.values():
        together.sort(key=lambda decided: (decided.confirmed_at or _LATEST, decided.id))
    return after


def _seen(basis: Fact, ordered: Sequence[Fact]) -> int:
    """Return the last delivery that says what the basis does. Who knew it from the API knew the event that came late."""
    if not basis.is_api:
        return basis.delivery
    same = (fact.delivery for fact in reversed(ordered) if (fact.at, fact.state) == (basis.at, basis.state))
    return next(same)


def _with_subject(projection: Projection, ordered: Sequence[Fact]) -> Projection:
    naming = [fact for fact in ordered if fact.user_id or fact.related_party_id]
    if not naming:
        return projection
    # The newest; what was sent before what the API said.
    fact = max(naming, key=lambda fact: (not fact.is_api, fact.order))
    return replace(
        projection,
        entity_type=fact.entity_type,
        user_id=fact.user_id,
        related_party_id=fact.related_party_id,
    )


def _with_verdict(projection: Projection, ordered: Sequence[Fact], walk: _Walk) -> Projection:
    evidence = next((fact.delivery for fact in reversed(ordered) if fact.n_checks), None)
    projection = replace(projection, evidence_id=evidence)
    if projection.state != SessionState.REJECTED:
        return projection
    if walk.decided is not None:
        return replace(projection, verdict_decision=walk.decided.id)
    own = next((fact.delivery for fact in reversed(ordered) if fact.n_reasons and walk.rejects(fact)), None)
    if own is not None:
        return replace(projection, verdict=own)
    earlier = next((fact.delivery for fact in reversed(ordered) if fact.n_reasons), None)
    return replace(projection, verdict=earlier, is_verdict_earlier=earlier is not None)


def _with_suspicion(projection: Projection, ordered: Sequence[Fact], walk: _Walk) -> Projection:
    """Escalate a review for the first suspicion of its round, or of the earlier checks that it still goes by."""
    if projection.state != SessionState.REVIEW:
        return projection
    began = walk.opened_at or ordered[0].at
    suspect = [
        max(fact.at, began)
        for fact in ordered
        if fact.is_suspect and (fact.at >= began or fact.delivery == projection.evidence_id)
    ]
    if not suspect:
        return projection
    return replace(projection, is_suspect=True, escalated_at=projection.escalated_at or min(suspect))


def _correct(projection: Projection, corrections: Iterable[Corrected]) -> Projection:
    known = {item.name for item in fields(Projection)}
    for correction in corrections:
        if correction.field not in known:
            raise KeyError(f"{correction.field} is not a field that can be corrected.")
        if correction.field == "due_at" and (
            correction.round != projection.round or projection.state != SessionState.REVIEW
        ):
            continue
        corrected: dict[str, Any] = {correction.field: correction.value}
        projection = replace(projection, **corrected)
    return _agreeing(projection)


def _agreeing(projection: Projection) -> Projection:
    """Leave the entity unknown where a corrected subject and what a later event says of it do not agree."""
    named = {EntityType.USER: projection.user_id, EntityType.RELATED_PARTY: projection.related_party_id}
    if named.get(projection.entity_type) and None in named.values():
        return projection
    return replace(projection, entity_type=EntityType.UNKNOWN)


def queue_facets(
    entity_type: EntityType, check_types: Iterable[str], reasons: Iterable[ReasonOf]
) -> list[tuple[FacetKind, str]]:
    """Return what a session in REVIEW can be found by: its entity, check types, codes and categories, each once."""
    facets: dict[tuple[FacetKind, str], None] = {(FacetKind.ENTITY, entity_type): None}
    for check_type in check_types:
        facets[FacetKind.CHECK_TYPE, check_type] = None
    for reason in reasons:
        facets[FacetKind.CODE, reason.code] = None
        facets[FacetKind.CATEGORY, reason.category] = None
    return list(facets)


def decided_reasons(codes: Iterable[str], known: Sequence[ReasonOf]) -> list[ReasonOf]:
    """Return the reasons of an officer's rejection: its codes, in the words of the session's own reasons where they have them."""
    words = {reason.code: reason for reason in reversed(known)}
    return [words.get(code) or ReasonOf("", "", code, "", "") for code in codes]
