"""Fold one session's evidence and write what came of it. Ingestion, review and rebuild all pass through here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from kyc.choices import (
    CheckState,
    CorrectionTarget,
    DecisionStatus,
    DeliverySource,
    DeliveryStatus,
    EntityType,
    Outcome,
    SessionState,
)
from kyc.models import (
    Check,
    Correction,
    Decision,
    Delivery,
    QueueFacet,
    Reason,
    ReasonCode,
    RejectionReason,
    Session,
)
from kyc.models.digests import text_digest
from kyc.projection import (
    Corrected,
    Decided,
    Fact,
    Projection,
    ReasonOf,
    decided_reasons,
    fold,
    queue_facets,
)
from kyc.sla import clock

# The columns of Session that the fold writes.
PROJECTED = tuple(
    item.name
    for item in fields(Projection)
    if item.name
    not in {"verdict", "verdict_decision", "is_verdict_earlier", "basis", "proposal", "opened_by"}
)
# The columns of Delivery that make a Fact.
_FACT = (
    "pk",
    "event_id",
    "event_at",
    "session_state",
    "entity_type",
    "user_id",
    "related_party_id",
    "n_checks",
    "n_reasons",
    "source",
)
_UUID_FIELDS = frozenset({"user_id", "related_party_id"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a refold changed. `old_state` is None for a session never heard of before."""

    session: Session
    old_state: SessionState | None
    old_round: int
    is_changed: bool
    was_suspect: bool = False

    @property
    def is_new_state(self) -> bool:
        """Return True when the session came to another state, or to a new round of the same one."""
        return self.old_state != self.session.state or self.old_round != self.session.round

    @property
    def is_newly_suspect(self) -> bool:
        """Return True when a code marked as a suspicion has just brought the session before supervisors."""
        return self.session.is_suspect and (not self.was_suspect or self.is_new_state)


@dataclass(slots=True)
class Rows:
    """What a session's rows should be: its projected columns, and the rows of the two filter tables.

    `lapsed` are proposals that the evidence has left behind. `basis` is the delivery of the newest event that counts.
    """

    columns: dict[str, Any]
    facets: list[tuple[str, str]]
    reasons: list[ReasonOf]
    is_earlier: bool
    basis: int | None = None
    lapsed: Sequence[int] = ()


def lock(session_id: UUID) -> Session:
    """Return the session, locked until the transaction ends."""
    return Session.objects.select_for_update().get(pk=session_id)


def refold(session: Session) -> Change:
    """Fold the locked session's evidence and write its rows. Writes nothing that is already so."""
    is_new = session.version == 0
    corrections = [] if is_new else list(session.corrections.order_by("id"))
    correct_checks(corrections)
    rows = folded(session, corrections)
    return write(session, rows, is_new=is_new)


def folded(session: Session, corrections: Iterable[Correction]) -> Rows:
    """Return what the session's rows should be, by its deliveries, decisions, corrections (oldest first) and checks."""
    decisions = [] if session.version == 0 else list(Decision.objects.filter(session=session))
    projection = fold(
        facts(session),
        (_decided(decision) for decision in decisions),
        _session_corrections(corrections),
        clock=clock(),
    )
    checks = _checks(projection.evidence_id)
    known = _reasons(checks)
    n_refused = sum(check.state == CheckState.REFUSED for check in checks)
    verdict = _verdict(projection, known, decisions)
    rows = _rows(projection, [check.type for check in checks], n_refused, known, verdict)
    rows.lapsed = [
        decision.pk
        for decision in decisions
        if decision.status == DecisionStatus.PROPOSED and decision.pk != projection.proposal
    ]
    return rows


def basis(session: Session) -> int:
    """Return the delivery of the newest event that counts: what a decision made now is based on."""
    found = fold(facts(session), clock=clock()).basis
    assert found is not None, "There is an event in every session."  # noqa: S101
    return found


def opened_by(known: Iterable[Fact], decisions: Iterable[Decision]) -> int | None:
    """Return the delivery of the REVIEW event that opened a session's present round, by its facts and decisions."""
    return fold(known, (_decided(decision) for decision in decisions), clock=clock()).opened_by


def first(fact: Fact, check_types: Sequence[str], n_refused: int, reasons: Sequence[ReasonOf]) -> Rows:
    """Return what a session's rows should be by its first event alone, which brought these checks and reasons."""
    projection = fold([fact], clock=clock())
    verdict = list(reasons) if projection.verdict is not None else []
    return _rows(projection, check_types, n_refused, reasons, verdict)


