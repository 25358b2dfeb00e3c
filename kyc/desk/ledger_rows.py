"""Entries of the ledger as the desk shows them: whose chain, who acted, and what the detail names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from kyc import ledger
from kyc.desk.ledger_details import members
from kyc.models import LedgerEntry, User

# A list shows so much of a detail; its entry has it whole.
MOST_MEMBERS, LONGEST_VALUE = 4, 60

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"([0-9a-f]{8})-[0-9a-f-]{23}([0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class Chain:
    """What a chain is about: a session, a person with their name, or the system."""

    name: str
    session_id: UUID | None = None
    person: str = ""

    @property
    def words(self) -> str:
        """Return what the chain is called in a sentence or a title."""
        if self.session_id:
            return _("Session %(id)s") % {"id": self.session_id}
        return self.person or (_("The desk itself") if self.name == ledger.SYSTEM else self.name)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry. `members` are the beginning of its detail: names, and values as JSON has them."""

    entry: LedgerEntry
    chain: Chain
    members: Sequence[tuple[str, str]]
    n_more: int


def rows(entries: Sequence[LedgerEntry], named: Mapping[str, str]) -> list[Row]:
    """Return the entries as rows, in their order; `named` are the people of their chains."""
    return [_row(entry, chain(entry.chain, named)) for entry in entries]


def chain(name: str, named: Mapping[str, str]) -> Chain:
    """Return what a chain's name means; `named` are the people of chains, by the chain."""
    kind, _separator, id = name.partition(":")
    if kind == "session":
        try:
            return Chain(name, session_id=UUID(id))
        except ValueError:
            return Chain(name)
    return Chain(name, person=named.get(name, ""))


def names(chains: Iterable[str]) -> dict[str, str]:
    """Return the usernames of those chains that are people's. At most one query."""
    ids = {name.removeprefix("person:") for name in chains if name.startswith("person:")}
    wanted = [int(id) for id in ids if id.isascii() and id.isdecimal() and len(id) <= 18]
    if not wanted:
        return {}
    found = User.objects.filter(pk__in=wanted).values_list("pk", "username")
    return {f"person:{pk}": username for pk, username in found}


def _row(entry: LedgerEntry, chain: Chain) -> Row:
    detail = members(entry.detail)
    if detail is None:
        return Row(entry, chain, [("", entry.detail[:LONGEST_VALUE])], 0)
    # What the chain says by itself needs no second saying.
    told = [(name, _text(value)) for name, value in detail.items() if value != str(chain.session_id)]
    return Row(entry, chain, told[:MOST_MEMBERS], len(told[MOST_MEMBERS:]))


def _text(value: Any) -> str:
    """Return a value in short: a digest by its first digits, ids as the desk writes them elsewhere."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _DIGEST.fullmatch(text):
        return f"{text[:12]}…"
    text = _UUID.sub(r"\1…\2", text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
