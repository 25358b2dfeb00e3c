"""What came through the webhook: accepted requests, and the bounded ring of refused ones."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kyc.choices import (
    DeliverySource,
    DeliveryStatus,
    EntityType,
    QuarantineCause,
    RefusalCause,
    SessionState,
)
from kyc.models.constraints import holds
from kyc.querysets import DeliveryQuerySet

# Every accepted row owns its event id; a quarantined one never does. Written as a negation, for SQLite reads a partial
# index through "not equal" to one bound value, but not through "one of" several.
OWNS_EVENT_ID = ~Q(status=DeliveryStatus.QUARANTINED)
UNREADABLE = Q(status=DeliveryStatus.QUARANTINED) & ~Q(cause=QuarantineCause.ID_CONFLICT)
CONFLICTING = Q(status=DeliveryStatus.QUARANTINED, cause=QuarantineCause.ID_CONFLICT)


class Delivery(models.Model):
    """One accepted request, kept as it came. People never edit it.

    `body` holds the exact bytes, except for events that are not KYC (`ignored`): those keep their envelope and digests
    only. The columns from `session_state` on repeat what the body says, so that a session's events can be folded
    without reading bodies again.
    """

    source = models.TextField(choices=DeliverySource, default=DeliverySource.WEBHOOK)
    status = models.TextField(choices=DeliveryStatus)
    cause = models.TextField(choices=QuarantineCause, blank=True, default="")
    faults = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True, default="")

    body = models.BinaryField(default=b"")
    headers = models.JSONField(default=dict)
    n_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    meaning = models.CharField(max_length=64, blank=True, default="")
    received_at = models.DateTimeField(default=timezone.now)
    n_repeats = models.PositiveIntegerField(default=0)
    last_repeat_at = models.DateTimeField(null=True, blank=True)
    n_tries = models.PositiveIntegerField(default=1)
    next_try_at = models.DateTimeField(null=True, blank=True)

    event_id = models.UUIDField(null=True, blank=True)
    event_name = models.TextField(blank=True, default="")
    event_at = models.DateTimeField(null=True, blank=True)

    session = models.ForeignKey(
        "kyc.Session", models.PROTECT, null=True, blank=True, related_name="deliveries", db_index=False
    )
    session_state = models.TextField(choices=SessionState, blank=True, default="")
    entity_type = models.TextField(choices=EntityType, blank=True, default="")
    user_id = models.UUIDField(null=True, blank=True)
    related_party_id = models.UUIDField(null=True, blank=True)
    n_checks = models.PositiveIntegerField(default=0)
    n_reasons = models.PositiveIntegerField(default=0)

    objects = models.Manager.from_queryset(DeliveryQuerySet)()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            holds("source", DeliverySource, "kyc_delivery_has_a_source"),
            holds("status", DeliveryStatus, "kyc_delivery_has_a_status"),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.QUARANTINED, cause__in=QuarantineCause.values)
                | (~Q(status=DeliveryStatus.QUARANTINED) & Q(cause="")),
                name="kyc_delivery_names_its_cause",
            ),
            models.CheckConstraint(
                condition=Q(session_state="") | Q(session_state__in=SessionState.values),
                name="kyc_delivery_session_state",
            ),
            models.CheckConstraint(
                condition=Q(entity_type="") | Q(entity_type__in=EntityType.values),
                name="kyc_delivery_entity_type",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.APPLIED)
                | (
                    Q(session__isnull=False, event_id__isnull=False, event_at__isnull=False)
                    & ~Q(session_state="")
                    & ~Q(entity_type="")
                ),
                name="kyc_delivery_applied_to_a_session",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.IGNORED) | Q(n_checks=0, session__isnull=True),
                name="kyc_delivery_ignored_touches_nothing",
            ),
            # The second delivery of an event only raises a counter.
            models.UniqueConstraint(
                fields=["event_id"], condition=OWNS_EVENT_ID, name="kyc_delivery_event_once"
            ),
            # The same unreadable bytes again, or the same conflict again, count on their first row.
            models.UniqueConstraint(
                fields=["sha256"], condition=UNREADABLE, name="kyc_delivery_unreadable_once"
            ),
            models.UniqueConstraint(
                fields=["event_id", "meaning"], condition=CONFLICTING, name="kyc_delivery_conflict_once"
            ),
        ]
        indexes = [
            # The fold, and the session page.
            models.Index(
                fields=["session", "event_at"],
                condition=Q(session__isnull=False),
                name="kyc_delivery_session",
            ),
            # The session page's record events.
            models.Index(
                fields=["user_id"], condition=Q(status=DeliveryStatus.RECORDED), name="kyc_delivery_user"
            ),
            models.Index(
                fields=["related_party_id"],
                condition=Q(status=DeliveryStatus.RECORDED),
                name="kyc_delivery_related_party",
            ),
            # Admin and replay: newest of one status first.
            models.Index(fields=["status", "-id"], name="kyc_delivery_status"),
            # The worker's next try of what failed.
            models.Index(
                fields=["next_try_at"], condition=Q(status=DeliveryStatus.FAILED), name="kyc_delivery_failed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_name or 'delivery'} {self.event_id or self.pk}"


class RefusedRequest(models.Model):
    """What failed the signature or was too large. A ring, bounded in rows and bytes; never among the trusted."""

    cause = models.TextField(choices=RefusalCause)
    received_at = models.DateTimeField(default=timezone.now)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    n_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    n_kept_bytes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [holds("cause", RefusalCause, "kyc_refused_request_has_a_cause")]

    def __str__(self) -> str:
        return f"{self.cause} {self.pk}"
