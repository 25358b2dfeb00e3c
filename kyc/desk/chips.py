"""The filters as chips: each a menu with counts, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict

from kyc.choices import EntityType, FacetKind
from kyc.desk.facets import Menu, menus
from kyc.desk.filters import ME, NOBODY, Filters
from kyc.desk.paging import without_cursor
from kyc.desk.stats import Stats
from kyc.desk.team import Team
from kyc.desk.views import View
from kyc.templatetags.desk import check_name

KINDS = {
    FacetKind.ENTITY: "Entity",
    FacetKind.CHECK_TYPE: "Check",
    FacetKind.CODE: "Reason",
    FacetKind.CATEGORY: "Category",
}
# A menu of more people is no help.
MOST_PEOPLE = 50
EMPTY = {FacetKind.CODE: "No code", FacetKind.CATEGORY: "No category", FacetKind.CHECK_TYPE: "No type"}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """One menu. `value` says what is chosen, empty when nothing is; `without` is the query that takes it off."""

    name: str
    title: str
    choices: Sequence[Choice]
    value: str
    without: str
    has_more: bool = False

    @property
    def is_code(self) -> bool:
        return self.name == FacetKind.CODE


@dataclass(frozen=True, slots=True)
class DatesChip:
    """The span of days in which sessions came to review."""

    value: str
    without: str


def chips(params: QueryDict, filters: Filters, numbers: Stats, people: Team) -> list[Chip]:
    """Return the menus. One query."""
    found = menus(filters.chosen)
    listed = [_facet_chip(params, kind, found[kind]) for kind in KINDS]
    waiting = [Choice(age.name, age.label, n, age in filters.ages) for age, n in numbers.by_age.items()]
    holding = _assignees(filters, numbers, people)
    return [
        *listed,
        _chip(params, "age", "Waiting", waiting),
        _chip(params, "assignee", "Assignee", holding[:MOST_PEOPLE], has_more=len(holding) > MOST_PEOPLE),
    ]


def _assignees(filters: Filters, numbers: Stats, people: Team) -> list[Choice]:
    """Return nobody, the person who asks, and whoever else holds something or is chosen."""
    said = set(filters.assignees)
    others = [each for each in people.values() if filters.by is None or each.pk != filters.by.pk]
    holding = [each for each in others if each.n_held or str(each.pk) in said]
    gone = [each for each in filters.assignees if each not in (NOBODY, ME) and int(each) not in people]
    return [
        Choice(NOBODY, "Unassigned", numbers.n_unassigned, NOBODY in said),
        Choice(ME, "You", numbers.by_view[View.MINE], ME in said),
        *(Choice(str(each.pk), each.username, each.n_held, str(each.pk) in said) for each in holding),
        *(Choice(each, "Somebody who may not decide", 0, True) for each in gone),
    ]


def dates_chip(params: QueryDict, filters: Filters) -> DatesChip:
    words = [f"{word} {_day(day)}" for word, day in (("from", filters.since), ("to", filters.until)) if day]
    return DatesChip(" ".join(words), _without(params, "from", "to"))


def _facet_chip(params: QueryDict, kind: FacetKind, menu: Menu) -> Chip:
    choices = [
        Choice(option.value, _label(kind, option.value), option.count, option.is_chosen)
        for option in menu.options
    ]
    return _chip(params, kind, KINDS[kind], choices, has_more=menu.has_more)


def _chip(
    params: QueryDict, name: str, title: str, choices: Sequence[Choice], *, has_more: bool = False
) -> Chip:
    chosen = [choice.label for choice in choices if choice.is_chosen]
    value = ", ".join(chosen[:1]) + (f" and {len(chosen) - 1} more" if len(chosen) > 1 else "")
    return Chip(name, title, choices, value, _without(params, name), has_more)


def _label(kind: FacetKind, value: str) -> str:
    if kind == FacetKind.ENTITY:
        return str(EntityType(value).label) if value in EntityType else value
    if not value:
        return EMPTY[kind]
    return check_name(value) if kind == FacetKind.CHECK_TYPE else value


def _without(params: QueryDict, *names: str) -> str:
    kept = without_cursor(params)
    return urlencode(
        [(name, value) for name, values in kept.lists() if name not in names for value in values]
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
