"""Compare what Ralio was answered, as a player's journal has it, with what the database holds.

What was acknowledged must be there, once, with all its effects; what was forged must not be. The journal is sorted in
a file of its own, so that memory stays the same however long it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Count

from kyc import ledger
from kyc.choices import DeliveryStatus
from kyc.models import Check, Delivery, LedgerEntry, Reason
from kyc.models.deliveries import CONFLICTING, OWNS_EVENT_ID, UNREADABLE
from kyc.ralio.simulator.journal import entries
from kyc.ralio.simulator.promises import FORGED, Promise

BATCH = 500
MOST_NAMED = 20

_DELIVERY = ("pk", "event_id", "status", "sha256", "session_id", "n_checks", "n_reasons", "n_repeats")

# What each acknowledged event, conflict and unreadable body came to, and which events were forged.
_TAKEN = """
SELECT event, sum(outcome = 'duplicate'), group_concat(DISTINCT sha256) FROM post
WHERE outcome IN ('accepted', 'duplicate') AND NOT is_forged GROUP BY event ORDER BY event
"""
_CONFLICTS = "SELECT DISTINCT event, sha256 FROM post WHERE outcome = 'quarantined' AND NOT is_forged"
_REFUSED = "SELECT sha256, min(event) FROM post WHERE outcome = 'refused' AND is_unreadable GROUP BY sha256"
_FORGED = "SELECT DISTINCT event FROM post WHERE is_forged"


@dataclass(slots=True)
class Comparison:
    """What was acknowledged, and what became of it. `faults` names the first ones by event id."""

    n_acknowledged: int = 0
    n_stored: int = 0
    n_applied: int = 0
    n_recorded: int = 0
    n_conflicts: int = 0
    n_unreadable: int = 0
    n_lost: int = 0
    n_twice: int = 0
    n_unfinished: int = 0
    n_different: int = 0
    n_trusted: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        wrong = self.n_lost + self.n_twice + self.n_unfinished + self.n_different + self.n_trusted
        return wrong == 0 and self.n_stored == self.n_acknowledged

    def lines(self) -> list[str]:
        counts = {
            "acknowledged": self.n_acknowledged,
            "stored": self.n_stored,
            "  applied once": self.n_applied,
            "  recorded or ignored": self.n_recorded,
            "  event id conflicts": self.n_conflicts,
            "unreadable and kept": self.n_unreadable,
            "lost": self.n_lost,
            "twice": self.n_twice,
            "not applied yet": self.n_unfinished,
            "other than posted": self.n_different,
            "forged and trusted": self.n_trusted,
        }
        table = [f"{name:<22}{count:>8,}" for name, count in counts.items()]
        return [*table, *self.faults, self.summary()]

    def summary(self) -> str:
        times = "applied once each" if self.is_sound else "not all applied once"
        return (
            f"Acknowledged {self.n_acknowledged:,}, stored {self.n_stored:,}, {times},"
            f" lost {self.n_lost:,}, twice {self.n_twice:,}."
        )

    def fault(self, name: str, event: UUID | str, what: str) -> None:
        """Count one fault in `name`, and say what it is unless enough was said."""
        setattr(self, name, getattr(self, name) + 1)
        if len(self.faults) < MOST_NAMED:
            self.faults.append(f"  {event}: {what}")


def compare(files: Iterable[Path]) -> Comparison:
    """Return how the journals in `files` compare with the database. Raises ValueError for a file that is no journal."""
    comparison = Comparison()
    # No name: SQLite keeps it in a file that it removes itself.
    with closing(sqlite3.connect("")) as posts:
        _sort(posts, files)
        for batch in batched(posts.execute(_TAKEN), BATCH, strict=False):
            _compare_taken(comparison, batch)
        for batch in batched(posts.execute(_CONFLICTS), BATCH, strict=False):
            _compare_conflicts(comparison, batch)
        for batch in batched(posts.execute(_REFUSED), BATCH, strict=False):
            _compare_unreadable(comparison, batch)
        for batch in batched(posts.execute(_FORGED), BATCH, strict=False):
            _compare_forged(comparison, [UUID(event) for (event,) in batch])
    return comparison


def _sort(posts: sqlite3.Connection, files: Iterable[Path]) -> None:
    posts.execute("CREATE TABLE post (event, sha256, outcome, is_unreadable, is_forged)")
    posts.executemany("INSERT INTO post VALUES (?, ?, ?, ?, ?)", _posts(files))
    posts.execute("CREATE INDEX post_event ON post (event)")


def _posts(files: Iterable[Path]) -> Iterator[tuple[str, str, str, bool, bool]]:
    for file in files:
        for entry in entries(file):
            is_unreadable = entry.promise == Promise.UNREADABLE and entry.status == 400
            is_forged = entry.promise in FORGED
            yield str(entry.event), entry.sha256, entry.outcome.value, is_unreadable, is_forged


def _compare_taken(comparison: Comparison, batch: Sequence[tuple[str, int, str]]) -> None:
    """Compare events that were answered with 200 and no cause: each has one row of its own, and all its effects."""
    events = [UUID(event) for event, _, _ in batch]
    rows: dict[UUID, list[dict[str, Any]]] = {event: [] for event in events}
    for row in Delivery.objects.filter(OWNS_EVENT_ID, event_id__in=events).values(*_DELIVERY):
        rows[row["event_id"]].append(row)
    effects = _Effects([row for found in rows.values() for row in found])
    for event, (_, n_duplicates, digests) in zip(events, batch, strict=True):
        comparison.n_acknowledged += 1
        if not rows[event]:
            comparison.fault("n_lost", event, "acknowledged, and not stored")
            continue
        comparison.n_stored += 1
        row = rows[event][0]
        if len(rows[event]) > 1:
            comparison.fault("n_twice", event, "stored more than once")
        elif row["sha256"] not in digests.split(","):
            comparison.fault(
                "n_different", event, "stored with other bytes than those that were acknowledged"
            )
        elif row["n_repeats"] < n_duplicates:
            comparison.fault("n_different", event, f"{n_duplicates} repeats, counted {row['n_repeats']}")
        else:
            _compare_effects(comparison, row, effects)


def _compare_effects(comparison: Comparison, row: dict[str, Any], effects: _Effects) -> None:
    event, status = row["event_id"], row["status"]
    if status == DeliveryStatus.FAILED:
        comparison.fault("n_unfinished", event, "stored as failed, and waits for the worker")
    elif status != DeliveryStatus.APPLIED:
        comparison.n_recorded += 1
    elif less := effects.missing(row):
        comparison.fault("n_lost", event, f"stored, but {less}")
    elif more := effects.surplus(row):
        comparison.fault("n_twice", event, more)
    else:
        comparison.n_applied += 1


class _Effects:
    """What some deliveries did: how many checks and reasons each has, and how often the ledger says that it was applied."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        applied = [row for row in rows if row["status"] == DeliveryStatus.APPLIED]
        pks = [row["pk"] for row in applied]
        checks = Check.objects.filter(delivery__in=pks).order_by().values_list("delivery")
        self._checks = dict(checks.annotate(n=Count("pk")))
        reasons = Reason.objects.filter(kyc_check__delivery__in=pks).order_by()
        self._reasons = dict(reasons.values_list("kyc_check__delivery").annotate(n=Count("pk")))
        self._times = Counter(_applied_events({row["session_id"] for row in applied}))

    def missing(self, row: dict[str, Any]) -> str:
        """Return what a delivery should have done and has not, or nothing."""
        if self._checks.get(row["pk"], 0) < row["n_checks"]:
            return "not all its checks are there"
        if self._reasons.get(row["pk"], 0) < row["n_reasons"]:
            return "not all its reasons are there"
        return "" if self._times[row["event_id"]] else "the ledger does not say that it was applied"

    def surplus(self, row: dict[str, Any]) -> str:
        """Return what a delivery did more than once, or nothing."""
        if self._checks.get(row["pk"], 0) > row["n_checks"]:
            return "its checks stand there more than once"
        if self._reasons.get(row["pk"], 0) > row["n_reasons"]:
            return "its reasons stand there more than once"
        return (
            "the ledger says that it was applied more than once" if self._times[row["event_id"]] > 1 else ""
        )


