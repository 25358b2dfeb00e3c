"""What the inbox asks for by itself, and what it raises an alarm about."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from kyc.choices import AlarmKind, EnquiryStatus
from kyc.models.constraints import holds


class Enquiry(models.Model):
    """A question to Ralio's API for the checks of a session whose event, `delivery`, carried none.

    `answer` is the delivery of source `api` that came of it, or null while there is none, and when Ralio knows of no
    checks either. A worker that asks holds the row until `leased_until`.
    """

    delivery = models.OneToOneField("kyc.Delivery", models.PROTECT, related_name="enquiry")
    status = models.TextField(choices=EnquiryStatus, default=EnquiryStatus.WAITING)
    next_try_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    n_tries = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    answer = models.ForeignKey(
        "kyc.Delivery", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        verbose_name_plural = "enquiries"
        constraints = [
            holds("status", EnquiryStatus, "kyc_enquiry_status"),
            models.CheckConstraint(
                condition=Q(status=EnquiryStatus.WAITING, next_try_at__isnull=False)
                | (~Q(status=EnquiryStatus.WAITING) & Q(next_try_at__isnull=True, leased_until__isnull=True)),
                name="kyc_enquiry_waits_for_a_time",
            ),
        ]
        indexes = [
            # The worker's next ones.
            models.Index(
                fields=["next_try_at"], condition=Q(status=EnquiryStatus.WAITING), name="kyc_enquiry_due"
            ),
        ]

    def __str__(self) -> str:
        return f"enquiry {self.pk}"


class InboxAlarm(models.Model):
    """One stretch of time in which the inbox was unwell in one way. `detail` holds the figures, nothing personal.

    Its words are English; `words` has them in each other language of the desk.
    """

    kind = models.TextField(choices=AlarmKind)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            holds("kind", AlarmKind, "kyc_inbox_alarm_kind"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(closed_at__isnull=True), name="kyc_inbox_alarm_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def figure(self) -> dict[str, Any]:
        """Return the figure that opened the alarm, in the language that is spoken."""
        return _spoken(self.detail)

    @property
    def figure_after(self) -> dict[str, Any]:
        """Return the figure that closed the alarm; empty while it is open."""
        return _spoken(self.detail.get("after") or {})


def _spoken(detail: dict[str, Any]) -> dict[str, Any]:
    return {**detail, **detail.get("words", {}).get(get_language(), {})}
