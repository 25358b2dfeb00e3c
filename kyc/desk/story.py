"""What the record says was done with one session, in the page's words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from kyc.desk.ledger_details import members
from kyc.ledger import session_chain
from kyc.models import LedgerEntry, User

# Acts that only the record tells of, each a sentence about a person. Decisions and notes have rows.
CLAIMS = {
    "session.claimed": gettext_lazy("%(person)s claimed this session"),
    "session.released": gettext_lazy("%(person)s released this session"),
    # To nobody else: to oneself.
    "session.assigned": gettext_lazy("%(person)s claimed this session"),
    "session.asked": gettext_lazy("%(person)s asked to take over"),
    "session.handed_over": gettext_lazy("%(person)s handed this session over"),
    "session.kept": gettext_lazy("%(person)s kept this session"),
}
# The same, where another person has a part in it.
CLAIMS_OF_TWO = {
    "session.released": gettext_lazy("%(person)s released this session for %(other)s"),
    "session.assigned": gettext_lazy("%(person)s assigned this session to %(other)s"),
    "session.asked": gettext_lazy("%(person)s asked to take over from %(other)s"),
    "session.handed_over": gettext_lazy("%(person)s handed this session over to %(other)s"),
    "session.kept": gettext_lazy("%(person)s kept this session, for which somebody had asked: %(other)s"),
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
    "session.due_soon": gettext_lazy("This session is due soon"),
    "session.overdue": gettext_lazy("This session is overdue"),
}
# What makes a session another one than a person saw.
CHANGES = {
    "session.claimed": CLAIMS["session.claimed"],
    "session.released": CLAIMS["session.released"],
    "session.assigned": gettext_lazy("%(person)s assigned this session"),
    "session.handed_over": CLAIMS["session.handed_over"],
    "session.approved": gettext_lazy("%(person)s approved this session"),
    "session.rejected": gettext_lazy("%(person)s rejected this session"),
    "session.proposed": gettext_lazy("%(person)s proposed a decision"),
    "session.confirmed": gettext_lazy("%(person)s confirmed the proposed decision"),
    "session.returned": gettext_lazy("%(person)s sent the proposed decision back"),
    "session.undone": gettext_lazy("%(person)s took a decision back"),
    "session.escalated": gettext_lazy("%(person)s escalated this session"),
    "session.handed_back": gettext_lazy("%(person)s handed this session back to officers"),
    "session.second_review_asked": gettext_lazy("%(person)s asked for a second review"),
    "session.waited": gettext_lazy("%(person)s let this session wait"),
    "session.resumed": gettext_lazy("%(person)s ended the wait"),
    "session.settled": gettext_lazy("%(person)s settled the dispute"),
    "session.corrected": gettext_lazy("%(person)s corrected what Ralio sent"),
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


def entries(session_id: UUID) -> QuerySet[LedgerEntry, tuple[Any, ...]]:
    """Return the rows that `lines` reads: a session's chain, oldest first."""
    rows = LedgerEntry.objects.filter(chain=session_chain(session_id)).order_by("seq")
    return rows.values_list("at", "action", "detail", "actor_id", "actor__username")


def lines(rows: Iterable[tuple[Any, ...]]) -> list[Line]:
    """Return a chain's lines, oldest first."""
    people: dict[int, User] = {}
    found = []
    for at, action, text, actor, name in rows:
        by = people.setdefault(actor, User(pk=actor, username=name)) if actor else None
        found.append(Line(at, action, by, members(text) or {}))
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


def names(lines: Iterable[Line], known: Iterable[User]) -> dict[int, str]:
    """Return the names of the people who acted, and of those who are known."""
    found = {person.pk: person.username for person in known}
    return found | {line.by.pk: line.by.username for line in lines if line.by is not None}


def other_people(lines: Iterable[Line]) -> set[int]:
    """Return the ids of the people whom the acts name besides who did them."""
    return {pk for line in lines if (pk := other_person(line)) is not None}


def names_of(people: Collection[int]) -> QuerySet[User, tuple[int, str]]:
    return User.objects.filter(pk__in=people).values_list("pk", "username")
