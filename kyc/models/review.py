"""What people add to a session: decisions and corrections. Both are evidence and are never edited."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from kyc.choices import CorrectionTarget, DecisionStatus, Outcome
from kyc.models.constraints import holds


class Decision(models.Model):
    """An officer's decision. `basis` is the newest event the maker had seen; a maker never confirms alone."""

    session = models.ForeignKey("kyc.Session", models.PROTECT, related_name="decisions")
    outcome = models.TextField(choices=Outcome)
    codes = models.JSONField(default=list, blank=True)
    rationale = models.TextField(blank=True)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions_made")
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="decisions_checked"
    )
    basis = models.ForeignKey("kyc.Delivery", models.PROTECT, related_name="+", db_index=False)
    round = models.PositiveIntegerField()
    status = models.TextField(choices=DecisionStatus, default=DecisionStatus.PROPOSED)
    wait_until = models.DateTimeField(null=True, blank=True)
    proposed_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            holds("outcome", Outcome, "kyc_decision_outcome"),
            holds("status", DecisionStatus, "kyc_decision_status"),
            models.CheckConstraint(
                condition=Q(checker__isnull=True) | ~Q(checker=F("maker")), name="kyc_decision_has_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(status=DecisionStatus.CONFIRMED) | Q(confirmed_at__isnull=False),
                name="kyc_decision_confirmed_at",
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAIT, wait_until__isnull=False)
                | (~Q(outcome=Outcome.WAIT) & Q(wait_until__isnull=True)),
                name="kyc_decision_waits_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.status}"


class Correction(models.Model):
    """An admin's edit of a fact: the fold's last layer, so that later events do not undo it.

    The row corrected is named by what a rebuild keeps: the session, or a delivery with the check's and reason's
    positions in it. `old` and `new` are the values as JSON text. A due time holds for its round only.
    """

    session = models.ForeignKey("kyc.Session", models.PROTECT, related_name="corrections")
    target = models.TextField(choices=CorrectionTarget)
    delivery = models.ForeignKey(
        "kyc.Delivery", models.PROTECT, null=True, blank=True, related_name="corrections", db_index=False
    )
    check_position = models.PositiveIntegerField(null=True, blank=True)
    reason_position = models.PositiveIntegerField(null=True, blank=True)
    field = models.TextField()
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="corrections")
    round = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="kyc_correction_has_a_reason"),
            models.CheckConstraint(
                condition=Q(
                    target=CorrectionTarget.SESSION,
                    delivery__isnull=True,
                    check_position__isnull=True,
                    reason_position__isnull=True,
                )
                | Q(
                    target=CorrectionTarget.CHECK,
                    delivery__isnull=False,
                    check_position__isnull=False,
                    reason_position__isnull=True,
                )
                | Q(
                    target=CorrectionTarget.REASON,
                    delivery__isnull=False,
                    check_position__isnull=False,
                    reason_position__isnull=False,
                ),
                name="kyc_correction_names_its_row",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target} {self.field}"