def _applied_events(sessions: Iterable[UUID]) -> Iterator[UUID]:
    """Yield the event of each application that the sessions' chains tell of."""
    chains = [ledger.session_chain(session) for session in sessions]
    applied = LedgerEntry.objects.filter(chain__in=chains, action="delivery.applied")
    for detail in applied.values_list("detail", flat=True).iterator(chunk_size=2000):
        yield UUID(json.loads(detail)["event"])


def _compare_conflicts(comparison: Comparison, batch: Sequence[tuple[str, str]]) -> None:
    events = {UUID(event) for event, _ in batch}
    kept = Counter(
        Delivery.objects.filter(CONFLICTING, event_id__in=events).values_list("event_id", "sha256")
    )
    for event, digest in batch:
        comparison.n_acknowledged += 1
        n_rows = kept[UUID(event), digest]
        if n_rows == 0:
            comparison.fault("n_lost", event, "answered as a conflict, and not kept")
            continue
        comparison.n_stored += 1
        comparison.n_conflicts += 1
        if n_rows > 1:
            comparison.fault("n_twice", event, "the same conflict is kept more than once")


def _compare_unreadable(comparison: Comparison, batch: Sequence[tuple[str, str]]) -> None:
    """Ralio never sends again what was refused with 400: it must be kept."""
    digests = {digest for digest, _ in batch}
    kept = Counter(Delivery.objects.filter(UNREADABLE, sha256__in=digests).values_list("sha256", flat=True))
    if since_read := digests - kept.keys():
        # What a replay has turned into an event is found the slow way.
        kept += Counter(Delivery.objects.filter(sha256__in=since_read).values_list("sha256", flat=True))
    for digest, event in batch:
        if not kept[digest]:
            comparison.fault("n_lost", event, "refused as unreadable, and not kept")
            continue
        comparison.n_unreadable += 1
        if kept[digest] > 1:
            comparison.fault("n_twice", event, "the same unreadable bytes are kept more than once")


def _compare_forged(comparison: Comparison, events: Sequence[UUID]) -> None:
    trusted = Delivery.objects.filter(OWNS_EVENT_ID, event_id__in=events)
    for event in trusted.values_list("event_id", flat=True):
        comparison.fault("n_trusted", str(event), "forged, and kept among the trusted")
