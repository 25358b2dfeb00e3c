"""Contacts of subjects, and the catalogue of reason codes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kyc.choices import ContactSource, EntityType
from kyc.models.constraints import holds
from kyc.models.digests import text_digest


class Contact(models.Model):
    """How a subject can be reached. Ralio's newest word fills it; what a person entered stays."""

    entity_type = models.TextField(choices=EntityType)
    subject_id = models.UUIDField()
    name = models.TextField(blank=True, default="")
    email = models.EmailField(max_length=320, blank=True, default="")
    language = models.TextField(blank=True, default="")
    source = models.TextField(choices=ContactSource, default=ContactSource.PERSON)
    event_at = models.DateTimeField(null=True, blank=True)
    event_id = models.UUIDField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(entity_type__in=[EntityType.USER, EntityType.RELATED_PARTY]),
                name="kyc_contact_entity_type",
            ),
            holds("source", ContactSource, "kyc_contact_source"),
            models.UniqueConstraint(fields=["entity_type", "subject_id"], name="kyc_contact_once"),
        ]
        indexes = [
            # Admin: whose address this is.
            models.Index(Upper("email"), name="kyc_contact_email"),
        ]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.subject_id}"


class ReasonCode(models.Model):
    """One reason code, first seen on the wire; people add what it means and what a subject may be told."""

    code = models.TextField()
    digest = models.UUIDField(unique=True, editable=False)
    label = models.TextField(blank=True, default="")
    category = models.TextField(blank=True, default="")
    guidance = models.TextField(blank=True, default="", help_text=_("What an officer should look at."))
    is_disclosable = models.BooleanField(_("may be told to the subject"), default=False)
    subject_text = models.TextField(
        _("words for the subject"),
        blank=True,
        default="",
        help_text=_("Sent in place of the code and Ralio's message."),
    )
    subject_text_es = models.TextField(
        _("words for the subject, in Spanish"),
        blank=True,
        default="",
        help_text=_("Sent to who reads Spanish. Without them such a person is given no reason."),
    )
    is_suspicion = models.BooleanField(_("is a suspicion"), default=False)
    suspicion_changed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Until the sessions in REVIEW that have the code have followed."),
    )
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_disclosable=False) | Q(is_suspicion=False),
                name="kyc_reason_code_suspicion_is_never_told",
            ),
            models.CheckConstraint(
                condition=Q(is_disclosable=False) | ~Q(subject_text=""),
                name="kyc_reason_code_told_in_its_own_words",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: object, **kwargs: object) -> None:
        self.digest = text_digest(self.code)
        super().save(*args, **kwargs)  # type: ignore[arg-type]
