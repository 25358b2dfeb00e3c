"""What people add to a session: decisions, corrections and notes. All are evidence and never rewritten.

But for erasure, which overwrites words and says so in `erased_at`.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from kyc.choices import FINAL_OUTCOMES, CorrectionTarget, DecisionStatus, Outcome
from kyc.models.constraints import holds

IS_FINAL = Q(outcome__in=FINAL_OUTCOMES)


class Decision(models.Model):
    """What a person decided, or proposed to another person. A maker never confirms alone what needs a checker.

    `basis` is the newest event, and `version` the session's version, that the maker had seen; `n_refused` how many
    checks were refused then. `settles` is the decision whose dispute with Ralio this one ends. `addressee` is who was
    asked to look. `answer` is what the checker said when the proposal was returned.
    """

    session = models.ForeignKey("kyc.Session", models.PROTECT, related_name="decisions")
    outcome = models.TextField(choices=Outcome)
    codes = models.JSONField(default=list, blank=True)
    rationale = models.TextField(blank=True)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions_made")
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="decisions_checked"
    )
    addressee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    basis = models.ForeignKey("kyc.Delivery", models.PROTECT, related_name="+", db_index=False)
    settles = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="settlements", db_index=False
    )
    version = models.PositiveIntegerField(default=0)
    n_refused = models.PositiveIntegerField(default=0)
    round = models.PositiveIntegerField()
    needs_checker = models.BooleanField(default=False)
    status = models.TextField(choices=DecisionStatus, default=DecisionStatus.PROPOSED)
    wait_until = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, default="")
    proposed_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            holds("outcome", Outcome, "kyc_decision_outcome"),
            holds("status", DecisionStatus, "kyc_decision_status"),
            models.CheckConstraint(
                condition=Q(checker__isnull=True) | ~Q(checker=F("maker")), name="kyc_decision_has_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(status=DecisionStatus.CONFIRMED, needs_checker=True) | Q(checker__isnull=False),
                name="kyc_decision_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(checker__isnull=True, checked_at__isnull=True)
                | Q(checker__isnull=False, checked_at__isnull=False),
                name="kyc_decision_checked_at",
            ),
            models.CheckConstraint(
                condition=~Q(status=DecisionStatus.CONFIRMED) | Q(confirmed_at__isnull=False),
                name="kyc_decision_confirmed_at",
            ),
            models.CheckConstraint(
                condition=~Q(status=DecisionStatus.PROPOSED) | Q(needs_checker=True, checker__isnull=True),
                name="kyc_decision_proposed_to_another",
            ),
            models.CheckConstraint(
                condition=~Q(status=DecisionStatus.RETURNED) | (Q(checker__isnull=False) & ~Q(answer="")),
                name="kyc_decision_returned_with_words",
            ),
            models.CheckConstraint(
                condition=Q(status=DecisionStatus.UNDONE, undone_at__isnull=False, undone_by__isnull=False)
                | (~Q(status=DecisionStatus.UNDONE) & Q(undone_at__isnull=True, undone_by__isnull=True)),
                name="kyc_decision_undone_by_somebody",
            ),
            models.CheckConstraint(
                condition=IS_FINAL
                | Q(status=DecisionStatus.CONFIRMED, needs_checker=False, settles__isnull=True),
                name="kyc_decision_only_final_ones_are_proposed",
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.REJECT) | Q(codes=[]), name="kyc_decision_codes_reject"
            ),
            models.CheckConstraint(
                condition=~Q(outcome=Outcome.REJECT) | ~Q(codes=[]), name="kyc_decision_rejects_with_codes"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAIT, wait_until__isnull=False)
                | (~Q(outcome=Outcome.WAIT) & Q(wait_until__isnull=True)),
                name="kyc_decision_waits_until",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(status=DecisionStatus.PROPOSED),
                name="kyc_decision_proposed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.status}"


class Precedent(models.Model):
    """One code that a session had when a person decided it: how officers decided sessions with the code before."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="precedents", db_index=False)
    digest = models.UUIDField()
    outcome = models.TextField(choices=Outcome)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=IS_FINAL, name="kyc_precedent_is_final"),
            models.UniqueConstraint(fields=["decision", "digest"], name="kyc_precedent_once"),
        ]
        indexes = [
            # The session page: how many, and the newest.
            models.Index(fields=["digest", "outcome", "decided_at"], name="kyc_precedent_code"),
        ]

    def __str__(self) -> str:
        return f"{self.digest} {self.outcome}"


class Note(models.Model):
    """What a person wrote beside a session. It decides nothing and is never changed."""

    session = models.ForeignKey("kyc.Session", models.PROTECT, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notes")
    text = models.TextField()
    round = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="kyc_note_says_something")]

    def __str__(self) -> str:
        return f"note {self.pk}"


class SavedView(models.Model):
    """A name that a person gave to filters of the queue. `query` is the queue's own query string."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="kyc_saved_view_has_a_name"),
            models.UniqueConstraint(fields=["owner", "name"], name="kyc_saved_view_once"),
        ]

    def __str__(self) -> str:
        return self.name


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
    erased_at = models.DateTimeField(null=True, blank=True)

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
