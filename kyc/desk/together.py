"""Several queries asked in one statement: one way to the database and back, and one state of it for all of them.

Under READ COMMITTED a statement sees what was committed when it began, so that a page made of many may show a decision
and, a moment later, a session that it has not reached. What comes in one statement fits together.

Each query's rows travel as JSON and are made by the query's own iterable with its own converters, so that it answers
as it would by itself: models with what `select_related` brings, annotations, deferred columns, `values_list`. Only
`prefetch_related` would ask again; `hand_out` does without.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet, Subquery, TextField
from django.db.models.sql import Query

# Kinds of columns whose values JSON holds exactly. It has no exact decimals, and one engine rounds its floats.
_AS_THEY_ARE = frozenset(
    {
        "AutoField",
        "BigAutoField",
        "BigIntegerField",
        "BooleanField",
        "CharField",
        "IntegerField",
        "PositiveBigIntegerField",
        "PositiveIntegerField",
        "TextField",
    }
)
# These come as text, and Django reads them from it; those come as text, and a driver would have read them.
_AS_TEXT = {
    "sqlite": frozenset({"DateTimeField", "JSONField", "UUIDField"}),
    "postgresql": frozenset({"JSONField"}),
}
_DECODED = {
    "sqlite": frozenset({"BinaryField"}),
    "postgresql": frozenset({"BinaryField", "DateTimeField", "UUIDField"}),
}
# What makes JSON of a kind of column.
_WRITTEN = {
    "sqlite": {"BinaryField": "CASE WHEN {0} IS NULL THEN NULL ELSE hex({0}) END"},
    "postgresql": {"BinaryField": "encode({}, 'hex')", "JSONField": "({})::text"},
}
_ROWS = {
    "sqlite": "WITH asked ({}) AS ({}) SELECT json_group_array(json_array({})) FROM asked",
    "postgresql": "WITH asked ({}) AS ({}) SELECT json_agg(json_build_array({})) FROM asked",
}


@dataclass(slots=True)
class Answer[R]:
    """What one of the queries brings: nothing may look at it before all of them were asked."""

    _rows: list[R] | None = None

    @property
    def rows(self) -> list[R]:
        assert self._rows is not None, "It was not asked yet."  # noqa: S101
        return self._rows

    @property
    def first(self) -> R | None:
        return self.rows[0] if self.rows else None


@dataclass(slots=True)
class Together:
    """Queries to be asked in one statement."""

    _asked: list[tuple[QuerySet[Any, Any], Answer[Any]]] = field(default_factory=list)

    def add[R](self, rows: QuerySet[Any, R]) -> Answer[R]:
        """Have a query asked with the others."""
        answer = Answer[R]()
        self._asked.append((rows, answer))
        return answer

    def ask(self) -> None:
        """Ask all that was added since the last time, in one statement; in none where nothing can be found."""
        asked, self._asked = self._asked, []
        if len(asked) == 1:
            ((rows, answer),) = asked
            answer._rows = list(rows)
            return
        told: list[tuple[_Reading, Answer[Any]]] = []
        parts: list[str] = []
        params: list[Any] = []
        for rows, answer in asked:
            answer._rows = []
            reading = _Reading(rows, rows.query.chain(), connections[rows.db])
            try:
                sql, own = reading.as_sql()
            except EmptyResultSet:
                continue
            told.append((reading, answer))
            parts.append(f"({sql})")
            params += own
        if not told:
            return
        with told[0][0].connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", params)
            found = cursor.fetchone()
        for (reading, answer), text in zip(told, found, strict=True):
            answer._rows = reading.read(text)


class Rows(Subquery):
    """A query's rows as a column of another query, whose row it may name by OuterRef: the list that it would give."""

    output_field = TextField()

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        super().__init__(rows)
        self._rows = rows
        self._reading: _Reading | None = None

    def as_sql(
        self, compiler: Any, connection: Any, template: str | None = None, **extra: Any
    ) -> tuple[str, tuple[Any, ...]]:
        self._reading = _Reading(self._rows, self.query, connection)
        sql, params = self._reading.as_sql()
        return f"({sql})", tuple(params)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., Any]]:
        return [self._read]

    def _read(self, found: Any, expression: object, connection: BaseDatabaseWrapper) -> list[Any]:
        return self._reading.read(found) if self._reading else []


def hand_out(parents: Iterable[Model], name: str, children: Iterable[Model], key: str) -> None:
    """Give each row those of the related rows that name it, as `prefetch_related` would; `key` is where they do."""
    of_parent: dict[Any, list[Model]] = defaultdict(list)
    for child in children:
        of_parent[getattr(child, key)].append(child)
    for parent in parents:
        found = getattr(parent, name).all()
        found._result_cache, found._prefetch_done = of_parent[parent.pk], True
        parent.__dict__.setdefault("_prefetched_objects_cache", {})[name] = found


class _Reading:
    """One query: its statement, whose one value is its rows as JSON, and how they are read from it."""

    def __init__(self, rows: QuerySet[Any, Any], query: Query, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._compiler: Any = query.get_compiler(using=connection.alias)
        self._decoders: list[tuple[int, Callable[[Any], Any]]] = []
        self._rows: Any = rows._chain()  # type: ignore[attr-defined]
        # Not by its setter, which would have values as dictionaries.
        self._rows._query = query
        # Whoever makes the rows asks the query for a compiler, and finds the one that has them already.
        query.__dict__["get_compiler"] = lambda *_, **__: self._compiler

    def as_sql(self) -> tuple[str, Sequence[Any]]:
        sql, params = self._compiler.as_sql()
        kinds = tuple(column.output_field.get_internal_type() for column, *_ in self._compiler.select)
        names, columns, places = _columns(self.connection.vendor, kinds)
        self._decoders = [(place, _decoder(kinds[place], self.connection)) for place in places]
        return _ROWS[self.connection.vendor].format(names, sql, columns), params

    def read(self, found: Any) -> list[Any]:
        """Return the rows that the statement's value holds; one engine's driver has parsed it already."""
        rows: list[list[Any]] = json.loads(found) if isinstance(found, str) else found or []
        for place, decode in self._decoders:
            for row in rows:
                if row[place] is not None:
                    row[place] = decode(row[place])
        self._compiler.execute_sql = lambda *_, **__: [rows]
        return list(self._rows._iterable_class(self._rows))


@lru_cache(maxsize=256)
def _columns(vendor: str, kinds: Sequence[str]) -> tuple[str, str, Sequence[int]]:
    """Return columns of these kinds as the statement names them and as it writes them, and which are to be decoded."""
    names, written, places = [], [], []
    for place, kind in enumerate(kinds):
        if kind not in _AS_THEY_ARE | _DECODED[vendor] | _AS_TEXT[vendor]:
            raise TypeError(f"JSON does not hold a {kind} exactly.")
        names.append(f"c{place}")
        written.append(_WRITTEN[vendor].get(kind, "{}").format(names[-1]))
        if kind in _DECODED[vendor]:
            places.append(place)
    return ", ".join(names), ", ".join(written), tuple(places)


def _decoder(kind: str, connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    """Return what makes of JSON what the engine's driver would have given."""
    if kind == "BinaryField":
        return bytes.fromhex
    return UUID if kind == "UUIDField" else partial(_instant, connection)


def _instant(connection: BaseDatabaseWrapper, text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(connection.timezone)
