"""What the queue can be filtered by now, each option with its capped count, at a cost that does not grow with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import UUIDField

from kyc.choices import FacetKind
from kyc.models.digests import text_digest
from kyc.querysets import CAP

# A menu of more is no help: the search finds a code that is not among them.
MOST = 50

# One index probe per option: the next digest after the last one, not every row. Then up to CAP + 1 rows of each.
# All in the index's order: PostgreSQL reckons with the average value, of which any place has some, and would read the
# whole table for one that is rare.
OPTIONS = f"""
WITH RECURSIVE kinds (kind) AS (VALUES ('entity'), ('check'), ('reason'), ('category')),
walk (kind, digest, n) AS (
    SELECT kind, (
        SELECT f.digest FROM kyc_queuefacet f WHERE f.kind = kinds.kind ORDER BY f.digest LIMIT 1
    ), 1
    FROM kinds
    UNION ALL
    SELECT kind, (
        SELECT f.digest FROM kyc_queuefacet f
        WHERE f.kind = walk.kind AND f.digest > walk.digest ORDER BY f.digest LIMIT 1
    ), n + 1
    FROM walk WHERE digest IS NOT NULL AND n <= {MOST}
),
found (kind, digest) AS (SELECT kind, digest FROM walk WHERE digest IS NOT NULL {{chosen}})
SELECT kind, digest,
    (
        SELECT f.value FROM kyc_queuefacet f
        WHERE f.kind = found.kind AND f.digest = found.digest ORDER BY f.due_at LIMIT 1
    ),
    (SELECT count(*) FROM (
        SELECT 1 FROM kyc_queuefacet f
        WHERE f.kind = found.kind AND f.digest = found.digest ORDER BY f.due_at LIMIT {CAP + 1}
    ) AS counted)
FROM found
"""  # noqa: S608 - the numbers are constants, and the values are parameters


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """The options of one kind, the most frequent first; `has_more` when there are further ones."""

    options: Sequence[Option]
    has_more: bool


class Menus(dict[FacetKind, Menu]):
    """The menu of each kind."""

    def __init__(self, menus: Mapping[FacetKind, Menu], counts: Mapping[tuple[FacetKind, UUID], int]) -> None:
        super().__init__(menus)
        self._counts = counts

    def count(self, kind: FacetKind, value: str) -> int | None:
        """Return the capped count of a value; None where there are more values than were counted."""
        found = self._counts.get((kind, text_digest(value)))
        return 0 if found is None and not self[kind].has_more else found


def menus(chosen: Mapping[FacetKind, Sequence[str]]) -> Menus:
    """Return each kind's menu; what is chosen stands in it even when no session has it. One query."""
    wanted = {(kind, text_digest(value)): value for kind, values in chosen.items() for value in values}
    options: dict[FacetKind, list[Option]] = {kind: [] for kind in FacetKind}
    counts = {}
    for kind, digest, value, count in _rows(list(wanted)):
        key = (FacetKind(kind), digest)
        counts[key] = count
        options[key[0]].append(Option(wanted.get(key, value), count, key in wanted))
    return Menus({kind: _menu(found) for kind, found in options.items()}, counts)


def _rows(wanted: Sequence[tuple[FacetKind, UUID]]) -> list[tuple[str, UUID, str, int]]:
    """Return kind, digest, value and capped count of what the queue holds and of what is wanted."""
    field: UUIDField[UUID, UUID] = UUIDField()
    chosen = " UNION SELECT %s, " + ("CAST(%s AS uuid)" if connection.vendor == "postgresql" else "%s")
    parameters: list[str | UUID] = []
    for kind, digest in wanted:
        parameters += [str(kind), field.get_db_prep_value(digest, connection)]
    with connection.cursor() as cursor:
        cursor.execute(OPTIONS.format(chosen=chosen * len(wanted)), parameters)
        return [(kind, UUID(str(digest)), value, n) for kind, digest, value, n in cursor.fetchall()]


def _menu(found: list[Option]) -> Menu:
    found.sort(key=lambda option: (not option.is_chosen, -option.count, option.value))
    n_chosen = sum(option.is_chosen for option in found)
    return Menu(found[: max(MOST, n_chosen)], len(found) > MOST)
