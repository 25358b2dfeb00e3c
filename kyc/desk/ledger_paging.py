"""Pages of the ledger, newest first, at a cost that no filter and no number of entries raises.

Entries come from a few ranges of indexes, each in the page's order, asked in one statement. Where a filter sieves them,
a page looks through so many of each and no more; it then says how far back it looked, and Older goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import QueryDict

from kyc.desk.ledger_filters import Sieved
from kyc.desk.paging import AFTER, BEFORE, SIZE, Key, backwards, link, ranges, read, without_cursor
from kyc.desk.together import Together
from kyc.models import LedgerEntry

# How many entries a page looks through, where a filter sieves them.
MOST_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page's entries, and the queries that lead to newer and older ones: None where there are none.

    `looked_back_to` is set where the page stopped looking before it was full.
    """

    rows: list[LedgerEntry]
    newer: str | None
    older: str | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look found, and the entry that it ended at when it ended before its end."""

    rows: list[LedgerEntry]
    edge: LedgerEntry | None = None


def paginate(found: Sieved, params: QueryDict, *, size: int = SIZE) -> Page:
    """Return the page that the `after` (older) or `before` (newer) of a URL's query asks for, or the newest one.

    Costs one statement; one more where there is a sieve, and where a page has lost all its rows since its link was made,
    for the newest page is shown then.
    """
    keys, salt = found.keys, f"kyc.desk.ledger {' '.join(found.keys)}"
    is_back = BEFORE in params
    cursor = read(params.get(BEFORE if is_back else AFTER, ""), len(keys), salt)
    is_back = is_back and cursor is not None
    looked = _look(found, cursor, size, is_back=is_back)
    if not looked.rows and cursor is not None and found.sieve is None:
        cursor, is_back, looked = None, False, _look(found, None, size, is_back=False)
    rows, is_full = looked.rows[:size], len(looked.rows) > size
    last = rows[-1] if is_full else looked.edge
    beyond = link(params, BEFORE if is_back else AFTER, last, keys, salt) if last else None
    back_to = looked.edge.at if looked.edge else None
    if is_back:
        rows.reverse()
        # Before nothing there is no row to turn round at.
        older = link(params, AFTER, rows[-1], keys, salt) if rows else without_cursor(params).urlencode()
        return Page(rows, beyond, older, back_to)
    newer = None
    if cursor is not None:
        newer = link(params, BEFORE, rows[0], keys, salt) if rows else without_cursor(params).urlencode()
    return Page(rows, newer, beyond, back_to)


def _look(found: Sieved, cursor: Sequence[Key] | None, size: int, *, is_back: bool) -> _Looked:
    keys = backwards(found.keys) if is_back else list(found.keys)
    parts = [rows.order_by(*keys) for rows in found.ranges]
    if cursor is not None:
        (beyond,) = ranges(keys, cursor)
        parts = [rows.filter(beyond) for rows in parts]
    if found.sieve is None:
        return _Looked(_merged([_listed(rows)[: size + 1] for rows in parts], keys)[: size + 1])
    last = MOST_LOOKED_THROUGH // max(1, len(parts)) - 1
    edges = _merged([rows[last : last + 1] for rows in parts], keys)
    # Beyond the first edge not every range was looked through.
    edge = edges[0] if edges else None
    if edge is not None:
        parts = [rows.filter(_up_to(edge, keys)) for rows in parts]
    shown = _merged([_listed(rows.filter(found.sieve))[: size + 1] for rows in parts], keys)[: size + 1]
    return _Looked(shown) if len(shown) > size else _Looked(shown, edge)


def _listed(rows: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    return rows.select_related("actor").only(
        "chain", "seq", "at", "action", "detail", "request_id", "address", "actor__username"
    )


def _merged(parts: Sequence[QuerySet[LedgerEntry]], keys: Sequence[str]) -> list[LedgerEntry]:
    """Return the rows of all parts in the order of the key. One statement."""
    asked = Together()
    answers = [asked.add(rows) for rows in parts]
    if answers:
        asked.ask()
    (key,) = keys
    rows = [row for answer in answers for row in answer.rows]
    return sorted(rows, key=lambda row: getattr(row, key.lstrip("-")), reverse=key.startswith("-"))


def _up_to(edge: LedgerEntry, keys: Sequence[str]) -> Q:
    """Return the condition that a row comes no later than the edge."""
    (key,) = keys
    name = key.lstrip("-")
    return Q(**{f"{name}__{'gte' if key.startswith('-') else 'lte'}": getattr(edge, name)})
