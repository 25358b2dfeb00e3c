"""What came in: accepted requests, the names of their events, and the bounded ring of refused requests."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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
# What an index over a text of any length reads of it.
PREFIX_LENGTH = 60
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
    signed_with = models.CharField(
        max_length=8, blank=True, default="", help_text=_("The fingerprint of the secret that signed it.")
    )
    received_at = models.DateTimeField(default=timezone.now)
    n_repeats = models.PositiveIntegerField(default=0)
    last_repeat_at = models.DateTimeField(null=True, blank=True)
    n_tries = models.PositiveIntegerField(default=1)
    next_try_at = models.DateTimeField(null=True, blank=True)
    n_replays = models.PositiveIntegerField(default=0)
    last_replay_at = models.DateTimeField(null=True, blank=True)
    last_replay_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

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
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the personal data in the body was overwritten.")
    )
    checks_erased_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the data and messages of its checks were overwritten.")
    )

    objects = models.Manager.from_queryset(DeliveryQuerySet)()

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = [("replay_delivery", "Can replay deliveries")]
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
            # The inbox by time, its rhythm and its rates.
            models.Index(fields=["received_at"], name="kyc_delivery_received"),
            # The inbox by event name, by what came again, and what the API said; newest first.
            models.Index(Left("event_name", PREFIX_LENGTH), F("id").desc(), name="kyc_delivery_event"),
            models.Index(fields=["-id"], condition=Q(n_repeats__gt=0), name="kyc_delivery_repeated"),
            models.Index(fields=["-id"], condition=Q(source=DeliverySource.API), name="kyc_delivery_api"),
        ]

    def __str__(self) -> str:
        return f"{self.event_name or 'delivery'} {self.event_id or self.pk}"


class EventName(models.Model):
    """One event name, as it was first seen on the wire."""

    name = models.TextField()
    digest = models.UUIDField(unique=True, editable=False)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # Those never seen before this week.
            models.Index(fields=["first_seen_at"], name="kyc_event_name_first_seen"),
        ]

    def __str__(self) -> str:
        return self.name


class RefusedRequest(models.Model):
    """What failed the signature or was too large. A ring, bounded in rows and bytes; never among the trusted.

    Without a body (`n_kept_bytes` is 0) there are its size and digest; `erased_at` says that it was about an erased subject.
    """

    cause = models.TextField(choices=RefusalCause)
    received_at = models.DateTimeField(default=timezone.now)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    n_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    n_kept_bytes = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    is_plausible = models.BooleanField(
        default=False, help_text=_("It looks like Ralio's, under a secret that we do not know.")
    )
    delivery = models.ForeignKey(
        Delivery,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="refused_requests",
        db_index=False,
        help_text=_("What it became when its signature held after all."),
    )
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [holds("cause", RefusalCause, "kyc_refused_request_has_a_cause")]

    def __str__(self) -> str:
        return f"{self.cause} {self.pk}"
