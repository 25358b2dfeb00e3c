"""What a session's chain tells of its claims, read act by act: who had it must be who could have had it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kyc.models import LedgerEntry, Session


@dataclass(slots=True)
class Told:
    """Who has the session and who asks for it, as far as the chain is read. A claim that ended by itself tells nothing."""

    version: int
    holder: int | None = None
    asker: int | None = None

    def hear(self, action: str, actor: int | None, detail: dict[str, int | None]) -> str:
        """Take in an act, and return what is wrong with it."""
        wrong = ""
        match action:
            case "session.claimed":
                # One's own claim that had ended is not told as another's.
                before = (detail["before"],) if "before" in detail else (None, actor)
                wrong = self._moves(actor, self.holder in before)
            case "session.released":
                wrong = self._moves(None, self.holder == detail["before"])
            case "session.assigned":
                wrong = self._moves(detail["to"], detail["before"] in (self.holder, None))
            case "session.handed_over":
                wrong = self._moves(detail["to"], (self.holder, self.asker) == (actor, detail["to"]))
            case "session.asked":
                wrong = "" if self.holder == detail["holder"] != actor else "asked who does not hold it"
                self.asker = actor
            case "session.kept":
                wrong = (
                    "" if (self.holder, self.asker) == (actor, detail["asked_by"]) else "kept for no reason"
                )
                self.asker = None
        return wrong or ("" if detail["version"] == self.version else f"left version {detail['version']}")

    def _moves(self, holder: int | None, could_be: bool) -> str:
        self.holder, self.asker = holder, None
        self.version += 1
        return "" if could_be else "moved it from somebody who did not have it"


def broken_claims(session: Session, entries: Iterable[LedgerEntry], version: int = 1) -> Iterator[str]:
    """Yield where the chain of a session that began with this version contradicts itself, or the session's row."""
    told = Told(version)
    for entry in entries:
        if wrong := told.hear(entry.action, entry.actor_id, json.loads(entry.detail)):
            yield f"{session.pk}, entry {entry.seq}: {entry.action} {wrong}."
    row = (session.version, session.assignee_id, session.asked_by_id)
    if row != (told.version, told.holder, told.asker):
        yield f"{session.pk} is {row}, and its chain says {(told.version, told.holder, told.asker)}."
