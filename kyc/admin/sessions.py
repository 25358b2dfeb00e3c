"""Sessions, their checks and reasons: shown whole, corrected with a reason, never added, deleted or decided here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc.admin import names, search, text
from kyc.admin.base import newest
from kyc.admin.corrections import CorrectableAdmin
from kyc.choices import DeliverySource, EntityType, SessionState
from kyc.desk.masking import masked_text
from kyc.models import Check, Reason, Session
from kyc.querysets import IN_REVIEW

MOST_REASONS = 200


class QueueFilter(admin.SimpleListFilter):
    """What in the queue asks for an admin's eye. Both are rare, so only sessions in REVIEW are read for them."""

    title = _("in review")
    parameter_name = "in_review"
    conditions = {"disputed": Q(is_disputed=True), "unknown": Q(entity_type=EntityType.UNKNOWN)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("disputed", gettext("Disputed")), ("unknown", gettext("Subject unknown"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        condition = self.conditions.get(self.value() or "")
        return queryset.filter(IN_REVIEW, condition) if condition else queryset


@admin.register(Session)
class SessionAdmin(CorrectableAdmin[Session]):
    change_form_template = "admin/kyc/session/change_form.html"
    list_display = (
        "id",
        "state",
        text.column("provider_state", _("At Ralio")),
        "entity_type",
        text.short_id("subject_id", _("Subject")),
        "round",
        "due_at",
        "last_event_at",
    )
    list_filter = ("state", QueueFilter)
    search_fields = ("id", "user_id", "related_party_id")
    search_help_text = _("Session, user or related party: a whole UUID, or its first 8 characters or more.")
    ordering = ("-last_event_at", "-id")
    fieldsets = (
        (_("Subject"), {"fields": ("entity_type", "user_id", "related_party_id")}),
        (
            _("State"),
            {
                "fields": (
                    "state", "provider_state", "state_since", "first_event_at", "last_event_at", "round", "due_at", "is_disputed",
                    "decided_by", text.link("evidence", _("Newest checks from delivery")), "n_checks", "n_refused", "version",
                )
            },
        ),
        (
            _("Work"),
            {
                "fields": (
                    "queued_at", "assignee", "claimed_until", "asked_by", "asked_at", "proposed_by", "snoozed_until", "is_second_review",
                    "escalated_at", "is_suspect", "warned_for", "breached_for",
                )
            },
        ),
    )  # fmt: skip

    def find(self, queryset: QuerySet[Session], term: str) -> QuerySet[Session]:
        return queryset.filter(search.begins(term, "id", "user_id", "related_party_id"))

    def editable(self, request: HttpRequest, obj: Session | None) -> set[str]:
        names = super().editable(request, obj)
        return names if obj and obj.state == SessionState.REVIEW else names - {"due_at"}

    def session_id(self, obj: Session) -> UUID:
        return obj.pk

    def beside(self, obj: Session) -> dict[str, Any]:
        return {**super().beside(obj), **_newest_checks(obj)}


@admin.register(Check)
class CheckAdmin(CorrectableAdmin[Check]):
    change_form_template = "admin/kyc/check/change_form.html"
    list_display = (
        "id",
        text.short("type"),
        "state",
        text.short("provider"),
        "checked_at",
        text.short_id("session_id", _("Session")),
    )
    search_fields = ("session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fieldsets = (
        (_("Check"), {"fields": ("type", "state", "state_sent", "provider", "checked_at", "data")}),
        (_("Where it came from"), {"fields": (text.link("session"), text.link("delivery"), "position")}),
    )
    heavy = ("data", "state_sent")
    personal = frozenset({"data"})

    @admin.display(description=names.of_field("data"))
    def data_masked(self, check: Check) -> SafeString | str:
        return text.block(masked_text(check.data)) if check.data else "–"

    def editable(self, request: HttpRequest, obj: Check | None) -> set[str]:
        fields = super().editable(request, obj)
        return fields - {"data"} if obj and self.sight(request, obj).is_masked else fields

    def get_fieldsets(self, request: HttpRequest, obj: Check | None = None) -> list[Any]:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.sight(request, obj).is_clear:
            return fieldsets
        shown = text.whole("data")
        return [
            (
                title,
                {
                    **options,
                    "fields": ["data_masked" if name == shown else name for name in options["fields"]],
                },
            )
            for title, options in fieldsets
        ]

    def find(self, queryset: QuerySet[Check], term: str) -> QuerySet[Check]:
        return queryset.filter(session__in=search.session_ids(term))

    def beside(self, obj: Check) -> dict[str, Any]:
        return {**super().beside(obj), "reasons": newest(obj.reasons.order_by("position"))}


@admin.register(Reason)
class ReasonAdmin(CorrectableAdmin[Reason]):
    list_display = (
        "id",
        text.short("code"),
        text.short("type"),
        text.short("category"),
        text.column("kyc_check_id", _("Check")),
    )
    search_fields = ("kyc_check__session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fieldsets = (
        (_("Reason"), {"fields": ("code", "message", "category", "type")}),
        (_("Where it came from"), {"fields": (text.link("kyc_check", _("Check")), "position")}),
    )
    heavy = ("message",)

    def find(self, queryset: QuerySet[Reason], term: str) -> QuerySet[Reason]:
        return queryset.filter(kyc_check__session__in=search.session_ids(term))

    def session_id(self, obj: Reason) -> UUID:
        return obj.kyc_check.session_id


def _newest_checks(session: Session) -> dict[str, Any]:
    """Return the session's newest set of checks, each with its reasons, as far as a page can show them."""
    of_evidence: QuerySet[Any] = (
        Check.objects.filter(delivery=session.evidence_id).order_by("position").defer("data")
    )
    checks = newest(of_evidence.annotate(source=F("delivery__source")))
    reasons = newest(Reason.objects.filter(kyc_check__in=checks.rows), MOST_REASONS)
    of_check: dict[int, list[Reason]] = {}
    for reason in reasons.rows:
        of_check.setdefault(reason.kyc_check_id, []).append(reason)
    return {
        "checks": [(check, of_check.get(check.pk, [])) for check in checks.rows],
        "is_from_api": any(check.source == DeliverySource.API for check in checks.rows),
        "has_more_checks": checks.has_more or reasons.has_more,
    }
