"""What happened to a session while a person had it open: who, what and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from kyc.desk import story
from kyc.desk.story import Line
from kyc.models import User
from kyc.projection import Fact
from kyc.review import Seen


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a person had not seen, in a sentence. `by` is None where Ralio did it, which sent `state`."""

    at: datetime
    by: User | None
    words: str
    state: str = ""
    is_claim: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why an act was not done: what changed, oldest first. `refusal` is what the desk answered."""

    changes: Sequence[Change]
    refusal: str = ""

    @property
    def chief(self) -> Change | None:
        """Return the change that the notice is headed by: the newest, and one of a claim only where there is no other."""
        return max(self.changes, key=lambda change: (not change.is_claim, change.at), default=None)


def since(
    seen: Seen,
    now: Seen,
    facts: Iterable[Fact],
    lines: Iterable[Line],
    refusal: str = "",
) -> Conflict | None:
    """Return what changed since a person saw the session, or None when nothing did."""
    if seen == now and not refusal:
        return None
    changes = [
        *_events(seen.basis, facts),
        *(
            Change(line.at, line.by, str(story.CHANGES[line.action]), is_claim=line.action in story.CLAIMS)
            for line in story.after(lines, seen.version)
        ),
    ]
    changes.sort(key=lambda change: change.at)
    return Conflict(changes, refusal)


def _events(basis: int, facts: Iterable[Fact]) -> list[Change]:
    """Return the events that stand after the newest one that the person had seen."""
    known = {fact.delivery: fact for fact in facts}
    if basis not in known:
        return []
    return [
        Change(fact.at, None, gettext("Ralio sent %(state)s"), fact.state)
        for fact in known.values()
        if fact.order > known[basis].order
    ]
