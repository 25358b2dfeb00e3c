"""Chosen sessions as CSV: one line per reason of their newest checks, safe to open in a spreadsheet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.utils import timezone

from kyc.desk.exports import BYTE_ORDER_MARK, csv_text, instant
from kyc.desk.team import Team, team
from kyc.models import Check, Session

COLUMNS = (
    "session",
    "subject",
    "entity",
    "state",
    "received at",
    "due at",
    "round",
    "assignee",
    "check",
    "check state",
    "code",
    "category",
    "message",
)


def csv_lines(ids: Sequence[UUID]) -> Iterator[str]:
    """Yield the sessions as CSV text, in the order given; one that is unknown is left out."""
    sessions = Session.objects.in_bulk(list(ids))
    checks: dict[int, list[Check]] = defaultdict(list)
    newest = [session.evidence_id for session in sessions.values()]
    for check in Check.objects.filter(delivery__in=newest).prefetch_related("reasons"):
        checks[check.delivery_id].append(check)
    people = team(timezone.now())
    yield BYTE_ORDER_MARK + csv_text([COLUMNS])
    for pk in ids:
        if session := sessions.get(pk):
            yield csv_text(_lines(session, checks[session.evidence_id or 0], people))


def _lines(session: Session, checks: Sequence[Check], people: Team) -> Iterator[list[str]]:
    """Yield one line per reason; a check without reasons, and a session without checks, has one line too."""
    holder = people.holder(session, timezone.now())
    start = [
        str(session.pk),
        " ".join(str(pk) for pk in (session.user_id, session.related_party_id) if pk),
        session.entity_type,
        session.state,
        instant(session.state_since),
        instant(session.due_at) if session.due_at else "",
        str(session.round),
        holder.username if holder else "",
    ]
    for check in checks:
        told = [*start, check.type, check.state]
        for reason in check.reasons.all():
            yield [*told, reason.code, reason.category, reason.message]
        if not check.reasons.all():
            yield [*told, "", "", ""]
    if not checks:
        yield [*start, *([""] * (len(COLUMNS) - len(start)))]
