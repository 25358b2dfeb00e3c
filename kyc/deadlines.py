"""Sessions whose due time is near or has passed: each due time is warned of once before and once after, by whoever looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from kyc.models import Session
from kyc.querysets import IN_REVIEW
from kyc.review import acts
from kyc.signals import session_due

type Kind = Literal["due_soon", "overdue"]

# The column that says for which due time a warning was given.
_GIVEN_FOR: dict[Kind, str] = {"due_soon": "warned_for", "overdue": "breached_for"}


def warn(now: datetime | None = None, limit: int = 100) -> list[tuple[Session, Kind]]:
    """Warn of due times that are near or have passed, the most pressing first, and return what this call warned of.

    Any number of workers may do so at once: each session is warned of in a transaction of its own, under its lock, and
    one that somebody works on at this moment is left to the next call. However late we are, a due time that has passed
    is warned of, and of such a one nobody is told that it is near.
    """
    now = now or timezone.now()
    found: list[tuple[Session, Kind]] = []
    kinds: tuple[Kind, ...] = ("overdue", "due_soon")
    for kind in kinds:
        wanted = Session.objects.filter(_is_to_be_warned_of(kind, now)).due_first()
        for pk in list(wanted.values_list("pk", flat=True)[: limit - len(found)]):
            session = _warn(pk, kind, now)
            found += [(session, kind)] if session else []
    return found


def _is_to_be_warned_of(kind: Kind, now: datetime) -> Q:
    """Return the condition, asked before the lock and under it. A wait that has ended by itself is none any more."""
    column = _GIVEN_FOR[kind]
    is_new = ~Q(**{column: F("due_at")})
    is_awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    when = (
        Q(due_at__lte=now)
        if kind == "overdue"
        else Q(due_at__gt=now, due_at__lte=now + settings.KYC_DUE_SOON)
    )
    return IN_REVIEW & when & is_new & is_awake


@transaction.atomic
def _warn(session_id: UUID, kind: Kind, now: datetime) -> Session | None:
    """Warn of one session, unless somebody has it in hand or it is no longer to be warned of."""
    locked = Session.objects.select_for_update(skip_locked=True)
    session = locked.filter(_is_to_be_warned_of(kind, now), pk=session_id).first()
    if session is None or session.due_at is None:
        return None
    column = _GIVEN_FOR[kind]
    setattr(session, column, session.due_at)
    session.save(update_fields=[column])
    due = session.due_at.astimezone(UTC).isoformat()
    acts.record(session, f"session.{kind}", by=None, due_at=due)
    session_due.send(Session, session=session, kind=kind, holder=acts.holder(session, now))
    return session
