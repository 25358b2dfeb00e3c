"""The pure fold: what a session is, given its events, decisions and corrections, in whatever order they came.

Ingestion and `rebuild_sessions` both use it, so that what is stored is what the evidence says. Nothing here reads the
clock or a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kyc.choices import (
    FINAL_STATES,
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
_OUTCOME_STATES = {Outcome.APPROVE: SessionState.VERIFIED, Outcome.REJECT: SessionState.REJECTED}
_LATEST = datetime.max.replace(tzinfo=UTC)

Order = tuple[datetime, bool, int, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of a session. `delivery` is the id of the row that holds it.

    With `is_api` it is what Ralio's API answered when asked. That fills gaps: it stands before what Ralio sent of the
    same instant, its state counts only while nothing that was sent is as new, and it never opens a round.
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
    """What a session is. `evidence` and `verdict` are deliveries; `verdict_decision` a decision."""

    provider_state: SessionState
    state: SessionState
    state_since: datetime
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
    evidence_id: int | None = None
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
    """Where a session stands while its events and decisions pass in order. `last` is the last event that counted."""

    state: SessionState
    since: datetime
    last: Fact
    round: int = 1
    is_closed: bool = False
    decided: Decided | None = None
    is_disputed: bool = False
    snoozed_until: datetime | None = None
    is_second_review: bool = False
    rejecting: list[Fact] = field(default_factory=list)

    def event(self, fact: Fact) -> None:
        if fact.is_api and fact.state == SessionState.REVIEW and self.is_closed:
            return
        self.last = fact
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
        if decided.outcome == Outcome.WAIT:
            self.snoozed_until = decided.wait_until
        elif decided.outcome == Outcome.SECOND_REVIEW:
            self.is_second_review = True
        else:
            assert decided.confirmed_at is not None, "A confirmed decision says when."  # noqa: S101
            self.decided = decided
            self.is_disputed = False
            self._become(_OUTCOME_STATES[decided.outcome], decided.confirmed_at)
            self.is_closed = True

    def rejects(self, fact: Fact) -> bool:
        """Return True for an event of the rejection that holds, also for what the API said of it aside."""
        return (
            fact.state == SessionState.REJECTED and bool(self.rejecting) and fact.at >= self.rejecting[0].at
        )

    def _review(self, fact: Fact) -> None:
        """A REVIEW after a final state, Ralio's or an officer's, opens a new round with a clock of its own."""
        if self.is_closed:
            self.round += 1
            self.is_closed = False
            self.since = fact.at
            self.state = SessionState.REVIEW
            self.snoozed_until, self.is_second_review = None, False
        self.decided, self.is_disputed = None, False
        self._become(SessionState.REVIEW, fact.at)

    def _after_decision(self, fact: Fact, decided: Decided) -> None:
        """The same final state confirms the decision, the other one disputes it; no other state touches it."""
        own = _OUTCOME_STATES[decided.outcome]
        if fact.state not in (SessionState.VERIFIED, SessionState.REJECTED):
            return
        self.is_disputed = fact.state != own
        self._become(SessionState.REVIEW if self.is_disputed else own, fact.at)

    def _become(self, state: SessionState, at: datetime) -> None:
        if state != self.state:
            self.state, self.since = state, at
        if state != SessionState.REVIEW:
            self.snoozed_until, self.is_second_review = None, False


def fold(
    facts: Iterable[Fact],
    decisions: Iterable[Decided] = (),
    corrections: Iterable[Corrected] = (),
    *,
    sla: timedelta,
) -> Projection:
    """Return what a session is.

    1. Events sort by instant, the API's first, then by state, then id; each confirmed decision stands right after its
       basis.
    2. One walk over those whose state counts gives state, round, dispute and waiting.
    3. Subject, evidence and verdict are those of the newest event that names one; the API names a subject only where
       nothing that was sent does.
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
        last_event_at=walk.last.at,
        round=walk.round,
        is_disputed=walk.is_disputed,
        decided_by_id=walk.decided.by if walk.decided else None,
        due_at=_later(walk.since, sla) if in_review else None,
        snoozed_until=walk.snoozed_until if in_review else None,
        is_second_review=walk.is_second_review and in_review,
    )
    return _correct(_with_verdict(_with_subject(projection, ordered), ordered, walk), corrections)


def _counts(fact: Fact, newest_sent: datetime | None) -> bool:
    """Return True when the event's state counts: Ralio sent it, or nothing that was sent is as new."""
    return not fact.is_api or newest_sent is None or fact.at > newest_sent


def _decisions_by_basis(decisions: Iterable[Decided], ordered: Sequence[Fact]) -> dict[int, list[Decided]]:
    """Return the confirmed decisions by the delivery that they stand right after, in their order."""
    known = {fact.delivery: fact for fact in ordered}
    after: dict[int, list[Decided]] = {}
    for decided in decisions:
        if decided.basis not in known:
            raise KeyError(f"Decision {decided.id} has a basis outside its session.")
        if decided.status == DecisionStatus.CONFIRMED:
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


def _later(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        return _LATEST


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
