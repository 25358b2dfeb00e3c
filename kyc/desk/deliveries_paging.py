"""Pages of deliveries: Newer and Older at a cost that no filter and no number of rows raises.

Rows come from one range of one index. Where a filter beyond that range sieves them, a page looks through so many of
them and no more; it then says how far back it looked, and Older goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThanOrEqual, TupleLessThanOrEqual
from django.http import QueryDict

from kyc.desk.deliveries_filters import LISTED, Sieved
from kyc.desk.paging import AFTER, BEFORE, Key, backwards, link, ranges, read, without_cursor
from kyc.models import Delivery

SIZE = 50
# How many rows of its range a page looks through, where a filter sieves them.
MOST_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page's rows, and the queries that lead to newer and older ones: None where there are none.

    `looked_back_to` is set where the page stopped looking before it was full.
    """

    rows: list[Any]
    newer: str | None
    older: str | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look found, and the row that it ended at when it ended before its end."""

    rows: list[Any]
    edge: Any = None


def paginate(found: Sieved, params: QueryDict, *, size: int = SIZE) -> Page:
    """Return the page that the `after` (older) or `before` (newer) of a URL's query asks for, or the newest one.

    Costs one query; one more where there is a sieve, and where a page has lost all its rows since its link was made,
    for the newest page is shown then.
    """
    salt = f"kyc.desk.deliveries {' '.join(found.keys)}"
    is_back = BEFORE in params
    cursor = read(params.get(BEFORE if is_back else AFTER, ""), len(found.keys), salt)
    is_back = is_back and cursor is not None
    looked = _look(found, cursor, size, is_back=is_back)
    if not looked.rows and looked.edge is None and cursor is not None and not is_back and not found.sieve:
        cursor, looked = None, _look(found, None, size, is_back=False)
    has_more, rows = len(looked.rows) > size or looked.edge is not None, looked.rows[:size]
    last = looked.edge if len(looked.rows) <= size and looked.edge is not None else rows[-1] if rows else None
    newer: str | None
    older: str | None
    if is_back:
        rows.reverse()
        newer = link(params, BEFORE, last, found.keys, salt) if has_more and last else None
        older = (
            link(params, AFTER, rows[-1], found.keys, salt) if rows else without_cursor(params).urlencode()
        )
    else:
        newer = _newer(params, cursor, rows, found.keys, salt)
        older = link(params, AFTER, last, found.keys, salt) if has_more and last else None
    return Page(rows, newer, older, looked.edge.received_at if looked.edge else None)


def came_after(found: Sieved, newest: int, *, most: int) -> int:
    """Count what came after a row's key, up to `most`, looking through no more rows than a page does."""
    came = found.rows.model.objects.filter(pk__gt=newest).order_by("pk").values("pk")[:MOST_LOOKED_THROUGH]
    wanted = found.rows.filter(pk__in=came)
    if found.sieve:
        wanted = wanted.filter(found.sieve)
    return int(wanted.order_by()[:most].count())


def _newer(
    params: QueryDict, cursor: Sequence[Key] | None, rows: list[Any], keys: Sequence[str], salt: str
) -> str | None:
    if cursor is None:
        return None
    # Before nothing there is no row to turn round at.
    return link(params, BEFORE, rows[0], keys, salt) if rows else without_cursor(params).urlencode()


def _look(found: Sieved, cursor: Sequence[Key] | None, size: int, *, is_back: bool) -> _Looked:
    keys = backwards(found.keys) if is_back else list(found.keys)
    rows = found.rows.order_by(*keys)
    if cursor is not None:
        (beyond,) = ranges(keys, cursor)
        rows = rows.filter(beyond)
    if found.sieve is None:
        return _Looked(list(listed(rows)[: size + 1]))
    last = rows.only("received_at")[MOST_LOOKED_THROUGH - 1 : MOST_LOOKED_THROUGH]
    edge = next(iter(last), None)
    if edge is not None:
        rows = rows.filter(_up_to(edge, keys))
    shown = list(listed(rows.filter(found.sieve))[: size + 1])
    return _Looked(shown) if len(shown) > size else _Looked(shown, edge)


def _up_to(edge: Any, keys: Sequence[str]) -> Q:
    """Return the condition that a row comes no later than the edge, as one range of an index over the keys."""
    names = [key.lstrip("-") for key in keys]
    comparison = TupleGreaterThanOrEqual if keys[0].startswith("-") else TupleLessThanOrEqual
    return Q(comparison(Tuple(*map(F, names)), tuple(getattr(edge, name) for name in names)))


def listed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Load what a list shows, and of a delivery's session what tells whether it is superseded."""
    if rows.model is not Delivery:
        return rows.defer("body", "headers")
    session = [f"session__{name}" for name in ("last_event_at", "evidence_id")]
    return rows.select_related("session").only(*LISTED, *session)
