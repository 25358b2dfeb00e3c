"""SQL that is written once: a large query takes Django longer to write than PostgreSQL to answer.

What is remembered may differ between requests in instants alone, each of them a fixed time before or after "now".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import QuerySet
from psycopg.sql import Literal

# Two moments that tell an instant that moves with "now" from one that does not.
A_MOMENT = datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
LATER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A query, with where its instants stand and how far each is from now."""

    sql: str
    parameters: Sequence[Any | timedelta]
    converters: dict[int, Any]

    @classmethod
    def of(cls, query: Callable[[datetime], QuerySet[Any]]) -> Self:
        """Write the SQL of the query that is asked at a moment."""
        sql, parameters, converters = _written(query(A_MOMENT))
        again, moved, _ = _written(query(A_MOMENT + LATER))
        assert sql == again  # noqa: S101 - the moment is a parameter
        distances = {
            place: _instant(value) - A_MOMENT
            for place, (value, other) in enumerate(zip(parameters, moved, strict=True))
            if value != other
        }
        sql, moving = _bound(sql, parameters, distances)
        return cls(sql, moving, converters)

    def rows(self, now: datetime) -> list[list[Any]]:
        """Return the rows as of now."""
        parameters = [
            connection.ops.adapt_datetimefield_value(now + value) if isinstance(value, timedelta) else value
            for value in self.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            rows = [list(row) for row in cursor.fetchall()]
        for place, (converters, expression) in self.converters.items():
            for row in rows:
                for convert in converters:
                    row[place] = convert(row[place], expression, connection)
        return rows


def _bound(
    sql: str, parameters: Sequence[Any], distances: dict[int, timedelta]
) -> tuple[str, list[Any | timedelta]]:
    """Put the parameters that stay into the SQL, where the driver would do so in each execution; distances remain."""
    connection.ensure_connection()
    moving = [distances.get(place, value) for place, value in enumerate(parameters)]
    if connection.vendor != "postgresql":
        return sql, moving
    literals = [
        "%s" if place in distances else Literal(value).as_string(connection.connection).replace("%", "%%")
        for place, value in enumerate(parameters)
    ]
    first, *rest = sql.split("%s")
    text = "".join(f"{literal}{after}" for literal, after in zip(literals, rest, strict=True))
    return first + text, [value for place, value in enumerate(moving) if place in distances]


def _written(query: QuerySet[Any]) -> tuple[str, Sequence[Any], dict[int, Any]]:
    compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
    sql, parameters = compiler.as_sql()
    return sql, parameters, compiler.get_converters([column for column, *_ in compiler.select])


def _instant(value: datetime | str) -> datetime:
    """Return the instant that a parameter holds: SQLite's are text without a zone."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)
