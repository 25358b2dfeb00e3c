"""Pages by key: Previous and Next that cost the same on page 1 and on page 1,000.

Keys name columns or annotations as `order_by` does ("-n_refused", "due_at", "id"); the last one must tell all rows
apart. A cursor is the signed keys of the row where a page ends; one that is not ours counts as none, which is page 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.core import signing
from django.db.models import F, Model, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Coalesce
from django.http import QueryDict

SIZE = 50
AFTER, BEFORE = "after", "before"

type Key = datetime | UUID | int


@dataclass(frozen=True, slots=True)
class Page[M: Model]:
    """One page's rows, and the query strings that lead to its neighbours: empty where there is none."""

    rows: list[M]
    previous: str
    next: str


def paginate[M: Model](
    rows: QuerySet[M], keys: Sequence[str], params: QueryDict, *, size: int = SIZE
) -> Page[M]:
    """Return the page of `rows` that the `after` or `before` of a URL's query asks for, or the first one.

    Costs one query; with directions that differ, at most one more for each change of direction. A page that has lost
    all its rows since its link was made shows the first page instead.
    """
    salt = _salt(keys)
    is_back = BEFORE in params
    cursor = read(params.get(BEFORE if is_back else AFTER, ""), len(keys), salt)
    is_back = is_back and cursor is not None
    found = fetch(rows, backwards(keys) if is_back else keys, cursor, size + 1)
    if not found and cursor is not None:
        cursor, is_back = None, False
        found = fetch(rows, keys, None, size + 1)
    has_more, found = len(found) > size, found[:size]
    if is_back:
        found.reverse()
    has_previous = has_more if is_back else cursor is not None
    has_next = has_more or is_back
    return Page(
        rows=found,
        previous=link(params, BEFORE, found[0], keys, salt) if has_previous else "",
        next=link(params, AFTER, found[-1], keys, salt) if has_next else "",
    )


def beyond(row: Model, keys: Sequence[str], params: QueryDict) -> str:
    """Return the query that leads to the page after a row of `paginate`, wherever that row is."""
    return link(params, AFTER, row, keys, _salt(keys))


def without_cursor(params: QueryDict) -> QueryDict:
    """Return a copy of a URL's query that leads to page 1."""
    kept = params.copy()
    kept.pop(AFTER, None)
    kept.pop(BEFORE, None)
    return kept


def fetch[M: Model](
    rows: QuerySet[M], keys: Sequence[str], cursor: Sequence[Key] | None, limit: int
) -> list[M]:
    """Return the first rows, in the order of the keys, that follow a cursor: a value for each key, or None."""
    rows = rows.order_by(*keys)
    if cursor is None:
        return list(rows[:limit])
    found: list[M] = []
    for beyond in ranges(keys, cursor):
        found += rows.filter(beyond)[: limit - len(found)]
        if len(found) == limit:
            break
    return found


def first_beyond[M: Model](rows: QuerySet[M], keys: Sequence[str], cursor: Sequence[Key]) -> Combinable:
    """Return the key of the first row, in the order of the keys, that follows a cursor, as a column of another query."""
    found = [
        Subquery(rows.filter(beyond).order_by(*keys).values("pk")[:1]) for beyond in ranges(keys, cursor)
    ]
    return Coalesce(*found) if len(found) > 1 else found[0]


def ranges(keys: Sequence[str], cursor: Sequence[Key]) -> Iterator[Q]:
    """Yield the conditions whose rows, one after the other, are all that follows the cursor.

    Each is a single range of an index over the keys: a row comparison for a run of keys of one direction, after
    equality of all keys before the run. So the longest run of equal keys comes first.
    """
    runs = [list(run) for _, run in groupby(range(len(keys)), lambda i: keys[i].startswith("-"))]
    for run in reversed(runs):
        names = [keys[i].lstrip("-") for i in run]
        comparison = TupleLessThan if keys[run[0]].startswith("-") else TupleGreaterThan
        equal = {keys[i].lstrip("-"): cursor[i] for i in range(run[0])}
        yield Q(comparison(Tuple(*map(F, names)), tuple(cursor[i] for i in run)), **equal)


def backwards(keys: Sequence[str]) -> list[str]:
    """Return the keys of the opposite order."""
    return [key[1:] if key.startswith("-") else f"-{key}" for key in keys]


def link(params: QueryDict, way: str, row: Model, keys: Sequence[str], salt: str) -> str:
    """Return the query that leads beyond a row, to later ones (AFTER) or earlier ones (BEFORE)."""
    query = without_cursor(params)
    query[way] = signing.dumps([_text(getattr(row, key.lstrip("-"))) for key in keys], salt=salt)
    return query.urlencode()


def read(text: str, length: int, salt: str) -> list[Key] | None:
    """Return the keys that a cursor holds, or None when it is not one of ours."""
    try:
        values = signing.loads(text, salt=salt)
        return [_key(value) for value in values] if len(values) == length else None
    except (signing.BadSignature, ValueError, TypeError):
        return None


def _salt(keys: Sequence[str]) -> str:
    return f"kyc.desk.paging {' '.join(keys)}"


def _text(key: Key) -> str | int:
    if isinstance(key, datetime):
        return key.isoformat()
    return key if isinstance(key, int) else str(key)


def _key(value: str | int) -> Key:
    if isinstance(value, int):
        return value
    return datetime.fromisoformat(value) if "T" in value else UUID(value)
