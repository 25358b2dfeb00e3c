"""Who asked that a subject's data be kept, or erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kyc.choices import EntityType, ErasureStatus

IS_SUBJECT = Q(entity_type__in=[EntityType.USER, EntityType.RELATED_PARTY])


class LegalHold(models.Model):
    """A subject whose data must stay for as long as the hold stands: nothing of it is purged or erased."""

    entity_type = models.TextField(choices=EntityType)
    subject_id = models.UUIDField()
    reason = models.TextField()
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="legal_holds")
    placed_at = models.DateTimeField(default=timezone.now)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_because = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=IS_SUBJECT, name="kyc_legal_hold_entity_type"),
            models.CheckConstraint(condition=~Q(reason=""), name="kyc_legal_hold_has_a_reason"),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True, lifted_at__isnull=True, lifted_because="")
                | (Q(lifted_by__isnull=False, lifted_at__isnull=False) & ~Q(lifted_because="")),
                name="kyc_legal_hold_lifted_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["subject_id", "entity_type"],
                condition=Q(lifted_at__isnull=True),
                name="kyc_legal_hold_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.subject_id}"


class Erasure(models.Model):
    """A request that a subject's personal data be overwritten, and what became of it. Two people see to it.

    `answer` is what the checker said who refused it. `erased` counts what was overwritten, by kind.
    """

    entity_type = models.TextField(choices=EntityType)
    subject_id = models.UUIDField()
    reason = models.TextField()
    status = models.TextField(choices=ErasureStatus, default=ErasureStatus.REQUESTED)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="erasures_requested")
    requested_at = models.DateTimeField(default=timezone.now)
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, default="")
    erased = models.JSONField(_("what was overwritten"), default=dict, blank=True)

    class Meta:
        permissions = [("confirm_erasure", "Can confirm the erasures that others request")]
        constraints = [
            models.CheckConstraint(condition=IS_SUBJECT, name="kyc_erasure_entity_type"),
            models.CheckConstraint(condition=~Q(reason=""), name="kyc_erasure_has_a_reason"),
            models.CheckConstraint(
                condition=Q(checker__isnull=True) | ~Q(checker=F("maker")), name="kyc_erasure_has_two_people"
            ),
            models.CheckConstraint(
                condition=Q(status=ErasureStatus.REQUESTED, checker__isnull=True, checked_at__isnull=True)
                | Q(status=ErasureStatus.DONE, checker__isnull=False, checked_at__isnull=False)
                | (
                    Q(status=ErasureStatus.REFUSED, checker__isnull=False, checked_at__isnull=False)
                    & ~Q(answer="")
                ),
                name="kyc_erasure_checked_by_another",
            ),
            models.UniqueConstraint(
                fields=["subject_id", "entity_type"],
                condition=Q(status=ErasureStatus.REQUESTED),
                name="kyc_erasure_requested_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.subject_id}"
