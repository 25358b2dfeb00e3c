"""The queue's views: names for the filters that are asked for most."""

from __future__ import annotations

from dataclasses import dataclass

from kyc.choices import EntityType, FacetKind
from kyc.desk.filters import Filters
from kyc.desk.stats import Stats


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    query: str
    count: int
    is_current: bool
    is_alarming: bool = False


def tabs(filters: Filters, numbers: Stats) -> list[Tab]:
    is_related = not filters.sla and filters.chosen.get(FacetKind.ENTITY) == (EntityType.RELATED_PARTY,)
    return [
        Tab("All in review", "", numbers.n_all, not filters.sla and not is_related),
        Tab("Overdue", "sla=overdue", numbers.n_overdue, filters.sla == "overdue", is_alarming=True),
        Tab("Due soon", "sla=soon", numbers.n_soon, filters.sla == "soon"),
        Tab("Related parties", f"entity={EntityType.RELATED_PARTY}", numbers.n_related, is_related),
    ]
