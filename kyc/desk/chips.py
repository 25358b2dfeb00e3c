"""The filters as chips: each a menu with counts, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy, pgettext

from kyc.choices import EntityType, FacetKind
from kyc.desk.facets import Menu, Menus
from kyc.desk.filter_menus import Chip, Choice, chip, days_chip
from kyc.desk.filters import ME, NOBODY, Filters
from kyc.desk.stats import Stats
from kyc.desk.team import Team
from kyc.desk.views import View
from kyc.figures import capped
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


def chips(params: QueryDict, filters: Filters, found: Menus, numbers: Stats, people: Team) -> list[Chip]:
    listed = [_facet_chip(params, kind, found[kind]) for kind in KINDS]
    waiting = [
        Choice(age.name, age.label, age in filters.ages, capped(n)) for age, n in numbers.by_age.items()
    ]
    holding = list(islice(_assignees(filters, numbers, people), MOST_PEOPLE + 1))
    return [
        *listed,
        chip(params, "age", pgettext("time", "Waiting"), waiting),
        chip(
            params,
            "assignee",
            gettext("Assignee"),
            holding[:MOST_PEOPLE],
            has_more=len(holding) > MOST_PEOPLE,
        ),
    ]


def _assignees(filters: Filters, numbers: Stats, people: Team) -> Iterator[Choice]:
    """Yield nobody, the person who asks, and whoever else holds something or is chosen."""
    said = set(filters.assignees)
    others = [each for each in people.values() if filters.by is None or each.pk != filters.by.pk]
    holding = [each for each in others if each.n_held or str(each.pk) in said]
    gone = [each for each in filters.assignees if each not in (NOBODY, ME) and int(each) not in people]
    yield Choice(NOBODY, gettext("Unassigned"), NOBODY in said, capped(numbers.n_unassigned))
    yield Choice(ME, gettext("You"), ME in said, capped(numbers.by_view[View.MINE]))
    for member in holding:
        yield Choice(str(member.pk), member.username, str(member.pk) in said, capped(member.n_held))
    for each in gone:
        yield Choice(each, gettext("Somebody who may not decide"), True, capped(0))


def dates_chip(params: QueryDict, filters: Filters) -> Chip:
    return days_chip(params, gettext("Received"), _span(filters.since, filters.until))


def _span(since: date | None, until: date | None) -> str:
    if since and until:
        return gettext("from %(since)s to %(until)s") % {"since": day_words(since), "until": day_words(until)}
    if since:
        return gettext("from %(since)s") % {"since": day_words(since)}
    return gettext("to %(until)s") % {"until": day_words(until)} if until else ""


def _facet_chip(params: QueryDict, kind: FacetKind, menu: Menu) -> Chip:
    choices = [
        Choice(option.value, _label(kind, option.value), option.is_chosen, capped(option.count))
        for option in menu.options
    ]
    return chip(
        params, kind, str(KINDS[kind]), choices, is_code=kind == FacetKind.CODE, has_more=menu.has_more
    )


def _label(kind: FacetKind, value: str) -> str:
    if kind == FacetKind.ENTITY:
        return str(EntityType(value).label) if value in EntityType else value
    if not value:
        return str(EMPTY[kind])
    return check_name(value) if kind == FacetKind.CHECK_TYPE else value
