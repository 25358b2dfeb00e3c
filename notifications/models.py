"""The outbox: each message is a row with a life of its own, and so is each try to send it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kyc.models import InboxAlarm, Session
from kyc.models.constraints import holds
from notifications.choices import (
    ABOUT_ALARMS,
    ABOUT_DAYS,
    ABOUT_OCCASIONS,
    TO_SUBJECTS,
    TO_THE_DESK,
    WITH_OCCASION,
    AttemptOutcome,
    Choice,
    HoldCause,
    Kind,
    Status,
)

# What the sweep looks for: `next_attempt_at` says when each is due.
IN_THE_OUTBOX = Q(status__in=[Status.PENDING, Status.WAITING])
# Sorted, so that a migration reads the same each time.
IS_ABOUT_AN_ALARM = Q(kind__in=sorted(ABOUT_ALARMS))
IS_ABOUT_A_DAY = Q(kind__in=sorted(ABOUT_DAYS))
IS_ABOUT_AN_OCCASION = Q(kind__in=sorted(ABOUT_OCCASIONS))
HAS_OCCASION = Q(kind__in=sorted(WITH_OCCASION))


class Notification(models.Model):
    """One message to one recipient about one round of a session, one alarm or one day. The same one is never written twice.

    `recipient` is an address of the team, or `user:<uuid>`, `related-party:<uuid>` or `person:<id>`: a subject's address
    is looked up in the contacts when the message leaves, a person's at the desk in their account. A worker that sends
    it holds it under `lease_token` until `leased_until`; it never does so before `not_before`, whoever would have it so.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(
        "kyc.Session", models.PROTECT, null=True, blank=True, related_name="notifications", db_index=False
    )
    round = models.PositiveIntegerField(null=True, blank=True)
    alarm = models.ForeignKey(
        "kyc.InboxAlarm", models.PROTECT, null=True, blank=True, related_name="notifications", db_index=False
    )
    kind = models.TextField(choices=Kind)
    recipient = models.TextField()
    event_at = models.DateTimeField(
        help_text=_("When the session, or the inbox, came to the state that the message tells of.")
    )
    occasion = models.TextField(
        blank=True,
        default="",
        help_text=_(
            "Which of its kind in this round: the due time, the decision, the delivery or the day that it is about."
        ),
    )
    channel = models.TextField(default="email", help_text=_("The name of the channel that it leaves by."))
    created_at = models.DateTimeField(default=timezone.now)
    message_id = models.TextField(help_text=_("The same in every try, so that a mailbox can tell a repeat."))

    status = models.TextField(choices=Status, default=Status.PENDING)
    withheld_because = models.TextField(choices=HoldCause, blank=True, default="")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="released_notifications",
        db_index=False,
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then the decision that it tells of may be undone.")
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    n_attempts = models.PositiveIntegerField(
        default=0, help_text=_("Tries since it was written, or put back by hand.")
    )
    last_error = models.TextField(blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the personal data in it and its tries was overwritten.")
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        permissions = [("release_notification", "Can release and retry notifications")]
        constraints = [
            holds("kind", Kind, "notifications_notification_kind"),
            holds("status", Status, "notifications_notification_status"),
            models.CheckConstraint(
                condition=Q(withheld_because="") | Q(withheld_because__in=HoldCause.values),
                name="notifications_notification_hold_cause",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.WITHHELD)
                | (~Q(withheld_because="") & Q(released_at__isnull=True)),
                name="notifications_notification_withheld_says_why",
            ),
            models.CheckConstraint(
                condition=(IN_THE_OUTBOX & Q(next_attempt_at__isnull=False))
                | (~IN_THE_OUTBOX & Q(next_attempt_at__isnull=True, lease_token__isnull=True)),
                name="notifications_notification_due_in_the_outbox",
            ),
            models.CheckConstraint(
                condition=Q(not_before__isnull=True)
                | Q(next_attempt_at__isnull=True)
                | Q(next_attempt_at__gte=F("not_before")),
                name="notifications_notification_not_before",
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True, leased_until__isnull=True)
                | Q(lease_token__isnull=False, leased_until__isnull=False),
                name="notifications_notification_lease_ends",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.SENT, sent_at__isnull=False)
                | (~Q(status=Status.SENT) & Q(sent_at__isnull=True)),
                name="notifications_notification_sent_at",
            ),
            # Also the session page's and the receivers' way to a session's notifications.
            models.UniqueConstraint(
                fields=["session", "round", "kind", "recipient", "occasion", "channel"],
                name="notifications_notification_once",
            ),
            models.UniqueConstraint(
                fields=["alarm", "kind", "recipient", "channel"],
                condition=Q(alarm__isnull=False),
                name="notifications_notification_alarm_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "occasion", "recipient", "channel"],
                condition=IS_ABOUT_AN_OCCASION,
                name="notifications_notification_day_once",
            ),
            models.CheckConstraint(
                condition=(
                    IS_ABOUT_AN_ALARM & Q(alarm__isnull=False, session__isnull=True, round__isnull=True)
                )
                | (IS_ABOUT_AN_OCCASION & Q(alarm__isnull=True, session__isnull=True, round__isnull=True))
                | (
                    ~IS_ABOUT_AN_ALARM
                    & ~IS_ABOUT_AN_OCCASION
                    & Q(alarm__isnull=True, session__isnull=False, round__isnull=False)
                ),
                name="notifications_notification_about_one_thing",
            ),
            models.CheckConstraint(
                condition=(HAS_OCCASION & ~Q(occasion="")) | (~HAS_OCCASION & Q(occasion="")),
                name="notifications_notification_occasion_named",
            ),
            models.CheckConstraint(condition=~Q(channel=""), name="notifications_notification_channel"),
        ]
        indexes = [
            # The workers' sweep of what is due by each channel.
            models.Index(
                fields=["channel", "next_attempt_at"], condition=IN_THE_OUTBOX, name="notifications_due"
            ),
            # A contact that becomes known wakes what waits for it.
            models.Index(
                fields=["recipient"], condition=Q(status=Status.WAITING), name="notifications_waiting"
            ),
            # The lists, newest first: all, those in a status, those of a kind.
            models.Index(fields=["-created_at", "-id"], name="notifications_newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="notifications_by_status"),
            models.Index(fields=["kind", "-created_at", "-id"], name="notifications_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_to_subject(self) -> bool:
        return self.kind in TO_SUBJECTS

    @property
    def about_session(self) -> Session:
        """Return the session of a message that is about one; asking it of another kind is a mistake of ours."""
        assert self.session is not None, "It is about an alarm."  # noqa: S101
        return self.session

    @property
    def about_alarm(self) -> InboxAlarm:
        assert self.alarm is not None, "It is about a session."  # noqa: S101
        return self.alarm


class Attempt(models.Model):
    """One try to send a notification, and the answer. Addresses are taken out of the answer's text."""

    notification = models.ForeignKey(Notification, models.PROTECT, related_name="attempts")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.TextField(choices=AttemptOutcome)
    answer = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["id"]
        constraints = [holds("outcome", AttemptOutcome, "notifications_attempt_outcome")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class Preference(models.Model):
    """How a person at the desk wants to hear of one kind of thing, where that is not how people mostly do."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_preferences", db_index=False
    )
    kind = models.TextField(choices=[(kind.value, kind.label) for kind in Kind if kind in TO_THE_DESK])
    choice = models.TextField(choices=Choice)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=sorted(TO_THE_DESK)), name="notifications_preference_kind"
            ),
            holds("choice", Choice, "notifications_preference_choice"),
            models.UniqueConstraint(fields=["person", "kind"], name="notifications_preference_once"),
        ]
        indexes = [
            # Who wants to hear of a kind at once, or not at all.
            models.Index(fields=["kind", "choice"], name="notifications_preferred")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_choice_display()}"
