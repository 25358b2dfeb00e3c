"""What the ledger says of a session, and a session as it is now."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from kyc.ledger import session_chain
from kyc.models import LedgerEntry, Session, User

# What each act's entry tells of the session besides its own detail.
COMMON = {"state", "round", "version"}


def said(session: Session, action: str = "") -> list[tuple[str, int | None, dict[str, Any]]]:
    """Return the session's entries, oldest first: the act, who did it, and its own detail."""
    found = LedgerEntry.objects.filter(chain=session_chain(session.pk)).order_by("seq")
    return [
        (entry.action, entry.actor_id, {k: v for k, v in json.loads(entry.detail).items() if k not in COMMON})
        for entry in (found.filter(action=action) if action else found)
    ]


def now_is(session: Session) -> Session:
    return Session.objects.get(pk=session.pk)


def claimed(session: Session, holder: User, *, minutes: float = 30, **columns: Any) -> Session:
    """Put the session into somebody's hands for so many minutes; a negative number is a claim that has ended."""
    until = timezone.now() + timedelta(minutes=minutes)
    Session.objects.filter(pk=session.pk).update(assignee=holder, claimed_until=until, **columns)
    return now_is(session)
