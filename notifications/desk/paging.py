"""Pages of messages, newest first, at a cost that no filter and no number of messages raises.

Rows come from a few ranges of one index, each in the page's order, asked in one statement. Where a filter sieves them,
a page looks through so many of each and no more; it then says how far back it looked, and Older goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThanOrEqual, TupleLessThanOrEqual
from django.http import QueryDict

from kyc.desk.paging import AFTER, BEFORE, SIZE, Key, backwards, link, ranges, read, without_cursor
from kyc.desk.together import Together
from notifications.desk.filters import Sieved
from notifications.models import Notification

KEYS = ("-created_at", "-id")
SALT = "notifications.desk"
# How many messages a page looks through, where a filter sieves them.
MOST_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page's rows, and the queries that lead to newer and older ones: None where there are none.

    `looked_back_to` is set where the page stopped looking before it was full.
    """

    rows: list[Notification]
    newer: str | None
    older: str | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look found, and the row that it ended at when it ended before its end."""

    rows: list[Notification]
    edge: Notification | None = None


def paginate(found: Sieved, params: QueryDict, *, size: int = SIZE) -> Page:
    """Return the page that the `after` (older) or `before` (newer) of a URL's query asks for, or the newest one.

    Costs one statement; one more where there is a sieve, and where a page has lost all its rows since its link was
    made, for the newest page is shown then.
    """
    is_back = BEFORE in params
    cursor = read(params.get(BEFORE if is_back else AFTER, ""), len(KEYS), SALT)
    is_back = is_back and cursor is not None
    looked = _look(found, cursor, size, is_back=is_back)
    if not looked.rows and cursor is not None and not found.sieve:
        cursor, is_back, looked = None, False, _look(found, None, size, is_back=False)
    rows, is_full = looked.rows[:size], len(looked.rows) > size
    last = rows[-1] if is_full else looked.edge
    beyond = link(params, BEFORE if is_back else AFTER, last, KEYS, SALT) if last else None
    if is_back:
        rows.reverse()
        # Before nothing there is no row to turn round at.
        older = link(params, AFTER, rows[-1], KEYS, SALT) if rows else without_cursor(params).urlencode()
        return Page(rows, beyond, older, looked.edge.created_at if looked.edge else None)
    newer = None
    if cursor is not None:
        newer = link(params, BEFORE, rows[0], KEYS, SALT) if rows else without_cursor(params).urlencode()
    return Page(rows, newer, beyond, looked.edge.created_at if looked.edge else None)


def _look(found: Sieved, cursor: Sequence[Key] | None, size: int, *, is_back: bool) -> _Looked:
    keys = backwards(KEYS) if is_back else list(KEYS)
    parts = [rows.order_by(*keys) for rows in found.ranges]
    if cursor is not None:
        (beyond,) = ranges(keys, cursor)
        parts = [rows.filter(beyond) for rows in parts]
    if found.sieve is None:
        return _Looked(_merged([rows[: size + 1] for rows in parts], is_back=is_back)[: size + 1])
    last = MOST_LOOKED_THROUGH // max(1, len(parts)) - 1
    edges = _merged([rows.only("created_at")[last : last + 1] for rows in parts], is_back=is_back)
    # Beyond the first edge not every range was looked through.
    edge = edges[0] if edges else None
    if edge is not None:
        parts = [rows.filter(_up_to(edge, is_back=is_back)) for rows in parts]
    shown = _merged([rows.filter(found.sieve)[: size + 1] for rows in parts], is_back=is_back)[: size + 1]
    return _Looked(shown) if len(shown) > size else _Looked(shown, edge)


def _merged(parts: Sequence[QuerySet[Notification]], *, is_back: bool) -> list[Notification]:
    """Return the rows of all parts in the page's order. One statement."""
    asked = Together()
    answers = [asked.add(rows) for rows in parts]
    if answers:
        asked.ask()
    rows = [row for answer in answers for row in answer.rows]
    return sorted(rows, key=_place, reverse=not is_back)


def _place(row: Notification) -> tuple[datetime, UUID]:
    return row.created_at, row.pk


def _up_to(edge: Notification, *, is_back: bool) -> Q:
    """Return the condition that a row comes no later than the edge, as one range of an index over the keys."""
    comparison = TupleLessThanOrEqual if is_back else TupleGreaterThanOrEqual
    return Q(comparison(Tuple(F("created_at"), F("id")), _place(edge)))
