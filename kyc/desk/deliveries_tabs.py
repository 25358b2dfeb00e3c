"""The views of the deliveries with their counts, and the newest row of each kind. One query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Subquery
from django.utils.translation import pgettext_lazy

from kyc.choices import DeliverySource, DeliveryStatus
from kyc.desk.deliveries_filters import ALL, API, REFUSED, REPEATS
from kyc.desk.view_tabs import Tab, view_tabs
from kyc.models import Delivery, RefusedRequest, Session, User
from kyc.querysets import CappedCount

TITLES = {
    ALL: pgettext_lazy("view of deliveries", "All"),
    DeliveryStatus.APPLIED: pgettext_lazy("view of deliveries", "Applied"),
    DeliveryStatus.RECORDED: pgettext_lazy("view of deliveries", "Recorded"),
    DeliveryStatus.IGNORED: pgettext_lazy("view of deliveries", "Ignored"),
    DeliveryStatus.QUARANTINED: pgettext_lazy("view of deliveries", "Quarantined"),
    DeliveryStatus.FAILED: pgettext_lazy("view of deliveries", "Failed"),
    REPEATS: pgettext_lazy("view of deliveries", "Repeats"),
    API: pgettext_lazy("view of deliveries", "From Ralio’s API"),
    REFUSED: pgettext_lazy("view of deliveries", "Refused requests"),
}
# What waits for a person.
ALARMING = frozenset({DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Numbers:
    """The views' capped counts, the keys that "new" counts from, and how many sessions are in review."""

    counts: dict[str, int]
    newest: int
    newest_refused: int
    n_in_review: int

    def tabs(self, view: str) -> list[Tab]:
        return view_tabs(TITLES, self.counts, view, alarming=ALARMING)


def numbers(person: User) -> Numbers:
    """Return the numbers. The person's row only carries the subqueries, so that one query answers all."""
    deliveries = Delivery.objects.all()
    views = {
        ALL: deliveries,
        **{str(status): deliveries.filter(status=status) for status in DeliveryStatus},
        REPEATS: deliveries.filter(n_repeats__gt=0),
        API: deliveries.filter(source=DeliverySource.API),
        REFUSED: RefusedRequest.objects.all(),
    }
    row: tuple[Any, ...] = (
        User.objects.filter(pk=person.pk)
        .values_list(
            *(CappedCount(rows) for rows in views.values()),
            Subquery(deliveries.order_by("-pk").values("pk")[:1]),
            Subquery(RefusedRequest.objects.order_by("-pk").values("pk")[:1]),
            CappedCount(Session.objects.in_review()),
        )
        .get()
    )
    counts, (newest, newest_refused, n_in_review) = row[: len(views)], row[len(views) :]
    return Numbers(dict(zip(views, counts, strict=True)), newest or 0, newest_refused or 0, n_in_review)
