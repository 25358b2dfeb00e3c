"""The views of the notifications with their counts. One query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kyc.desk.view_tabs import Tab, view_tabs
from kyc.models import Session, User
from kyc.querysets import CappedCount
from notifications.choices import Status
from notifications.desk.filters import NEEDS_A_PERSON, TITLES, VIEWS
from notifications.models import Notification


@dataclass(frozen=True, slots=True)
class Numbers:
    """The views' capped counts, and how many sessions are in review."""

    counts: dict[str, int]
    n_in_review: int

    def tabs(self, view: str) -> list[Tab]:
        return view_tabs(TITLES, self.counts, view, alarming=(NEEDS_A_PERSON,))


def numbers(person: User) -> Numbers:
    """Return the numbers. The person's row only carries the subqueries, so that one query answers all."""
    # Each is one range of an index; what they come to together is beyond the cap if one of them is.
    asked = [CappedCount(Notification.objects.filter(status=status)) for status in Status]
    row: tuple[Any, ...] = (
        User.objects.filter(pk=person.pk).values_list(*asked, CappedCount(Session.objects.in_review())).get()
    )
    of_status = dict(zip(Status, row, strict=False))
    counts = {
        view: sum(of_status[status] for status in statuses or Status) for view, statuses in VIEWS.items()
    }
    return Numbers(counts, row[-1])
