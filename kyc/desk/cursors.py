"""Keys of rows as cursors: which rows follow one, as ranges of an index, and how a URL's query holds one.

Keys name columns or annotations as `order_by` does ("-n_refused", "due_at", "id"); the last one must tell all rows
apart. A cursor is the signed keys of the row where a page ends; one that is not ours counts as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.core import signing
from django.db.models import F, Model, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)
from django.db.models.functions import Coalesce
from django.http import QueryDict

AFTER, BEFORE = "after", "before"

type Key = datetime | UUID | int


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
        columns = Tuple(*(F(keys[i].lstrip("-")) for i in run))
        comparison = TupleLessThan if keys[run[0]].startswith("-") else TupleGreaterThan
        equal = {keys[i].lstrip("-"): cursor[i] for i in range(run[0])}
        yield Q(comparison(columns, tuple(cursor[i] for i in run)), **equal)


def up_to(keys: Sequence[str], cursor: Sequence[Key]) -> Q:
    """Return the condition that a row comes no later than the cursor, by keys of one direction: one range of an index."""
    comparison = TupleGreaterThanOrEqual if keys[0].startswith("-") else TupleLessThanOrEqual
    return Q(comparison(Tuple(*map(F, names(keys))), tuple(cursor)))


def names(keys: Sequence[str]) -> list[str]:
    """Return the keys without their directions."""
    return [key.lstrip("-") for key in keys]


def backwards(keys: Sequence[str]) -> list[str]:
    """Return the keys of the opposite order."""
    return [key[1:] if key.startswith("-") else f"-{key}" for key in keys]


def cursor_of(row: Model, keys: Sequence[str]) -> list[Key]:
    """Return the cursor of a row."""
    return [getattr(row, name) for name in names(keys)]


def asked(params: QueryDict, keys: Sequence[str]) -> tuple[list[Key] | None, bool]:
    """Return the cursor of a URL's query, None where it has none of ours, and whether what comes before it is asked for."""
    is_back = BEFORE in params
    cursor = _read(params.get(BEFORE if is_back else AFTER, ""), keys)
    return cursor, is_back and cursor is not None


def link(params: QueryDict, way: str, row: Model, keys: Sequence[str]) -> str:
    """Return the query that leads beyond a row, to later ones (AFTER) or earlier ones (BEFORE)."""
    query = without_cursor(params)
    query[way] = signing.dumps([_text(key) for key in cursor_of(row, keys)], salt=_salt(keys))
    return query.urlencode()


def without_cursor(params: QueryDict) -> QueryDict:
    """Return a copy of a URL's query that leads to page 1."""
    kept = params.copy()
    kept.pop(AFTER, None)
    kept.pop(BEFORE, None)
    return kept


def _read(text: str, keys: Sequence[str]) -> list[Key] | None:
    try:
        values = signing.loads(text, salt=_salt(keys))
        return [_key(value) for value in values] if len(values) == len(keys) else None
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
