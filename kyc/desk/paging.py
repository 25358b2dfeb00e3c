"""Pages by key: the one before and the one after cost the same on page 1 and on page 1,000, whatever is filtered.

Rows come from a few ranges of indexes, each in the list's order, asked in one statement. Where a filter sieves them, a
page looks through so many of each and no more; it then says how far back it looked, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from kyc.desk.cursors import (
    AFTER,
    BEFORE,
    Key,
    asked,
    backwards,
    cursor_of,
    link,
    names,
    ranges,
    up_to,
    without_cursor,
)
from kyc.desk.together import Together

SIZE = 50
# How many rows a page looks through, where a filter sieves them.
MOST_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True)
class Listing[M: Model]:
    """What a list pages through: ranges of indexes, each in the order of `keys`, and what of them is wanted.

    No `sieve` wants them all. With a sieve, or with several ranges, the keys have one direction; with a sieve, `time`
    names the column that tells how far back a page looked.
    """

    ranges: Sequence[QuerySet[M]]
    keys: Sequence[str]
    sieve: Q | None = None
    time: str = ""


@dataclass(frozen=True, slots=True)
class Page[M: Model]:
    """One page's rows, and the query strings that lead to its neighbours: None where there is none.

    `looked_back_to` is set where the page stopped looking before it was full.
    """

    rows: list[M]
    previous: str | None
    next: str | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Looked[M: Model]:
    """What one look found, and the row that it ended at when it ended before its end."""

    rows: list[M]
    edge: M | None = None


def paginate[M: Model](listing: Listing[M], params: QueryDict, *, size: int = SIZE) -> Page[M]:
    """Return the page that the `after` or `before` of a URL's query asks for, or the first one.

    Costs one statement; one more where there is a sieve, at most one more for each change of direction of the keys, and
    one where a page has lost all its rows since its link was made, for the first page is shown then.
    """
    keys = listing.keys
    cursor, is_back = asked(params, keys)
    looked = _look(listing, cursor, size, is_back=is_back)
    if not looked.rows and cursor is not None and listing.sieve is None:
        cursor, is_back, looked = None, False, _look(listing, None, size, is_back=False)
    rows, is_full = looked.rows[:size], len(looked.rows) > size
    last = rows[-1] if is_full else looked.edge
    onwards = link(params, BEFORE if is_back else AFTER, last, keys) if last else None
    if is_back:
        rows.reverse()
    returning = None
    if cursor is not None:
        # Beside nothing there is no row to turn round at.
        turning = rows[-1 if is_back else 0] if rows else None
        way = AFTER if is_back else BEFORE
        returning = link(params, way, turning, keys) if turning else without_cursor(params).urlencode()
    before, after = (onwards, returning) if is_back else (returning, onwards)
    return Page(rows, before, after, getattr(looked.edge, listing.time) if looked.edge else None)


def fetch[M: Model](
    parts: Sequence[QuerySet[M]], keys: Sequence[str], cursor: Sequence[Key] | None, limit: int
) -> list[M]:
    """Return the first rows of all parts, in the order of the keys, that follow a cursor; all of them where it is None."""
    parts = [rows.order_by(*keys) for rows in parts]
    if cursor is None:
        return _merged(parts, keys, limit)
    found: list[M] = []
    for beyond in ranges(keys, cursor):
        found += _merged([rows.filter(beyond) for rows in parts], keys, limit - len(found))
        if len(found) == limit:
            break
    return found


def in_chunks[M: Model](rows: QuerySet[M], keys: Sequence[str], size: int) -> Iterator[list[M]]:
    """Yield all rows, a chunk at a time, each in a query of its own: neither memory nor a transaction grows with them."""
    cursor: list[Key] | None = None
    while found := fetch([rows], keys, cursor, size):
        yield found
        cursor = cursor_of(found[-1], keys)


def _look[M: Model](
    listing: Listing[M], cursor: Sequence[Key] | None, size: int, *, is_back: bool
) -> _Looked[M]:
    keys = backwards(listing.keys) if is_back else list(listing.keys)
    if listing.sieve is None:
        return _Looked(fetch(listing.ranges, keys, cursor, size + 1))
    parts = [rows.order_by(*keys) for rows in listing.ranges]
    if cursor is not None:
        (beyond,) = ranges(keys, cursor)
        parts = [rows.filter(beyond) for rows in parts]
    edge = _edge(parts, keys, listing.time)
    if edge is not None:
        parts = [rows.filter(up_to(keys, cursor_of(edge, keys))) for rows in parts]
    shown = _merged([rows.filter(listing.sieve) for rows in parts], keys, size + 1)
    return _Looked(shown) if len(shown) > size else _Looked(shown, edge)


def _edge[M: Model](parts: Sequence[QuerySet[M]], keys: Sequence[str], time: str) -> M | None:
    """Return the first row that a page looks at last in one of the ranges: beyond it not all were looked through."""
    place = MOST_LOOKED_THROUGH // max(1, len(parts)) - 1
    bare = [rows.select_related(None).only(*names(keys), time) for rows in parts]
    edges = _in_order([rows[place : place + 1] for rows in bare], keys)
    return edges[0] if edges else None


def _merged[M: Model](parts: Sequence[QuerySet[M]], keys: Sequence[str], limit: int) -> list[M]:
    return _in_order([rows[:limit] for rows in parts], keys)[:limit]


def _in_order[M: Model](parts: Sequence[QuerySet[M]], keys: Sequence[str]) -> list[M]:
    """Return the rows of all parts in the order of the keys. One statement."""
    together = Together()
    answers = [together.add(rows) for rows in parts]
    together.ask()
    rows = [row for answer in answers for row in answer.rows]
    if len(parts) > 1:
        rows.sort(key=attrgetter(*names(keys)), reverse=keys[0].startswith("-"))
    return rows
