"""Sessions, their checks and reasons, and the two narrow tables that the queue and the history are filtered by."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kyc.choices import CheckState, EntityType, FacetKind, SessionState
from kyc.models.constraints import holds
from kyc.querysets import (
    CLAIMED,
    FOR_SUPERVISORS,
    IN_REVIEW,
    PROPOSED,
    REJECTED,
    SNOOZED,
    UNENTERED,
    SessionQuerySet,
)


class Session(models.Model):
    """One verification attempt, keyed by Ralio's sessionId.

    Everything down to `n_refused` is the fold of the session's deliveries, decisions and corrections
    (`kyc.projection`). Instants are event time, UTC. `version` grows with state, assignee, decision and correction.
    `queued_at` is when this desk learned of the present round's REVIEW: the live notice counts by it.

    A claim is a lease: `assignee` holds the session until `claimed_until`, and from then on nobody does. `asked_by`
    would like to have it. `warned_for` and `breached_for` are the due times that were warned of and missed.
    """

    id = models.UUIDField(primary_key=True)
    entity_type = models.TextField(choices=EntityType, default=EntityType.UNKNOWN)
    user_id = models.UUIDField(null=True, blank=True)
    related_party_id = models.UUIDField(null=True, blank=True)

    provider_state = models.TextField(choices=SessionState, default=SessionState.NOT_STARTED)
    state = models.TextField(choices=SessionState, default=SessionState.NOT_STARTED)
    state_since = models.DateTimeField()
    first_event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    round = models.PositiveIntegerField(default=1)
    is_disputed = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="decided_sessions"
    )
    due_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    is_second_review = models.BooleanField(default=False)
    escalated_at = models.DateTimeField(null=True, blank=True)
    is_suspect = models.BooleanField(
        default=False, help_text=_("A code marked as a suspicion came with the present round.")
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("Who proposed the decision that waits for another person."),
    )
    evidence = models.ForeignKey(
        "kyc.Delivery",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("The delivery that brought the newest set of checks."),
    )
    n_checks = models.PositiveIntegerField(default=0)
    n_refused = models.PositiveIntegerField(default=0)

    version = models.PositiveIntegerField(default=0)
    queued_at = models.DateTimeField(null=True, blank=True)

    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="claimed_sessions",
        db_index=False,
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    warned_for = models.DateTimeField(null=True, blank=True)
    breached_for = models.DateTimeField(null=True, blank=True)

    objects = models.Manager.from_queryset(SessionQuerySet)()

    class Meta:
        permissions = [
            ("export_session", "Can export sessions"),
            ("correct_session", "Can correct sessions"),
            ("decide_session", "Can claim and decide sessions"),
            ("check_session", "Can confirm the decisions of others"),
            ("supervise_session", "Can decide what is escalated or disputed, and reassign sessions"),
            ("view_personal_data", "Can see personal data unmasked"),
            ("unmask_personal_data", "Can unmask personal data with a reason"),
            ("print_session", "Can take a session's whole record"),
            ("export_subject", "Can export a subject's data"),
        ]
        constraints = [
            holds("entity_type", EntityType, "kyc_session_entity_type"),
            holds("provider_state", SessionState, "kyc_session_provider_state"),
            holds("state", SessionState, "kyc_session_state"),
            models.CheckConstraint(condition=Q(round__gte=1), name="kyc_session_round_from_one"),
            models.CheckConstraint(
                condition=~IN_REVIEW | Q(due_at__isnull=False), name="kyc_session_in_review_is_due"
            ),
            models.CheckConstraint(
                condition=IN_REVIEW | Q(due_at__isnull=True, snoozed_until__isnull=True, is_disputed=False),
                name="kyc_session_outside_review_has_no_clock",
            ),
            models.CheckConstraint(
                condition=IN_REVIEW
                | Q(
                    assignee__isnull=True,
                    proposed_by__isnull=True,
                    escalated_at__isnull=True,
                    is_suspect=False,
                    is_second_review=False,
                ),
                name="kyc_session_outside_review_has_no_work",
            ),
            models.CheckConstraint(
                condition=Q(is_suspect=False) | Q(escalated_at__isnull=False),
                name="kyc_session_suspect_is_escalated",
            ),
            models.CheckConstraint(
                condition=Q(assignee__isnull=True, claimed_until__isnull=True)
                | Q(assignee__isnull=False, claimed_until__isnull=False),
                name="kyc_session_claim_ends",
            ),
            models.CheckConstraint(
                condition=Q(asked_by__isnull=True, asked_at__isnull=True)
                | (
                    Q(asked_by__isnull=False, asked_at__isnull=False, assignee__isnull=False)
                    & ~Q(asked_by=F("assignee"))
                ),
                name="kyc_session_asked_of_its_holder",
            ),
            models.CheckConstraint(
                condition=Q(is_disputed=False) | Q(decided_by__isnull=False),
                name="kyc_session_disputed_was_decided",
            ),
            models.CheckConstraint(
                condition=~Q(entity_type=EntityType.USER) | Q(user_id__isnull=False),
                name="kyc_session_user_is_named",
            ),
            models.CheckConstraint(
                condition=~Q(entity_type=EntityType.RELATED_PARTY) | Q(related_party_id__isnull=False),
                name="kyc_session_related_party_is_named",
            ),
            models.CheckConstraint(
                condition=Q(n_refused__lte=F("n_checks")), name="kyc_session_refused_are_checks"
            ),
        ]
        indexes = [
            # The queue, due first. With the age, so that a filter by age passes over entries of the index, not rows.
            models.Index(
                fields=["due_at", "id", "state_since"], condition=IN_REVIEW, name="kyc_session_queue_due"
            ),
            # The queue by age, and its waiting and received filters.
            models.Index(fields=["state_since", "id"], condition=IN_REVIEW, name="kyc_session_queue_age"),
            # The queue, most refused checks first.
            models.Index(
                fields=["-n_refused", "due_at", "id"], condition=IN_REVIEW, name="kyc_session_queue_refused"
            ),
            # The live notice of new sessions.
            models.Index(fields=["queued_at"], condition=IN_REVIEW, name="kyc_session_queue_new"),
            # The queue's views: mine, for supervisors, waiting for a second officer, paused. Due first, each.
            models.Index(fields=["assignee", "due_at", "id"], condition=CLAIMED, name="kyc_session_claimed"),
            models.Index(
                fields=["due_at", "id"], condition=FOR_SUPERVISORS, name="kyc_session_for_supervisors"
            ),
            models.Index(fields=["due_at", "id"], condition=PROPOSED, name="kyc_session_proposed"),
            models.Index(fields=["due_at", "id"], condition=SNOOZED, name="kyc_session_snoozed"),
            # Those whose decision is still to be entered at Ralio, the first to expire there first.
            models.Index(fields=["first_event_at", "id"], condition=UNENTERED, name="kyc_session_unentered"),
            # The history, newest first.
            models.Index(fields=["state_since", "id"], condition=REJECTED, name="kyc_session_history"),
            # Search, and the subject's other sessions.
            models.Index(
                fields=["user_id", "state_since"], condition=Q(user_id__isnull=False), name="kyc_session_user"
            ),
            models.Index(
                fields=["related_party_id", "state_since"],
                condition=Q(related_party_id__isnull=False),
                name="kyc_session_related_party",
            ),
            # Admin, newest first.
            models.Index(fields=["-last_event_at", "-id"], name="kyc_session_newest"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def get_absolute_url(self) -> str:
        return reverse("session", args=[self.pk])

    @property
    def subject_id(self) -> object:
        """Return the UUID that names the subject, or None: the user's before the related party's."""
        return (
            self.related_party_id
            if self.entity_type == EntityType.RELATED_PARTY
            else (self.user_id or self.related_party_id)
        )


class Check(models.Model):
    """One check of one delivery, as sent. `data` is its JSON as ASCII-escaped text, so that every value survives."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="checks")
    delivery = models.ForeignKey("kyc.Delivery", models.PROTECT, related_name="checks", db_index=False)
    position = models.PositiveIntegerField()
    type = models.TextField()
    state = models.TextField(choices=CheckState)
    state_sent = models.TextField(
        blank=True, default="", help_text=_("The state's JSON as sent; empty when none was.")
    )
    data = models.TextField(blank=True, default="")
    provider = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["delivery_id", "position"]
        constraints = [
            holds("state", CheckState, "kyc_check_state"),
            models.UniqueConstraint(fields=["delivery", "position"], name="kyc_check_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.state}"


class Reason(models.Model):
    """Why a check ended as it did, as sent."""

    kyc_check = models.ForeignKey(Check, models.PROTECT, related_name="reasons", db_index=False)
    position = models.PositiveIntegerField()
    type = models.TextField(blank=True, default="")
    code = models.TextField(blank=True, default="")
    message = models.TextField(blank=True, default="")
    category = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["kyc_check_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["kyc_check", "position"], name="kyc_reason_position_once"),
        ]

    def __str__(self) -> str:
        return self.code


class QueueFacet(models.Model):
    """What a session in REVIEW can be found by, with the queue's sort key. The fold writes it; nothing else does."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="facets", db_index=False)
    kind = models.TextField(choices=FacetKind)
    value = models.TextField(blank=True)
    digest = models.UUIDField()
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            holds("kind", FacetKind, "kyc_queue_facet_kind"),
            models.UniqueConstraint(fields=["session", "kind", "digest"], name="kyc_queue_facet_once"),
        ]
        indexes = [
            # One filter of the queue, in queue order; also each option's capped count.
            models.Index(fields=["kind", "digest", "due_at", "session"], name="kyc_queue_facet_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class RejectionReason(models.Model):
    """Why a REJECTED session was rejected: the reasons of the event or decision that did it.

    Feeds the history's list, filters, counts and export alike. `is_earlier` marks reasons that the rejection did not
    bring itself: the last known ones. The fold writes these rows; nothing else does.
    """

    session = models.ForeignKey(Session, models.CASCADE, related_name="rejection_reasons", db_index=False)
    position = models.PositiveIntegerField()
    check_type = models.TextField(blank=True, default="")
    type = models.TextField(blank=True, default="")
    code = models.TextField(blank=True, default="")
    code_digest = models.UUIDField()
    message = models.TextField(blank=True, default="")
    category = models.TextField(blank=True, default="")
    category_digest = models.UUIDField()
    is_earlier = models.BooleanField(default=False)
    is_first_of_code = models.BooleanField()
    is_first_of_category = models.BooleanField()
    rejected_at = models.DateTimeField()

    class Meta:
        ordering = ["session_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["session", "position"], name="kyc_rejection_reason_once"),
        ]
        indexes = [
            # The history by code, newest first, each session once; also the codes' counts.
            models.Index(
                fields=["code_digest", "rejected_at", "session"],
                condition=Q(is_first_of_code=True),
                name="kyc_rejection_code",
            ),
            models.Index(
                fields=["category_digest", "rejected_at", "session"],
                condition=Q(is_first_of_category=True),
                name="kyc_rejection_category",
            ),
        ]

    def __str__(self) -> str:
        return self.code
