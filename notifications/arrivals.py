"""What came since somebody's last digest and still stands, of each kind, as queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet, Subquery

from kyc.choices import Outcome
from kyc.models import Decision, InboxAlarm, Session, User
from kyc.querysets import FOR_SUPERVISORS
from kyc.review.acts import SUPERVISE
from notifications.choices import Kind

# What people handed to each other is looked for among so many of the newest decisions.
NEWEST_DECISIONS = 5000
FOR_OFFICERS = Q(escalated_at__isnull=True, is_disputed=False)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a digest, when, and since when there is news to them. Without a person it is the team, which sees all."""

    person: User | None
    now: datetime
    since: datetime

    def may(self, permission: str) -> bool:
        return self.person is None or self.person.has_perm(permission)

    def is_theirs(self, field: str) -> Q:
        """Return the condition that the person stands in this column."""
        return Q(**{field: self.person}) if self.person else Q(pk__in=[])

    @property
    def queue(self) -> QuerySet[Session]:
        """Return the sessions in REVIEW that the reader's role decides."""
        found = Session.objects.in_review()
        return found if self.may(SUPERVISE) else found.filter(FOR_OFFICERS)


def is_awake(now: datetime) -> Q:
    return Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)


def _opened(reader: Reader) -> QuerySet[Session]:
    return reader.queue.filter(queued_at__gt=reader.since)


def _due_soon(reader: Reader) -> QuerySet[Session]:
    """Return what is due soon. What was so before is over, or overdue."""
    soon = reader.now + settings.KYC_DUE_SOON
    return reader.queue.filter(is_awake(reader.now), due_at__gt=reader.now, due_at__lte=soon)


def _overdue(reader: Reader) -> QuerySet[Session]:
    return reader.queue.filter(is_awake(reader.now), due_at__gt=reader.since, due_at__lte=reader.now)


def _escalated(reader: Reader) -> QuerySet[Session]:
    own = _acts(reader, Outcome.ESCALATE).filter(reader.is_theirs("maker"))
    came = Session.objects.filter(FOR_SUPERVISORS, escalated_at__gt=reader.since)
    return came.exclude(pk__in=own.values("session"))


def _second_reviews(reader: Reader) -> QuerySet[Session]:
    """Return what anybody may look at a second time. Whoever was asked by name was told at once."""
    asked = _acts(reader, Outcome.SECOND_REVIEW).filter(addressee__isnull=True)
    others = asked.exclude(reader.is_theirs("maker"))
    return reader.queue.filter(is_second_review=True, pk__in=others.values("session"))


def _acts(reader: Reader, outcome: Outcome) -> QuerySet[Decision]:
    """Return the reader's news among the newest decisions: no index has their time, but they come in its order."""
    newest = Decision.objects.order_by("-pk").values("pk")[:1]
    recent = Decision.objects.filter(pk__gt=Subquery(newest) - NEWEST_DECISIONS)
    return recent.filter(outcome=outcome, proposed_at__gt=reader.since)


def _disputed(reader: Reader) -> QuerySet[Session]:
    return Session.objects.filter(FOR_SUPERVISORS, is_disputed=True, queued_at__gt=reader.since)


def _unwell(reader: Reader) -> QuerySet[InboxAlarm]:
    return InboxAlarm.objects.filter(opened_at__gt=reader.since)


def _well(reader: Reader) -> QuerySet[InboxAlarm]:
    return InboxAlarm.objects.filter(closed_at__gt=reader.since)


# In a digest's order.
CAME: dict[Kind, Callable[[Reader], QuerySet[Any]]] = {
    Kind.OVERDUE: _overdue,
    Kind.DUE_SOON: _due_soon,
    Kind.ESCALATED: _escalated,
    Kind.DISPUTED: _disputed,
    Kind.SECOND_REVIEW: _second_reviews,
    Kind.REVIEW_OPENED: _opened,
    Kind.INBOX_UNWELL: _unwell,
    Kind.INBOX_WELL: _well,
}
