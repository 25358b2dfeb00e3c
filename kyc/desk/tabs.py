"""The queue's views as tabs: names for the filters that are asked for most, and a person's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, pgettext

from kyc.choices import EntityType, FacetKind
from kyc.desk.filters import Filters
from kyc.desk.stats import Stats
from kyc.desk.views import View
from kyc.models import SavedView

RELATED = f"entity={EntityType.RELATED_PARTY}"


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    query: str
    count: int
    is_alarming: bool = False
    saved: int | None = None


@dataclass(frozen=True, slots=True)
class Tabs:
    """The views, and the one that is open: a saved one when it is all that is asked for, else the widest that fits."""

    built_in: Sequence[Tab]
    own: Sequence[Tab]
    current: Tab
    can_save: bool


def tabs(filters: Filters, numbers: Stats, saved: Sequence[SavedView]) -> Tabs:
    of = numbers.by_view
    built_in = [
        Tab(gettext("All in review"), "", numbers.n_all),
        Tab(gettext("Mine"), "view=mine", of[View.MINE]),
        Tab(gettext("Free"), "view=free", of[View.FREE]),
        Tab(pgettext("view", "Overdue"), "sla=overdue", numbers.n_overdue, is_alarming=True),
        Tab(pgettext("view", "Due soon"), "sla=soon", numbers.n_soon),
        Tab(gettext("Related parties"), RELATED, numbers.n_related),
        Tab(gettext("For supervisors"), "view=supervisors", of[View.SUPERVISORS]),
        Tab(gettext("Awaiting second review"), "view=second", of[View.SECOND]),
        Tab(gettext("Waiting"), "view=waiting", of[View.WAITING]),
    ]
    own = [Tab(view.name, view.query, numbers.by_saved[view.pk], saved=view.pk) for view in saved]
    asked = filters.query
    base = _base(filters)
    current = next((tab for tab in own if tab.query == asked), None)
    current = current or next(tab for tab in built_in if tab.query == base)
    return Tabs(built_in, own, current, can_save=current.query != asked)


def _base(filters: Filters) -> str:
    """Return the query of the built-in view that the filters narrow down."""
    if filters.view:
        return f"view={filters.view}"
    if filters.sla in ("overdue", "soon"):
        return f"sla={filters.sla}"
    return RELATED if filters.chosen.get(FacetKind.ENTITY) == (EntityType.RELATED_PARTY,) else ""
