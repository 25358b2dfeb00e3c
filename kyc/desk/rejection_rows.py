"""Rejected sessions with what the history says of each: its reasons, and who decided. Two queries, however many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kyc.choices import DecisionStatus, Outcome
from kyc.models import Decision, RejectionReason, Session, User


@dataclass(frozen=True, slots=True)
class Rejection:
    """One session of the history. `checker` is the second officer who confirmed the rejection."""

    session: Session
    reasons: Sequence[RejectionReason]
    has_more: bool
    checker: User | None


def rejections(sessions: Sequence[Session], *, most_reasons: int | None = None) -> list[Rejection]:
    """Return the sessions' rejections, in their order; each with no more than its first `most_reasons`."""
    reasons: dict[UUID, list[RejectionReason]] = defaultdict(list)
    wanted = RejectionReason.objects.filter(session__in=sessions).order_by("session_id", "position")
    if most_reasons is not None:
        # One more than is shown tells that there are more.
        wanted = wanted.filter(position__lte=most_reasons)
    for reason in wanted:
        reasons[reason.session_id].append(reason)
    checkers = _checkers(sessions)
    return [
        Rejection(
            session,
            reasons[session.pk][:most_reasons],
            most_reasons is not None and len(reasons[session.pk]) > most_reasons,
            checkers.get(session.pk),
        )
        for session in sessions
    ]


def _checkers(sessions: Sequence[Session]) -> dict[UUID, User | None]:
    """Return who confirmed the last rejection of each session that officers rejected."""
    confirmed = Decision.objects.filter(
        session__in=sessions, status=DecisionStatus.CONFIRMED, outcome=Outcome.REJECT
    )
    return {
        decision.session_id: decision.checker
        for decision in confirmed.select_related("checker").order_by("id")
    }
