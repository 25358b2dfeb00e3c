"""What the record says was done with one session, in the page's words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kyc.ledger import session_chain
from kyc.models import LedgerEntry, Session, User

# Acts that only the record tells of, in the words that follow a person's name. Decisions and notes have rows.
CLAIMS = {
    "session.claimed": "claimed this session",
    "session.released": "released this session",
    "session.assigned": "assigned this session to",
    "session.asked": "asked to take over from",
    "session.handed_over": "handed this session over to",
    "session.kept": "kept this session, for which somebody had asked:",
}
# Whom the detail of an act names besides the actor.
_OTHER = {
    "session.released": "before",
    "session.assigned": "to",
    "session.asked": "holder",
    "session.handed_over": "to",
    "session.kept": "asked_by",
}
DUE = {
    "session.due_soon": "This session is due soon",
    "session.overdue": "This session is overdue",
}
# What makes a session another one than a person saw.
CHANGES = {
    "session.claimed": "claimed this session",
    "session.released": "released this session",
    "session.assigned": "assigned this session",
    "session.handed_over": "handed this session over",
    "session.approved": "approved this session",
    "session.rejected": "rejected this session",
    "session.proposed": "proposed a decision",
    "session.confirmed": "confirmed the proposed decision",
    "session.returned": "sent the proposed decision back",
    "session.undone": "took a decision back",
    "session.escalated": "escalated this session",
    "session.handed_back": "handed this session back to officers",
    "session.second_review_asked": "asked for a second review",
    "session.waited": "let this session wait",
    "session.resumed": "ended the wait",
    "session.settled": "settled the dispute",
    "session.corrected": "corrected what Ralio sent",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a session's chain. `by` is None for what Ralio sent and for what the desk did by itself."""

    at: datetime
    action: str
    by: User | None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> int:
        found = self.detail.get("version")
        return found if isinstance(found, int) else 0


def lines(session: Session) -> list[Line]:
    """Return the session's chain, oldest first. One query."""
    rows = LedgerEntry.objects.filter(chain=session_chain(session.pk)).order_by("seq")
    people: dict[int, User] = {}
    found = []
    for at, action, text, actor, name in rows.values_list(
        "at", "action", "detail", "actor_id", "actor__username"
    ):
        by = people.setdefault(actor, User(pk=actor, username=name)) if actor else None
        found.append(Line(at, action, by, json.loads(text)))
    return found


def held_since(lines: Iterable[Line]) -> datetime | None:
    """Return when somebody last came to hold the session."""
    taken = {"session.claimed", "session.assigned", "session.handed_over"}
    return max((line.at for line in lines if line.action in taken), default=None)


def decided_at(lines: Iterable[Line]) -> dict[int, datetime]:
    """Return when each decision was first recorded: after the claim that it took, and before what followed from it."""
    found: dict[int, datetime] = {}
    for line in lines:
        decision = line.detail.get("decision")
        if isinstance(decision, int):
            found.setdefault(decision, line.at)
    return found


def after(story: Iterable[Line], version: int) -> Sequence[Line]:
    """Return the acts of people that came after a version of the session, oldest first."""
    return [line for line in story if line.version > version and line.action in CHANGES]


def other_person(line: Line) -> int | None:
    """Return the id of the other person of an act on a claim, or None where there is none."""
    found = line.detail.get(_OTHER.get(line.action, ""))
    if not isinstance(found, int) or (line.by is not None and found == line.by.pk):
        return None
    return found


def names(lines: Sequence[Line], known: Iterable[User]) -> dict[int, str]:
    """Return the names of the people whom the acts name, asking only for such as are not known already."""
    wanted = {pk for line in lines if (pk := other_person(line)) is not None}
    found = {person.pk: person.username for person in known}
    found |= {line.by.pk: line.by.username for line in lines if line.by is not None}
    if missing := wanted - found.keys():
        found |= dict(User.objects.filter(pk__in=missing).values_list("pk", "username"))
    return found