def _rows(
    projection: Projection,
    check_types: Sequence[str],
    n_refused: int,
    known: Sequence[ReasonOf],
    verdict: list[ReasonOf],
) -> Rows:
    columns = {name: getattr(projection, name) for name in PROJECTED}
    columns["n_checks"], columns["n_refused"] = len(check_types), n_refused
    facets = []
    if projection.state == SessionState.REVIEW:
        found = queue_facets(projection.entity_type, check_types, known)
        facets = [(str(kind), value) for kind, value in found]
    return Rows(columns, facets, verdict, projection.is_verdict_earlier, projection.basis)


def facts(session: Session) -> list[Fact]:
    """Return the session's events, in no order."""
    return facts_in(events(session.pk))


def events(session_id: UUID) -> QuerySet[Delivery, tuple[Any, ...]]:
    """Return the query whose rows `facts_in` reads: one session's events, in no order."""
    applied = Delivery.objects.filter(session=session_id, status=DeliveryStatus.APPLIED)
    return applied.values_list(*_FACT, _brings_suspicion())


def facts_in(rows: Iterable[tuple[Any, ...]]) -> list[Fact]:
    return [_fact(*row) for row in rows]


def facts_of(sessions: Iterable[Session]) -> dict[UUID, list[Fact]]:
    """Return the events of several sessions, in no order, in one query."""
    found: dict[UUID, list[Fact]] = {session.pk: [] for session in sessions}
    if found:
        rows = Delivery.objects.filter(session__in=list(found), status=DeliveryStatus.APPLIED)
        for session_id, *row in rows.values_list("session_id", *_FACT, _brings_suspicion()):
            found[session_id].append(_fact(*row))
    return found


def due_times(sessions: Sequence[Session]) -> dict[UUID, datetime | None]:
    """Return when each of these is due by its evidence and the settings of today, in three queries."""
    events = facts_of(sessions)
    decisions, corrections = defaultdict(list), defaultdict(list)
    for decision in Decision.objects.filter(session__in=list(events)):
        decisions[decision.session_id].append(_decided(decision))
    for correction in Correction.objects.filter(session__in=list(events)).order_by("id"):
        corrections[correction.session_id].append(correction)
    return {
        pk: fold(known, decisions[pk], _session_corrections(corrections[pk]), clock=clock()).due_at
        for pk, known in events.items()
    }


def _brings_suspicion() -> Exists:
    """Whether a delivery's reasons, as they stand after corrections, hold a code marked as a suspicion."""
    marked = ReasonCode.objects.filter(is_suspicion=True).values("code")
    return Exists(Reason.objects.filter(kyc_check__delivery=OuterRef("pk"), code__in=marked))


def _fact(
    pk: int, event_id: UUID | None, at: datetime | None, state: str, entity_type: str, *rest: Any
) -> Fact:
    assert event_id is not None and at is not None  # noqa: S101 - a constraint: applied rows have both
    *said, source, is_suspect = rest
    rest = (*said, source == DeliverySource.API, is_suspect)
    return Fact(pk, event_id, at, SessionState(state), EntityType(entity_type), *rest)


def write(session: Session, rows: Rows, *, is_new: bool) -> Change:
    """Write the folded rows that differ, and count the version up when anything that an officer acts on did."""
    old_state = None if is_new else SessionState(session.state)
    old_round, was_suspect = session.round, session.is_suspect
    changed = [name for name, value in rows.columns.items() if getattr(session, name) != value]
    for name in changed:
        setattr(session, name, rows.columns[name])
    change = Change(session, old_state, old_round, bool(changed) or is_new, was_suspect)
    if change.is_new_state and session.state == SessionState.REVIEW:
        session.queued_at = timezone.now()
        changed.append("queued_at")
    elif session.state != SessionState.REVIEW and session.assignee_id is not None:
        changed += _end_claim(session)
    if change.is_changed:
        session.version += 1
        session.save(update_fields=[*changed, "version"])
    if rows.lapsed:
        Decision.objects.filter(pk__in=rows.lapsed).update(status=DecisionStatus.LAPSED)
    _write_facets(session, rows, had=old_state == SessionState.REVIEW)
    _write_reasons(session, rows, had=old_state == SessionState.REJECTED)
    return change


def _end_claim(session: Session) -> list[str]:
    """Nobody holds what is not in review. Return the columns that this changed."""
    names = ["assignee_id", "claimed_until", "asked_by_id", "asked_at"]
    for name in names:
        setattr(session, name, None)
    return names


def facet_rows(session: Session, rows: Rows) -> list[QueueFacet]:
    """Return the session's rows of the queue's filter table, unsaved."""
    due_at = rows.columns["due_at"]
    return [
        QueueFacet(session=session, kind=kind, value=value, digest=text_digest(value), due_at=due_at)
        for kind, value in rows.facets
    ]


