"""What a URL of the deliveries asks for: a view, and filters that are OR within a kind and AND across kinds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from django.db.models import F, Func, Q, QuerySet, TextField
from django.http import QueryDict

from kyc.choices import DeliverySource, DeliveryStatus, QuarantineCause, RefusalCause
from kyc.desk.cursors import without_cursor
from kyc.desk.paging import Listing
from kyc.desk.rejections import ALL as ALL_DAYS
from kyc.desk.rejections import Span
from kyc.models import Delivery, RefusedRequest
from kyc.models.deliveries import PREFIX_LENGTH

# Besides the statuses: what came more than once, what Ralio's API said, and what was never trusted.
ALL, REPEATS, API, REFUSED = "", "repeats", "api", "refused"
VIEWS = (ALL, *DeliveryStatus.values, REPEATS, API, REFUSED)
# Views that hold little as a rule: their index leads, whatever else is asked for.
_SMALL = frozenset({DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED, REPEATS, API})
_OF_VIEW = {REPEATS: Q(n_repeats__gt=0), API: Q(source=DeliverySource.API)}
MOST_VALUES = 20
LONGEST_ID = 18
NEWEST_FIRST = ("-id",)
BY_TIME = ("-received_at", "-id")

_FINGERPRINT = re.compile(r"[0-9a-f]{8}", re.ASCII)


class EventHead(Func):
    """The beginning of the event's name as the index over it reads it, its length written out on every engine."""

    function = "LEFT"
    template = f"%(function)s(%(expressions)s, {PREFIX_LENGTH})"
    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(F("event_name"))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"SUBSTR(%(expressions)s, 1, {PREFIX_LENGTH})"
        return self.as_sql(compiler, connection, template=template, **context)


# What a list shows of a delivery; its body and headers are for its own page.
_LISTED = (
    "source", "status", "cause", "faults", "error", "n_bytes", "sha256", "received_at", "n_repeats", "last_repeat_at",
    "n_tries", "next_try_at", "n_replays", "event_id", "event_name", "event_at", "session_id", "session_state",
    "user_id", "related_party_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What a URL asks for. What it says wrongly counts as not said. `ids` are what a search found."""

    view: str
    causes: Sequence[str]
    events: Sequence[str]
    secrets: Sequence[str]
    span: Span
    ids: Sequence[int] | None = None

    @classmethod
    def read(cls, params: QueryDict) -> Self:
        view = params.get("status", ALL)
        view = view if view in VIEWS else ALL
        causes = RefusalCause.values if view == REFUSED else QuarantineCause.values
        is_refused = view == REFUSED
        return cls(
            view=view,
            causes=[cause for cause in causes if cause in params.getlist("cause")],
            events=() if is_refused else _values(params, "event"),
            secrets=()
            if is_refused
            else [text for text in _values(params, "secret") if _FINGERPRINT.fullmatch(text)],
            span=Span.read(params, default=ALL_DAYS),
        )

    def found(self, ids: Sequence[int]) -> Self:
        """Return these filters for what a search found."""
        return replace(self, ids=ids)

    @property
    def is_refused(self) -> bool:
        return self.view == REFUSED

    @property
    def is_narrow(self) -> bool:
        """Return True when the filters leave rows of the view out."""
        return bool(self.causes or self.events or self.secrets or not self.span.is_all)

    @property
    def wanted(self) -> Q:
        """Return the whole condition."""
        return _every(self._parts())

    def rows(self) -> Listing[Any]:
        """Return what to page through."""
        parts = self._parts()
        if self.is_refused or self.ids is not None:
            # A ring, or what a search found: both are bounded.
            return Listing([_listed(self.model.objects.filter(_every(parts)))], NEWEST_FIRST)
        leader = self._leader(parts)
        first = parts.pop(leader, Q())
        rows = Delivery.objects.filter(first) if leader != "event" else _named(self.events[0])
        keys = BY_TIME if leader == "span" else NEWEST_FIRST
        return Listing([_listed(rows)], keys, _every(parts) if parts else None, time="received_at")

    @property
    def is_replayable(self) -> bool:
        """Return True when every row of the list may be replayed."""
        waiting = (DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED, REFUSED)
        return self.view in waiting or (self.view == ALL and bool(self.causes))

    @property
    def model(self) -> type[Delivery] | type[RefusedRequest]:
        return RefusedRequest if self.is_refused else Delivery

    def _leader(self, parts: dict[str, Q]) -> str:
        """Return the part whose index the rows are read from: the one that is likely to hold the fewest."""
        order = ["span", "event", "view"] if len(self.events) == 1 else ["span", "view"]
        if self.view in _SMALL or (self.causes and self.view == ALL):
            order.insert(0, "view")
        return next((name for name in order if name in parts), "")

    def _parts(self) -> dict[str, Q]:
        parts = {}
        if self.ids is not None:
            parts["ids"] = Q(pk__in=self.ids)
        if self.view in DeliveryStatus.values:
            parts["view"] = Q(status=self.view)
        elif self.view in _OF_VIEW:
            parts["view"] = _OF_VIEW[self.view]
        if self.causes:
            parts["cause"] = Q(cause__in=self.causes)
            if self.view == ALL:
                # Only a quarantined delivery has a cause, and the index of statuses leads to those.
                parts["view"] = Q(status=DeliveryStatus.QUARANTINED)
        if self.events:
            parts["event"] = Q(event_name__in=self.events)
        if self.secrets:
            parts["secret"] = Q(signed_with__in=self.secrets)
        if not self.span.is_all:
            parts["span"] = Q(**self.span.bounds("received_at"))
        return parts


def _listed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Load what a list shows, and of a delivery's session what tells whether it is superseded."""
    if rows.model is not Delivery:
        return rows.defer("body", "headers")
    session = [f"session__{name}" for name in ("last_event_at", "evidence_id")]
    return rows.select_related("session").only(*_LISTED, *session)


def _named(name: str) -> QuerySet[Delivery]:
    """Return the deliveries of one event name, by the index over its beginning."""
    rows = Delivery.objects.alias(event_head=EventHead()).filter(event_head=name[:PREFIX_LENGTH])
    # Only where the beginning leaves a doubt: SQLite reads no index over it beside the name itself.
    return rows.filter(event_name=name) if len(name) >= PREFIX_LENGTH else rows


def _every(parts: dict[str, Q]) -> Q:
    condition = Q()
    for part in parts.values():
        condition &= part
    return condition


def row_id(text: str) -> int | None:
    """Return the row's key that a URL names, or None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None


def whole_list(params: QueryDict, filters: Filters) -> str:
    """Return the query that asks for a replay of the whole filtered list; empty where there is no such replay."""
    if not filters.is_replayable or params.get("q", "").strip():
        return ""
    query = without_cursor(params)
    query["from"] = query.urlencode()
    query["all"] = "1"
    return query.urlencode()


def _values(params: QueryDict, name: str) -> Sequence[str]:
    return tuple(dict.fromkeys(value for value in params.getlist(name) if value))[:MOST_VALUES]
