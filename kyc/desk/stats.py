"""The numbers above the queue: all of them capped or read off an index's end, in one query."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Subquery

from kyc.choices import AlarmKind, DeliverySource, EntityType, FacetKind
from kyc.desk.filters import Age, ages
from kyc.models import Delivery, InboxAlarm, QueueFacet, Session, User
from kyc.models.digests import text_digest
from kyc.querysets import CAP, CappedCount


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar: where it begins and how wide it is, in percent."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Stats:
    n_all: int
    n_overdue: int
    n_soon: int
    n_ok: int
    n_related: int
    oldest: datetime | None
    newest: datetime | None
    last_delivery: datetime | None
    silent_at: datetime | None
    by_age: dict[Age, int]

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

    @property
    def is_estimate(self) -> bool:
        return self.n_all > CAP


def stats(person: User, now: datetime) -> Stats:
    """Return the queue's numbers. The person's row only carries the subqueries, so that one query answers all."""
    queue = Session.objects.in_review()
    soon = now + settings.KYC_DUE_SOON
    related = QueueFacet.objects.filter(kind=FacetKind.ENTITY, digest=text_digest(EntityType.RELATED_PARTY))
    came = Delivery.objects.filter(source=DeliverySource.WEBHOOK)
    silences = InboxAlarm.objects.filter(kind=AlarmKind.SILENCE, closed_at__isnull=True)
    spans = ages()
    row: tuple[Any, ...] = (
        User.objects.filter(pk=person.pk)
        .values_list(
            CappedCount(queue),
            CappedCount(queue.filter(due_at__lt=now)),
            CappedCount(queue.filter(due_at__gte=now, due_at__lte=soon)),
            CappedCount(queue.filter(due_at__gt=soon)),
            CappedCount(related),
            Subquery(queue.order_by("state_since").values("state_since")[:1]),
            Subquery(queue.filter(queued_at__isnull=False).order_by("-queued_at").values("queued_at")[:1]),
            Subquery(came.order_by("-pk").values("received_at")[:1]),
            Subquery(silences.values("opened_at")[:1]),
            *(CappedCount(queue.filter(age.holds(now))) for age in spans),
        )
        .get()
    )
    names = [item.name for item in fields(Stats)][:-1]
    return Stats(
        **dict(zip(names, row, strict=False)), by_age=dict(zip(spans, row[len(names) :], strict=True))
    )
