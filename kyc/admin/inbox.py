"""What the inbox watches and asks by itself: to be read, never to be written."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kyc.admin import search, text
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.models import Enquiry, EventName, InboxAlarm
from kyc.models.digests import text_digest


@admin.register(InboxAlarm)
class InboxAlarmAdmin(ReadOnlyMixin, DeskAdmin[InboxAlarm]):
    list_display = ("id", "kind", "opened_at", "closed_at")
    list_filter = ("kind",)
    ordering = ("-id",)
    fields = ("kind", "opened_at", "closed_at", "says", "figures")
    heavy = ("detail",)

    @admin.display(description=_("What it said"))
    def says(self, alarm: InboxAlarm) -> SafeString | str:
        names = ("says", "threshold", "advice")
        figure = alarm.figure
        return text.block("\n".join(str(figure[name]) for name in names if figure.get(name)))

    @admin.display(description=_("Figures"))
    def figures(self, alarm: InboxAlarm) -> SafeString | str:
        return text.block(json.dumps(alarm.detail, indent=2) if alarm.detail else "")


@admin.register(Enquiry)
class EnquiryAdmin(ReadOnlyMixin, DeskAdmin[Enquiry]):
    list_display = ("id", "session", "status", "next_try_at", text.column("n_tries", _("Tries")))
    list_filter = ("status",)
    list_select_related = ("delivery",)
    search_fields = ("delivery__session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fields = (
        text.link("delivery"), "status", "next_try_at", "leased_until", "n_tries", "error_shown", text.link("answer"),
    )  # fmt: skip
    heavy = ("error", "delivery__body", "delivery__headers", "delivery__faults")
    is_read_recorded = True

    @admin.display(description=_("Session"), empty_value="–")
    def session(self, enquiry: Enquiry) -> SafeString | str | None:
        return text.short_id("session_id", _("Session"))(enquiry.delivery)

    @admin.display(description=_("Error"))
    def error_shown(self, enquiry: Enquiry) -> SafeString | str:
        return text.block(enquiry.error)

    def find(self, queryset: QuerySet[Enquiry], term: str) -> QuerySet[Enquiry]:
        return queryset.filter(search.begins(term, "delivery__session_id"))


@admin.register(EventName)
class EventNameAdmin(ReadOnlyMixin, DeskAdmin[EventName]):
    list_display = ("id", text.short("name"), "first_seen_at")
    search_fields = ("name",)
    search_help_text = _("The whole event name.")
    ordering = ("-id",)
    fields = ("name_shown", "first_seen_at")

    @admin.display(description=_("Name"))
    def name_shown(self, name: EventName) -> SafeString | str:
        return text.block(name.name)

    def find(self, queryset: QuerySet[EventName], term: str) -> QuerySet[EventName]:
        return queryset.filter(digest=text_digest(term))
