"""What waits at the desk now, and for whom: the places that a digest counts, each as a query with an index of its own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kyc.models import Session
from kyc.querysets import CLAIMED, FOR_SUPERVISORS, PROPOSED
from kyc.review import claims
from kyc.review.acts import CHECK, SUPERVISE
from notifications.arrivals import Reader, is_awake
from notifications.choices import Status
from notifications.models import Notification

RELEASE = "notifications.release_notification"
# Somebody has to release these, try them again, or enter a contact.
NEEDING_A_PERSON = (Status.WITHHELD, Status.GAVE_UP, Status.WAITING)


class Place(TextChoices):
    """Where something waits, in the digest's order. Labels are said in the reader's language."""

    OVERDUE = "overdue", _("Overdue")
    DUE_TODAY = "due_today", _("Due today")
    YOURS = "yours", _("Yours")
    FREE = "free", _("Free")
    SUPERVISORS = "supervisors", _("For supervisors")
    DISPUTED = "disputed", _("Disputed")
    SECOND = "second", _("Second reviews to confirm")
    NOTIFICATIONS = "notifications", _("Messages that need a person")


def places(reader: Reader) -> dict[Place, QuerySet[Any]]:
    """Return what waits in each place that the reader has a part in."""
    now, queue, everything = reader.now, reader.queue, Session.objects.in_review()
    found: dict[Place, QuerySet[Any]] = {
        Place.OVERDUE: everything.filter(due_at__lt=now),
        Place.DUE_TODAY: everything.filter(due_at__gte=now, due_at__lt=_midnight(now)),
        Place.FREE: queue.filter(claims.free(now), is_awake(now), proposed_by__isnull=True),
        Place.DISPUTED: Session.objects.filter(FOR_SUPERVISORS, is_disputed=True),
    }
    if reader.person:
        found[Place.YOURS] = queue.filter(CLAIMED, assignee=reader.person, claimed_until__gt=now)
    if reader.may(SUPERVISE):
        found[Place.SUPERVISORS] = Session.objects.filter(FOR_SUPERVISORS)
    if reader.may(CHECK):
        is_left = claims.free(now) | reader.is_theirs("assignee") | Q(assignee=F("proposed_by"))
        found[Place.SECOND] = queue.filter(PROPOSED, is_left).exclude(reader.is_theirs("proposed_by"))
    if reader.may(RELEASE):
        found[Place.NOTIFICATIONS] = Notification.objects.filter(status__in=NEEDING_A_PERSON)
    return {place: found[place] for place in Place if place in found}


def _midnight(now: datetime) -> datetime:
    zone = timezone.get_default_timezone()
    return datetime.combine(timezone.localdate(now, zone) + timedelta(days=1), time.min, zone)
