"""What happened to one session at this desk, newest first: deliveries, states, work, decisions, notes, mails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Literal

from django.utils import timezone
from django.utils.translation import gettext_lazy

from kyc.choices import FINAL_OUTCOMES, DecisionStatus, Outcome, SessionState
from kyc.desk import story
from kyc.desk.bodies import ShownDelivery
from kyc.desk.story import Line
from kyc.models import Correction, Decision, Note, User

type Kind = Literal["delivery", "state", "correction", "claim", "decision", "note", "due", "notification"]

# What happened at one instant, in the order in which it did.
_RANK: dict[str, int] = {
    "delivery": 0,
    "correction": 1,
    "claim": 2,
    "note": 3,
    "decision": 4,
    "state": 5,
    "due": 6,
    "notification": 7,
}
# What a person did by a decision, each a sentence about that person.
_DONE = {
    Outcome.APPROVE: gettext_lazy("%(person)s approved this session"),
    Outcome.REJECT: gettext_lazy("%(person)s rejected this session"),
    Outcome.WAIT: gettext_lazy("%(person)s let this session wait"),
    Outcome.RESUME: gettext_lazy("%(person)s ended the wait"),
    Outcome.SECOND_REVIEW: gettext_lazy("%(person)s asked for a second review"),
    Outcome.ESCALATE: gettext_lazy("%(person)s escalated this session"),
    Outcome.HAND_BACK: gettext_lazy("%(person)s handed this session back to officers"),
}
_ADDRESSED = {
    Outcome.SECOND_REVIEW: gettext_lazy("%(person)s asked for a second review, asking %(other)s"),
    Outcome.ESCALATE: gettext_lazy("%(person)s escalated this session, to %(other)s"),
}
_PROPOSED = {
    Outcome.APPROVE: gettext_lazy("%(person)s proposed to approve this session"),
    Outcome.REJECT: gettext_lazy("%(person)s proposed to reject this session"),
}
_CONFIRMED = {
    Outcome.APPROVE: gettext_lazy("%(person)s confirmed: approved this session"),
    Outcome.REJECT: gettext_lazy("%(person)s confirmed: rejected this session"),
}
_DECISION_BACK = gettext_lazy("%(person)s took the decision back")
_PROPOSAL_BACK = gettext_lazy("%(person)s took the proposal back")
_SENT_BACK = gettext_lazy("%(person)s sent the proposal back")
_SETTLED = {
    Outcome.APPROVE: gettext_lazy("%(person)s settled the dispute with Ralio: approved this session"),
    Outcome.REJECT: gettext_lazy("%(person)s settled the dispute with Ralio: rejected this session"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `what` is the row that tells of it, a StateChange, a Step or a Turn."""

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
    by: User | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a decision: by whom, in a sentence that names them. The first one tells what was decided and why."""

    decision: Decision
    by: User
    words: str
    is_first: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A claim changed hands, or its holder was asked, in a sentence. `to` is who got or had it, where that is another person."""

    by: User | None
    words: str
    to: str = ""


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
    deliveries: Iterable[ShownDelivery],
    corrections: Iterable[Correction],
    decisions: Iterable[Decision],
    notes: Iterable[Note],
    notifications: Iterable[Any],
    lines: Sequence[Line],
    people: Mapping[int, str],
    span: Span,
) -> list[Day]:
    """Return what happened in a span, with all of `deliveries`, by days of the desk's time zone.

    `lines` are the session's chain, and `people` the names of those whom its details name by id.
    """
    told = story.decided_at(lines)
    others = [
        *(Entry(at, "state", change) for at, change in state_changes(lines)),
        *(Entry(row.at, "correction", row) for row in corrections),
        *(entry for row in decisions for entry in _steps(row, told.get(row.pk, row.proposed_at))),
        *(Entry(row.at, "note", row) for row in notes),
        *_turns(lines, people),
        *(Entry(line.at, "due", str(story.DUE[line.action])) for line in lines if line.action in story.DUE),
        *(Entry(row.created_at, "notification", row) for row in notifications),
    ]
    shown = [Entry(delivery.row.received_at, "delivery", delivery) for delivery in deliveries]
    shown += [entry for entry in others if span.holds(entry.at)]
    shown.sort(key=lambda entry: entry.order, reverse=True)
    return [
        Day(day, list(group)) for day, group in groupby(shown, lambda entry: timezone.localdate(entry.at))
    ]


def kinds(timeline: Sequence[Day]) -> set[str]:
    """Return which filters have something to show: who worked at a session goes with what was decided."""
    found = {entry.kind for day in timeline for entry in day.entries}
    together = {"claim": "decision", "due": "state"}
    return {together.get(kind, kind) for kind in found}


def state_changes(lines: Iterable[Line]) -> list[tuple[datetime, StateChange]]:
    """Return when the session came to each of its states, by the record of what was applied and done here."""
    found: list[tuple[datetime, StateChange]] = []
    before = ("", 0)
    for line in lines:
        if line.detail.get("state") not in SessionState.values:
            continue
        now = (line.detail["state"], line.detail.get("round", 1))
        if now != before:
            event = line.detail.get("event") or ""
            found.append((line.at, StateChange(*now, old_state=before[0], event=event, by=line.by)))
        before = now
    return found


def _turns(lines: Iterable[Line], people: Mapping[int, str]) -> Iterator[Entry]:
    for line in lines:
        if line.action not in story.CLAIMS:
            continue
        other = story.other_person(line)
        to = people.get(other, "") if other is not None else ""
        words = (story.CLAIMS_OF_TWO if to else story.CLAIMS)[line.action]
        yield Entry(line.at, "claim", Turn(line.by, str(words), to))


def _steps(row: Decision, at: datetime) -> Iterator[Entry]:
    """Yield what was done about one decision, as far as it has come; `at` is when it was recorded."""
    yield Entry(at, "decision", Step(row, row.maker, _first_words(row), is_first=True))
    if row.checker is not None and row.checked_at is not None:
        is_back = row.status == DecisionStatus.RETURNED
        words = _SENT_BACK if is_back else _CONFIRMED[Outcome(row.outcome)]
        yield Entry(row.checked_at, "decision", Step(row, row.checker, str(words), said=row.answer))
    if row.undone_by is not None and row.undone_at is not None:
        words = _DECISION_BACK if row.confirmed_at else _PROPOSAL_BACK
        yield Entry(row.undone_at, "decision", Step(row, row.undone_by, str(words)))


def _first_words(row: Decision) -> str:
    outcome = Outcome(row.outcome)
    if outcome not in FINAL_OUTCOMES:
        words = _ADDRESSED.get(outcome) if row.addressee_id else None
        return str(words or _DONE[outcome])
    if row.settles_id is not None:
        return str(_SETTLED[outcome])
    return str(_PROPOSED[outcome] if row.needs_checker else _DONE[outcome])
