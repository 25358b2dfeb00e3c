"""The numbers above the queue: all of them capped or read off an index's end, in one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Subquery, Window
from django.db.models.functions import JSONObject
from django.http import QueryDict

from kyc import querysets
from kyc.choices import AlarmKind, DeliverySource, EntityType, FacetKind
from kyc.desk import views
from kyc.desk.facets import Menus
from kyc.desk.filters import Age, Filters, ages
from kyc.desk.remembered import Remembered
from kyc.desk.views import View
from kyc.models import Delivery, InboxAlarm, SavedView, Session, User
from kyc.querysets import UNENTERED, CappedCount
from kyc.review.acts import SUPERVISE
from kyc.review.claims import People

# The numbers that do not depend on what ages, views and saved views there are.
PLAIN = (
    "n_overdue",
    "n_soon",
    "n_ok",
    "n_unassigned",
    "n_unentered",
    "oldest",
    "newest",
    "last_delivery",
    "silent_at",
)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar: where it begins and how wide it is, in percent."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks for a session that the person holds; `n` are asked for in all. `key` tells requests apart."""

    session: UUID
    by_id: int
    by: str
    n: int

    @property
    def key(self) -> str:
        return f"{self.session.hex}-{self.by_id}"


@dataclass(frozen=True, slots=True)
class Stats:
    n_overdue: int
    n_soon: int
    n_ok: int
    n_unassigned: int
    n_unentered: int
    oldest: datetime | None
    newest: datetime | None
    last_delivery: datetime | None
    silent_at: datetime | None
    request: Request | None
    by_age: dict[Age, int]
    by_view: dict[View, int]
    by_saved: dict[int, int]
    n_related: int

    @property
    def n_all(self) -> int:
        """Return how many are in review, capped: each has waited for one of the spans."""
        return min(sum(self.by_age.values()), querysets.CAP + 1)

    @property
    def shares(self) -> list[Share]:
        """Return the overdue, the soon due and the rest as parts of a bar; with capped counts, roughly."""
        counts = [self.n_overdue, self.n_soon, self.n_ok]
        total = sum(counts) or 1
        starts = [0.0, counts[0] * 100 / total, (counts[0] + counts[1]) * 100 / total]
        return [
            Share(round(start, 1), round(count * 100 / total, 1))
            for start, count in zip(starts, counts, strict=True)
        ]

    @property
    def is_silent(self) -> bool:
        """Return True from the alarm about Ralio's silence on, until a delivery comes."""
        if self.silent_at is None:
            return False
        return self.last_delivery is None or self.last_delivery <= self.silent_at


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the query is written by, but for the time: whoever asks the same next gets the same SQL."""

    person: User
    is_supervisor: bool
    saved: tuple[tuple[int, str], ...]
    people: People
    settings: tuple[object, ...]


def stats(person: User, now: datetime, saved: Iterable[SavedView], people: People, counted: Menus) -> Stats:
    """Return the queue's numbers, in one query. `people` holds keys, and `counted` is not counted again."""
    by_saved, unknown = {}, []
    for view in saved:
        sole = Filters.read(QueryDict(view.query), person).sole
        if sole and (n := counted.count(*sole)) is not None:
            by_saved[view.pk] = n
        else:
            unknown.append((view.pk, view.query))
    asked = _Asked(
        person,
        person.has_perm(SUPERVISE),
        tuple(unknown),
        people,
        (
            settings.KYC_REVIEW_SLA,
            settings.KYC_DUE_SOON,
            settings.TIME_ZONE,
            querysets.CAP,
            connection.vendor,
        ),
    )
    (row,) = _remembered(asked).rows(now)
    values, request = iter(row), row[-1]
    return Stats(
        **dict(zip(PLAIN, values, strict=False)),
        by_age=dict(zip(ages(), values, strict=False)),
        by_view=dict(zip(View, values, strict=False)),
        by_saved=by_saved | dict(zip((pk for pk, _ in unknown), values, strict=False)),
        # There are few kinds of entity, so that their menu is never cut short.
        n_related=counted.count(FacetKind.ENTITY, EntityType.RELATED_PARTY) or 0,
        request=Request(**{**request, "session": UUID(request["session"])}) if request else None,
    )


@lru_cache(maxsize=256)
def _remembered(asked: _Asked) -> Remembered:
    return Remembered.of(partial(_query, asked))


def _query(asked: _Asked, now: datetime) -> QuerySet[User, tuple[Any, ...]]:
    """Return the query at an instant. The person's row only carries the subqueries, so that one query answers all."""
    person, people = asked.person, asked.people
    queue = Session.objects.in_review()
    soon = now + settings.KYC_DUE_SOON
    came = Delivery.objects.filter(source=DeliverySource.WEBHOOK)
    silences = InboxAlarm.objects.filter(kind=AlarmKind.SILENCE, closed_at__isnull=True)
    plain = {
        "n_overdue": CappedCount(queue.filter(due_at__lt=now)),
        "n_soon": CappedCount(queue.filter(due_at__gte=now, due_at__lte=soon)),
        "n_ok": CappedCount(queue.filter(due_at__gt=soon)),
        "n_unassigned": CappedCount(queue.filter(views.unassigned(now, people))),
        "n_unentered": CappedCount(Session.objects.filter(UNENTERED)),
        "oldest": _first(queue.order_by("state_since"), "state_since"),
        "newest": _first(queue.filter(queued_at__isnull=False).order_by("-queued_at"), "queued_at"),
        "last_delivery": _first(came.order_by("-pk"), "received_at"),
        "silent_at": _first(silences, "opened_at"),
    }
    spans = [CappedCount(queue.filter(age.holds(now))) for age in ages()]
    shown = [CappedCount(queue.filter(views.condition(view, person, now, people))) for view in View]
    saved = [Filters.read(QueryDict(query), person) for _, query in asked.saved]
    kept = [view.counted(Session.objects.all(), now, people) for view in saved]
    wanted = queue.filter(views.mine(person, now), asked_by__isnull=False).order_by("asked_at", "pk")
    # One look at what the person holds, not one for each of its columns.
    request = JSONObject(session="pk", by_id="asked_by_id", by="asked_by__username", n=Window(Count("pk")))
    first = Subquery(wanted.values(request=request)[:1])
    columns = [*(plain[name] for name in PLAIN), *spans, *shown, *kept, first]
    return User.objects.filter(pk=person.pk).values_list(*columns)


def _first(rows: QuerySet[Any], column: str) -> Subquery:
    return Subquery(rows.values(column)[:1])
