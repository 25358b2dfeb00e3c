"""Rejected sessions with what the history says of each: its reasons, and who decided. Two queries, however many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from kyc import folding
from kyc.choices import DecisionStatus, DeliverySource, DeliveryStatus, Outcome
from kyc.models import Decision, Delivery, RejectionReason, Session, User
from kyc.projection import fold

_ANSWERS = Delivery.objects.filter(status=DeliveryStatus.APPLIED, source=DeliverySource.API, n_reasons__gt=0)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One session of the history. `checker` is the second officer who confirmed the rejection."""

    session: Session
    reasons: Sequence[RejectionReason]
    has_more: bool
    checker: User | None
    is_from_api: bool = False


def rejections(sessions: Sequence[Session], *, most_reasons: int | None = None) -> list[Rejection]:
    """Return the sessions' rejections, in their order; each with no more than its first `most_reasons`."""
    reasons: dict[UUID, list[RejectionReason]] = defaultdict(list)
    wanted = RejectionReason.objects.filter(session__in=sessions).order_by("session_id", "position")
    if most_reasons is not None:
        # One more than is shown tells that there are more.
        wanted = wanted.filter(position__lte=most_reasons)
    asked: set[UUID] = set()
    for reason in wanted.annotate(has_answers=Exists(_ANSWERS.filter(session=OuterRef("session")))):
        reasons[reason.session_id].append(reason)
        if reason.has_answers:
            asked.add(reason.session_id)
    from_api = _from_api(session for session in sessions if session.pk in asked)
    checkers = _checkers(sessions)
    return [
        Rejection(
            session,
            reasons[session.pk][:most_reasons],
            most_reasons is not None and len(reasons[session.pk]) > most_reasons,
            checkers.get(session.pk),
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
        verdict = fold(facts, sla=settings.KYC_REVIEW_SLA).verdict
        if any(fact.is_api and fact.delivery == verdict for fact in facts):
            found.add(session_id)
    return found


def _checkers(sessions: Sequence[Session]) -> dict[UUID, User | None]:
    """Return who confirmed the last rejection of each session that officers rejected."""
    confirmed = Decision.objects.filter(
        session__in=sessions, status=DecisionStatus.CONFIRMED, outcome=Outcome.REJECT
    )
    return {
        decision.session_id: decision.checker
        for decision in confirmed.select_related("checker").order_by("id")
    }
