"""Legal holds and erasures, to be read: people place, lift, ask and answer on the desk's own pages."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc.admin import search, text
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.models import Erasure, LegalHold
from kyc.templatetags.privacy import overwritten

OF_SUBJECT = _("The subject's UUID or its first 8 characters or more.")


@admin.register(LegalHold)
class LegalHoldAdmin(ReadOnlyMixin, DeskAdmin[LegalHold]):
    list_display = (
        "id",
        text.short_id("subject_id", _("Subject")),
        "entity_type",
        "placed_by",
        "placed_at",
        "lifted_at",
    )
    list_select_related = ("placed_by",)
    search_fields = ("subject_id",)
    search_help_text = OF_SUBJECT
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("entity_type", "subject_id", "reason", "placed_by", "placed_at")}),
        (_("Lifted"), {"fields": ("lifted_by", "lifted_at", text.whole("lifted_because"))}),
    )

    def find(self, queryset: QuerySet[LegalHold], term: str) -> QuerySet[LegalHold]:
        return queryset.filter(search.begins(term, "subject_id"))


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyMixin, DeskAdmin[Erasure]):
    list_display = (
        "id",
        text.short_id("subject_id", _("Subject")),
        "entity_type",
        "status",
        "maker",
        "requested_at",
        "checker",
    )
    list_filter = ("status",)
    list_select_related = ("maker", "checker")
    search_fields = ("subject_id",)
    search_help_text = OF_SUBJECT
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("entity_type", "subject_id", "status", "reason", "maker", "requested_at")}),
        (_("Two people"), {"fields": ("checker", "checked_at", text.whole("answer"), "erased_shown")}),
    )

    @admin.display(description=_("What was overwritten"))
    def erased_shown(self, erasure: Erasure) -> SafeString | str:
        return text.table(overwritten(erasure), gettext("Kind"), gettext("Rows"))

    def find(self, queryset: QuerySet[Erasure], term: str) -> QuerySet[Erasure]:
        return queryset.filter(search.begins(term, "subject_id"))
