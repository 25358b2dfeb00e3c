"""What happened to one session at this desk, newest first: deliveries, state changes, corrections, decisions, mails."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Literal

from django.utils import timezone

from kyc.choices import SessionState
from kyc.desk.bodies import ShownDelivery
from kyc.ledger import session_chain
from kyc.models import Correction, Decision, LedgerEntry, Session

type Kind = Literal["delivery", "state", "correction", "decision", "notification"]

# What happened at one instant, in the order in which it did.
_RANK: dict[str, int] = {"delivery": 0, "correction": 1, "decision": 2, "state": 3, "notification": 4}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `what` is the row that tells of it, or a StateChange."""

    at: datetime
    kind: Kind
    what: Any

    @property
    def order(self) -> tuple[datetime, int]:
        return (self.at, _RANK[self.kind])


@dataclass(frozen=True, slots=True)
class StateChange:
    """The session came to a state, or to a new round of the same one."""

    state: str
    round: int
    old_state: str
    event: str


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of time that a page shows. No bound: up to now, or from the beginning."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def days(
    session: Session,
    deliveries: Iterable[ShownDelivery],
    corrections: Iterable[Correction],
    notifications: Iterable[Any],
    span: Span,
) -> list[Day]:
    """Return what happened in a span, with all of `deliveries`, by days of the desk's time zone. Two queries."""
    others = [
        *(Entry(at, "state", change) for at, change in state_changes(session)),
        *(Entry(row.at, "correction", row) for row in corrections),
        *(Entry(row.proposed_at, "decision", row) for row in _decisions(session)),
        *(Entry(row.created_at, "notification", row) for row in notifications),
    ]
    shown = [Entry(delivery.row.received_at, "delivery", delivery) for delivery in deliveries]
    shown += [entry for entry in others if span.holds(entry.at)]
    shown.sort(key=lambda entry: entry.order, reverse=True)
    return [
        Day(day, list(group)) for day, group in groupby(shown, lambda entry: timezone.localdate(entry.at))
    ]


def kinds(timeline: Sequence[Day]) -> set[str]:
    return {entry.kind for day in timeline for entry in day.entries}


def state_changes(session: Session) -> list[tuple[datetime, StateChange]]:
    """Return when the session came to each of its states, by the record of what was applied here."""
    rows = (
        LedgerEntry.objects.filter(chain=session_chain(session.pk))
        .order_by("seq")
        .values_list("at", "detail")
    )
    found: list[tuple[datetime, StateChange]] = []
    before = ("", 0)
    for at, text in rows:
        detail = json.loads(text)
        if detail.get("state") not in SessionState.values:
            continue
        now = (detail["state"], detail.get("round", 1))
        if now != before:
            found.append((at, StateChange(*now, old_state=before[0], event=detail.get("event") or "")))
        before = now
    return found


def _decisions(session: Session) -> Iterable[Decision]:
    return session.decisions.select_related("maker", "checker")
