"""Rejected sessions with what the history says of each: its reasons, and who decided. Two queries, however many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery

from kyc import folding
from kyc.choices import DecisionStatus, DeliverySource, DeliveryStatus, Outcome
from kyc.models import Decision, Delivery, ReasonCode, RejectionReason, Session, User
from kyc.projection import fold
from kyc.sla import clock

_ANSWERS = Delivery.objects.filter(status=DeliveryStatus.APPLIED, source=DeliverySource.API, n_reasons__gt=0)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One session of the history. `decision` is the one that rejected it; None where Ralio did by itself.

    A reason's `label` is the catalogue's: an officer may give a code that Ralio sent no words for.
    """

    session: Session
    reasons: Sequence[RejectionReason]
    has_more: bool
    decision: Decision | None
    is_from_api: bool = False

    @property
    def checker(self) -> User | None:
        """Return the second person, who confirmed the rejection."""
        return self.decision.checker if self.decision else None

    @property
    def rationale(self) -> str:
        return self.decision.rationale if self.decision else ""


def rejections(sessions: Sequence[Session], *, most_reasons: int | None = None) -> list[Rejection]:
    """Return the sessions' rejections, in their order; each with no more than its first `most_reasons`."""
    reasons: dict[UUID, list[RejectionReason]] = defaultdict(list)
    wanted = RejectionReason.objects.filter(session__in=sessions).order_by("session_id", "position")
    if most_reasons is not None:
        # One more than is shown tells that there are more.
        wanted = wanted.filter(position__lte=most_reasons)
    asked: set[UUID] = set()
    label = ReasonCode.objects.filter(digest=OuterRef("code_digest")).values("label")
    answers = Exists(_ANSWERS.filter(session=OuterRef("session")))
    found: Iterable[Any] = wanted.annotate(has_answers=answers, label=Subquery(label))
    for reason in found:
        reasons[reason.session_id].append(reason)
        if reason.has_answers:
            asked.add(reason.session_id)
    from_api = _from_api(session for session in sessions if session.pk in asked)
    decisions = _decisions(sessions)
    return [
        Rejection(
            session,
            reasons[session.pk][:most_reasons],
            most_reasons is not None and len(reasons[session.pk]) > most_reasons,
            decisions.get(session.pk),
            session.pk in from_api,
        )
        for session in sessions
    ]


def _from_api(sessions: Iterable[Session]) -> set[UUID]:
    """Return the sessions whose reasons are those that Ralio's API told, in one query; in none where it told nothing."""
    found = set()
    # An officer's own codes are the officer's, wherever the words are from.
    ralios = [session for session in sessions if session.decided_by_id is None]
    for session_id, facts in folding.facts_of(ralios).items():
        verdict = fold(facts, clock=clock()).verdict
        if any(fact.is_api and fact.delivery == verdict for fact in facts):
            found.add(session_id)
    return found


def _decisions(sessions: Sequence[Session]) -> dict[UUID, Decision]:
    """Return the decision that rejected each session which people rejected."""
    deciders = {session.pk: (session.decided_by_id, session.round) for session in sessions}
    confirmed = Decision.objects.filter(
        session__in=sessions, status=DecisionStatus.CONFIRMED, outcome=Outcome.REJECT
    )
    # The last one of a session stays; one of an earlier round does not hold any more.
    return {
        decision.session_id: decision
        for decision in confirmed.select_related("checker").order_by("confirmed_at", "id")
        if deciders[decision.session_id] == (decision.maker_id, decision.round)
    }
