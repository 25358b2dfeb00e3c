"""Due times after a change of the settings that say when a review is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from kyc import folding, ledger
from kyc.choices import SessionState
from kyc.models import Session
from kyc.review import acts

BATCH = 500


@dataclass(frozen=True, slots=True)
class Move:
    """A session in REVIEW whose due time is another by today's settings."""

    session_id: UUID
    before: datetime
    after: datetime


def plan() -> Iterator[tuple[int, list[Move]]]:
    """Yield, for each batch of the sessions in REVIEW, how many there are in it, and which of them would move."""
    after = UUID(int=0)
    while batch := list(Session.objects.in_review().filter(pk__gt=after).order_by("pk")[:BATCH]):
        after = batch[-1].pk
        wanted = folding.due_times(batch)
        yield (
            len(batch),
            [
                Move(session.pk, session.due_at, due_at)
                for session in batch
                if session.due_at is not None and (due_at := wanted[session.pk]) and due_at != session.due_at
            ],
        )


def move(session_id: UUID) -> Move | None:
    """Fold a session anew, and return how its due time moved, if it did: it may have left REVIEW meanwhile."""
    with transaction.atomic():
        session = folding.lock(session_id)
        before = session.due_at
        folding.refold(session)
        if (
            session.state != SessionState.REVIEW
            or not before
            or not session.due_at
            or before == session.due_at
        ):
            return None
        acts.record(
            session, "session.due_recomputed", by=None, before=_text(before), after=_text(session.due_at)
        )
        return Move(session_id, before, session.due_at)


def record(n_moved: int) -> None:
    """Append to the system's chain that so many due times were recomputed, and by which settings."""
    ledger.append(
        ledger.SYSTEM,
        "due_times.recomputed",
        n_sessions=n_moved,
        target_hours=int(settings.KYC_REVIEW_SLA.total_seconds() // 3600),
        business_hours=settings.KYC_BUSINESS_HOURS,
        holidays=settings.KYC_HOLIDAYS_COUNTRY,
        time_zone=settings.TIME_ZONE,
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
