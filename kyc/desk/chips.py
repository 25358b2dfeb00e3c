"""The filters as chips: each a menu with counts, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from kyc.choices import EntityType, FacetKind
from kyc.desk.facets import Menu, menus
from kyc.desk.filters import ME, NOBODY, Filters
from kyc.desk.paging import without_cursor
from kyc.desk.stats import Stats
from kyc.desk.team import Team
from kyc.desk.views import View
from kyc.languages import day_words
from kyc.templatetags.desk import check_name

KINDS = {
    FacetKind.ENTITY: gettext_lazy("Entity"),
    FacetKind.CHECK_TYPE: gettext_lazy("Check"),
    FacetKind.CODE: gettext_lazy("Reason"),
    FacetKind.CATEGORY: gettext_lazy("Category"),
}
# A menu of more people is no help.
MOST_PEOPLE = 50
EMPTY = {
    FacetKind.CODE: gettext_lazy("No code"),
    FacetKind.CATEGORY: gettext_lazy("No category"),
    FacetKind.CHECK_TYPE: gettext_lazy("No type"),
}


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
        _chip(params, "age", pgettext("time", "Waiting"), waiting),
        _chip(
            params,
            "assignee",
            gettext("Assignee"),
            holding[:MOST_PEOPLE],
            has_more=len(holding) > MOST_PEOPLE,
        ),
    ]


def _assignees(filters: Filters, numbers: Stats, people: Team) -> list[Choice]:
    """Return nobody, the person who asks, and whoever else holds something or is chosen."""
    said = set(filters.assignees)
    others = [each for each in people.values() if filters.by is None or each.pk != filters.by.pk]
    holding = [each for each in others if each.n_held or str(each.pk) in said]
    gone = [each for each in filters.assignees if each not in (NOBODY, ME) and int(each) not in people]
    return [
        Choice(NOBODY, gettext("Unassigned"), numbers.n_unassigned, NOBODY in said),
        Choice(ME, gettext("You"), numbers.by_view[View.MINE], ME in said),
        *(Choice(str(each.pk), each.username, each.n_held, str(each.pk) in said) for each in holding),
        *(Choice(each, gettext("Somebody who may not decide"), 0, True) for each in gone),
    ]


def dates_chip(params: QueryDict, filters: Filters) -> DatesChip:
    return DatesChip(_span(filters.since, filters.until), _without(params, "from", "to"))


def _span(since: date | None, until: date | None) -> str:
    if since and until:
        return gettext("from %(since)s to %(until)s") % {"since": day_words(since), "until": day_words(until)}
    if since:
        return gettext("from %(since)s") % {"since": day_words(since)}
    return gettext("to %(until)s") % {"until": day_words(until)} if until else ""


def _facet_chip(params: QueryDict, kind: FacetKind, menu: Menu) -> Chip:
    choices = [
        Choice(option.value, _label(kind, option.value), option.count, option.is_chosen)
        for option in menu.options
    ]
    return _chip(params, kind, str(KINDS[kind]), choices, has_more=menu.has_more)


def _chip(
    params: QueryDict, name: str, title: str, choices: Sequence[Choice], *, has_more: bool = False
) -> Chip:
    chosen = [choice.label for choice in choices if choice.is_chosen]
    return Chip(name, title, choices, _value(chosen), _without(params, name), has_more)


def _value(chosen: Sequence[str]) -> str:
    """Return what is chosen, in short."""
    if len(chosen) < 2:
        return "".join(chosen)
    more = len(chosen) - 1
    words = ngettext("%(first)s and %(n)s more", "%(first)s and %(n)s more", more)
    return words % {"first": chosen[0], "n": more}


def _label(kind: FacetKind, value: str) -> str:
    if kind == FacetKind.ENTITY:
        return str(EntityType(value).label) if value in EntityType else value
    if not value:
        return str(EMPTY[kind])
    return check_name(value) if kind == FacetKind.CHECK_TYPE else value


def _without(params: QueryDict, *names: str) -> str:
    kept = without_cursor(params)
    return urlencode(
        [(name, value) for name, values in kept.lists() if name not in names for value in values]
    )