def reason_rows(session: Session | None, rows: Rows) -> list[RejectionReason]:
    """Return the session's rows of the history's relation, unsaved; each code and category is marked where first seen."""
    if rows.columns["state"] != SessionState.REJECTED:
        return []
    codes: set[str] = set()
    categories: set[str] = set()
    made = []
    for position, reason in enumerate(rows.reasons):
        made.append(
            RejectionReason(
                session=session,
                position=position,
                check_type=reason.check_type,
                type=reason.type,
                code=reason.code,
                code_digest=text_digest(reason.code),
                message=reason.message,
                category=reason.category,
                category_digest=text_digest(reason.category),
                is_earlier=rows.is_earlier,
                is_first_of_code=reason.code not in codes,
                is_first_of_category=reason.category not in categories,
                rejected_at=rows.columns["state_since"],
            )
        )
        codes.add(reason.code)
        categories.add(reason.category)
    return made


def same_rows(kept: Iterable[Any], wanted: Sequence[Any]) -> bool:
    """Return True when the kept rows say what the wanted ones say, in the same order but for their keys."""
    return [_values(row) for row in kept] == [_values(row) for row in wanted]


def correct_checks(corrections: Iterable[Correction]) -> None:
    """Write the corrections of checks and reasons, oldest first, over what was sent: the last one of a field holds."""
    last: dict[tuple[Any, ...], Correction] = {}
    for correction in corrections:
        if correction.target == CorrectionTarget.SESSION:
            continue
        place = (correction.delivery_id, correction.check_position, correction.reason_position)
        last[(*place, correction.field)] = correction
    for (delivery, check, reason, name), correction in last.items():
        value = json.loads(correction.new)
        if correction.target == CorrectionTarget.CHECK:
            if name == "checked_at" and value is not None:
                value = datetime.fromisoformat(value)
            Check.objects.filter(delivery=delivery, position=check).update(**{name: value})
        else:
            Reason.objects.filter(
                kyc_check__delivery=delivery, kyc_check__position=check, position=reason
            ).update(**{name: value})


def _session_corrections(corrections: Iterable[Correction]) -> list[Corrected]:
    return [
        Corrected(row.field, _corrected_value(row.field, row.new), row.round)
        for row in corrections
        if row.target == CorrectionTarget.SESSION
    ]


def _corrected_value(name: str, text: str) -> Any:
    value = json.loads(text)
    if value is None:
        return None
    if name in _UUID_FIELDS:
        return UUID(value)
    if name == "due_at":
        return datetime.fromisoformat(value)
    return EntityType(value)


def _decided(decision: Decision) -> Decided:
    return Decided(
        decision.pk,
        Outcome(decision.outcome),
        DecisionStatus(decision.status),
        decision.maker_id,
        decision.basis_id,
        decision.confirmed_at,
        decision.wait_until,
    )


def _checks(delivery_id: int | None) -> list[Check]:
    if delivery_id is None:
        return []
    reasons = Prefetch("reasons", Reason.objects.order_by("position"))
    return list(Check.objects.filter(delivery=delivery_id).order_by("position").prefetch_related(reasons))


def _reasons(checks: Iterable[Check]) -> list[ReasonOf]:
    return [
        ReasonOf(check.type, reason.type, reason.code, reason.message, reason.category)
        for check in checks
        for reason in check.reasons.all()
    ]


def _verdict(
    projection: Projection, known: Sequence[ReasonOf], decisions: Iterable[Decision]
) -> list[ReasonOf]:
    if projection.verdict_decision is not None:
        codes = next(decision.codes for decision in decisions if decision.pk == projection.verdict_decision)
        return decided_reasons(codes, known)
    if projection.verdict == projection.evidence_id:
        return list(known) if projection.verdict is not None else []
    return _reasons(_checks(projection.verdict))


def _write_facets(session: Session, rows: Rows, *, had: bool) -> None:
    wanted = facet_rows(session, rows)
    if had:
        if same_rows(QueueFacet.objects.filter(session=session).order_by("id"), wanted):
            return
        QueueFacet.objects.filter(session=session).delete()
    if wanted:
        QueueFacet.objects.bulk_create(wanted)


def _write_reasons(session: Session, rows: Rows, *, had: bool) -> None:
    wanted = reason_rows(session, rows)
    if had:
        if same_rows(RejectionReason.objects.filter(session=session).order_by("position"), wanted):
            return
        RejectionReason.objects.filter(session=session).delete()
    if wanted:
        RejectionReason.objects.bulk_create(wanted)


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, item.attname) for item in row._meta.concrete_fields if not item.primary_key)
