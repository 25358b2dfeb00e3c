"""What a URL of the notifications asks for: a view, and filters that are OR within a kind and AND across kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kyc.desk.paging import Listing
from kyc.desk.rejections import ALL as ALL_DAYS
from kyc.desk.rejections import Span
from kyc.models import Session
from notifications.choices import ABOUT_SEALS, TO_SUBJECTS, TO_THE_DESK, Kind, Status
from notifications.models import Notification

ALL, NEEDS_A_PERSON, DUE, SENT, CANCELLED = "", "needs-a-person", "due", "sent", "cancelled"
VIEWS: Mapping[str, Sequence[Status]] = {
    ALL: (),
    NEEDS_A_PERSON: (Status.WITHHELD, Status.GAVE_UP, Status.WAITING),
    DUE: (Status.PENDING,),
    SENT: (Status.SENT,),
    CANCELLED: (Status.CANCELLED,),
}
TITLES: Mapping[str, str | Promise] = {
    ALL: pgettext_lazy("notifications", "All"),
    NEEDS_A_PERSON: _("Needs a person"),
    DUE: pgettext_lazy("notifications", "Due"),
    SENT: pgettext_lazy("notifications", "Sent"),
    CANCELLED: pgettext_lazy("notifications", "Cancelled"),
}
DESK, SUBJECTS, KEEPERS = "desk", "subjects", "keepers"
AUDIENCES = {DESK: TO_THE_DESK, SUBJECTS: TO_SUBJECTS, KEEPERS: ABOUT_SEALS}
# Sessions whose IDs begin alike; more than that is no answer to a search.
MOST_SESSIONS = 200
SHORTEST = 8
NEWEST_FIRST = ("-created_at", "-id")


@dataclass(frozen=True, slots=True)
class Search:
    """A search's text, and the first and the last ID that it may be the beginning of; none where it is no ID."""

    text: str
    bounds: tuple[UUID, UUID] | None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what the search field says, or None when it is empty."""
        text = text.strip()
        # The desk itself shows IDs as 9d3f61c0…c36e.
        digits = text.partition("…")[0].replace("-", "").lower()
        is_id = SHORTEST <= len(digits) <= 32 and not set(digits) - set("0123456789abcdef")
        bounds = (UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))) if is_id else None
        return cls(text, bounds) if text else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a URL asks for. What it says wrongly counts as not said."""

    view: str
    chosen: Sequence[Kind]
    audiences: Sequence[str]
    span: Span
    search: Search | None

    @classmethod
    def read(cls, params: QueryDict) -> Self:
        view = params.get("status", ALL)
        return cls(
            view=view if view in VIEWS else ALL,
            chosen=[kind for kind in Kind if kind in params.getlist("kind")],
            audiences=[name for name in AUDIENCES if name in params.getlist("whom")],
            span=Span.read(params, default=ALL_DAYS),
            search=Search.read(params.get("q", "")),
        )

    @property
    def is_narrow(self) -> bool:
        """Return True when the filters leave messages of the view out."""
        return bool(self.chosen or self.audiences or self.search or not self.span.is_all)

    @property
    def kinds(self) -> Sequence[Kind] | None:
        """Return the kinds that are wanted, or None for all."""
        if not self.chosen and not self.audiences:
            return None
        within = frozenset().union(*(AUDIENCES[name] for name in self.audiences or AUDIENCES))
        return [kind for kind in self.chosen or Kind if kind in within]

    def rows(self) -> Listing[Notification]:
        """Return what to page through: ranges of the index that leaves least to be sieved. A search costs a query."""
        rows = Notification.objects.filter(**self.span.bounds("created_at"))
        statuses, kinds = VIEWS[self.view], self.kinds
        if self.search is not None:
            return _listing([_of_sessions(rows, self.search, statuses, kinds)])
        by_status = [rows.filter(status=status) for status in statuses]
        if kinds is None:
            return _listing(by_status or [rows])
        by_kind = [rows.filter(kind=kind) for kind in kinds]
        if not statuses:
            return _listing(by_kind)
        if self.view == SENT:
            # Nearly all of a kind are sent in the end, but not nearly all that are sent are of a kind.
            return _listing(by_kind, Q(status=Status.SENT))
        return _listing(by_status, Q(kind__in=kinds))


def _listing(ranges: Sequence[QuerySet[Notification]], sieve: Q | None = None) -> Listing[Notification]:
    return Listing(ranges, NEWEST_FIRST, sieve, time="created_at")


def _of_sessions(
    rows: QuerySet[Notification], search: Search, statuses: Sequence[Status], kinds: Sequence[Kind] | None
) -> QuerySet[Notification]:
    """Return the messages about the sessions that a search finds: few enough to be put in order. One query."""
    if search.bounds is None:
        return rows.none()
    # By name: beside a subquery PostgreSQL might walk through all messages, newest first, until it meets theirs.
    sessions = Session.objects.filter(pk__range=search.bounds).order_by("pk").values_list("pk", flat=True)
    found = rows.filter(session__in=list(sessions[:MOST_SESSIONS]))
    if statuses:
        found = found.filter(status__in=statuses)
    return found if kinds is None else found.filter(kind__in=kinds)
