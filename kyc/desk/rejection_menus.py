"""What the history can be filtered by: the codes and categories of a span, each with its capped count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import DateTimeField, OuterRef, UUIDField
from django.utils.translation import gettext, gettext_lazy, pgettext

from kyc.choices import EntityType
from kyc.desk.histogram import Histogram
from kyc.desk.rejections import CATEGORY, CODE, OFFICER, RALIO, Filters, Span
from kyc.models import ReasonCode, RejectionReason
from kyc.models.digests import text_digest
from kyc.querysets import CAP, CappedCount

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_CATEGORIES = 50
# Of codes and categories, the most frequent; the rest is folded.
SHOWN = 8
DECIDERS = {RALIO: gettext_lazy("Ralio, automatic"), OFFICER: gettext_lazy("Any officer")}
ENTITIES = dict(EntityType.choices)
BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# One index probe per category: the next digest after the last one, not every row. Then up to CAP + 1 rows of each, and
# of reasons without a code, which the catalogue does not list. All in the index's order: PostgreSQL reckons with the
# average value, of which any place has some, and would read the whole table for one that is rare.
CATEGORIES = f"""
WITH RECURSIVE walk (digest, n) AS (
    SELECT (
        SELECT r.category_digest FROM kyc_rejectionreason r
        WHERE r.is_first_of_category {{is_true}} ORDER BY r.category_digest LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT r.category_digest FROM kyc_rejectionreason r
        WHERE r.is_first_of_category {{is_true}} AND r.category_digest > walk.digest ORDER BY r.category_digest LIMIT 1
    ), n + 1
    FROM walk WHERE digest IS NOT NULL AND n <= {MOST_CATEGORIES}
)
SELECT '{CATEGORY}', (
    SELECT r.category FROM kyc_rejectionreason r
    WHERE r.is_first_of_category {{is_true}} AND r.category_digest = walk.digest
    ORDER BY r.rejected_at LIMIT 1
), (SELECT count(*) FROM (
    SELECT 1 FROM kyc_rejectionreason r WHERE r.is_first_of_category {{is_true}} AND r.category_digest = walk.digest
    AND r.rejected_at >= %s AND r.rejected_at < %s ORDER BY r.rejected_at LIMIT {CAP + 1}
) AS capped)
FROM walk WHERE digest IS NOT NULL
UNION ALL
SELECT '{CODE}', '', (SELECT count(*) FROM (
    SELECT 1 FROM kyc_rejectionreason r WHERE r.is_first_of_code {{is_true}} AND r.code_digest = %s
    AND r.rejected_at >= %s AND r.rejected_at < %s ORDER BY r.rejected_at LIMIT {CAP + 1}
) AS capped)
"""  # noqa: S608 - the numbers and names are constants, and the values are parameters


@dataclass(frozen=True, slots=True)
class Choice:
    """One checkbox. `count` is None where counting would cost too much; `width` is its bar's, in per cent."""

    value: str
    label: str
    count: int | None
    is_chosen: bool
    width: int = 0


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of checkboxes; `rest` is folded."""

    name: str
    title: str
    choices: Sequence[Choice]
    rest: Sequence[Choice] = ()


def facets(filters: Filters, chart: Histogram | None) -> list[Facet]:
    """Return the groups. Two queries."""
    counts = _categories(filters.span)
    codes, categories = (
        {**_codes(filters.span), "": counts[CODE, ""]},
        {value: n for (kind, value), n in counts.items() if kind == CATEGORY},
    )
    groups = [
        _most_first(filters, CODE, gettext("Reason code"), codes, gettext("No code sent")),
        _most_first(filters, CATEGORY, gettext("Category"), categories, pgettext("category", "None sent")),
        _fixed("by", gettext("Decided by"), DECIDERS, filters.deciders, chart.by_decider if chart else None),
        _fixed("entity", gettext("Entity"), ENTITIES, filters.entities, chart.by_entity if chart else None),
    ]
    # Where nobody but Ralio has decided there is nothing to choose.
    is_one_sided = chart is not None and not chart.by_decider[OFFICER] and not filters.deciders
    return [group for group in groups if group.choices and not (group.name == "by" and is_one_sided)]


def _codes(span: Span) -> dict[str, int]:
    reasons = RejectionReason.objects.filter(
        code_digest=OuterRef("digest"), is_first_of_code=True, **span.bounds("rejected_at")
    )
    counted = ReasonCode.objects.order_by().annotate(n_rejected=CappedCount(reasons, along="rejected_at"))
    return dict(counted.filter(n_rejected__gt=0).values_list("code", "n_rejected"))


def _categories(span: Span) -> dict[tuple[str, str], int]:
    """Return the counts of the categories, and of reasons without a code."""
    bounds = span.bounds("at")
    ends = (bounds.get("at__gte", BEGINNING), bounds.get("at__lt", END))
    instants: list[Any] = [DateTimeField().get_db_prep_value(end, connection) for end in ends]
    no_code: Any = UUIDField().get_db_prep_value(text_digest(""), connection)
    with connection.cursor() as cursor:
        # As Django writes the condition of the partial indexes, which is how the planners know them.
        query = CATEGORIES.format(is_true="= 1" if connection.vendor == "sqlite" else "")
        cursor.execute(query, [*instants, no_code, *instants])
        return {(kind, value): n for kind, value, n in cursor.fetchall()}


def _most_first(filters: Filters, kind: str, title: str, counts: Mapping[str, int], empty: str) -> Facet:
    """Return the options that any session has, and those chosen, the most frequent first."""
    chosen = filters.chosen.get(kind, ())
    found = {**dict.fromkeys(chosen, 0), **counts}
    values = sorted((v for v, n in found.items() if n or v in chosen), key=lambda v: (-found[v], v))
    choices = [Choice(value, value or empty, found[value], value in chosen) for value in values]
    shown = [choice for place, choice in enumerate(choices) if place < SHOWN or choice.is_chosen]
    rest = [choice for choice in choices if choice not in shown]
    return Facet(kind, title, _with_bars(shown), _with_bars(rest, among=choices))


def _fixed(
    name: str,
    title: str,
    labels: Mapping[str, StrOrPromise],
    chosen: Sequence[str],
    counts: Mapping[str, int] | None,
) -> Facet:
    choices = [
        Choice(value, str(label), counts.get(value, 0) if counts is not None else None, value in chosen)
        for value, label in labels.items()
    ]
    return Facet(
        name, title, _with_bars([choice for choice in choices if choice.count != 0 or choice.is_chosen])
    )


def _with_bars(choices: Sequence[Choice], *, among: Sequence[Choice] = ()) -> list[Choice]:
    most = max((choice.count or 0 for choice in among or choices), default=0) or 1
    return [replace(choice, width=round(100 * (choice.count or 0) / most)) for choice in choices]
