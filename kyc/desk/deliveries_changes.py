"""What a delivery changed of its session, by the record of what was applied here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from kyc.desk.ledger_details import members
from kyc.ledger import session_chain
from kyc.models import Delivery, LedgerEntry


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a session stood at one instant."""

    state: str
    round: int
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """The session before a delivery was applied to it, and after. No `before`: it had never been heard of."""

    at: datetime
    before: Stand | None
    after: Stand

    @property
    def is_none(self) -> bool:
        return self.before == self.after


def entries(session_id: UUID) -> QuerySet[LedgerEntry, tuple[Any, ...]]:
    """Return the rows that `change` reads: what the session's chain says, oldest first."""
    chain = LedgerEntry.objects.filter(chain=session_chain(session_id))
    return chain.order_by("seq").values_list("action", "at", "detail")


def change(delivery: Delivery, rows: Iterable[tuple[Any, ...]]) -> Change | None:
    """Return what applying a delivery changed, the last time that it was applied; None where it never was."""
    stand: Stand | None = None
    found: Change | None = None
    for action, at, text in rows:
        detail = members(text) or {}
        if not detail.get("state"):
            continue
        now = Stand(detail["state"], detail.get("round", 1), detail.get("version", 0))
        # An accepted delivery owns its event id.
        if action == "delivery.applied" and detail.get("event") == str(delivery.event_id):
            found = Change(at, stand, now)
        stand = now
    return found
