"""Notifications in the admin: each message, its tries and its answers, to read; to release and to retry by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import ngettext

from kyc.admin import search
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from notifications import outbox, recipients
from notifications.choices import Status
from notifications.models import Attempt, Notification

# One action touches no more rows than this; the rest are there for the next one.
MOST_AT_ONCE = 500


class AttemptInline(ReadOnlyMixin, admin.TabularInline[Attempt, Notification]):
    model = Attempt
    fields = ("at", "outcome", "answer")
    extra = 0
    template = "admin/read_only_inline.html"


@admin.register(Notification)
class NotificationAdmin(ReadOnlyMixin, DeskAdmin[Notification]):
    list_display = (
        "created_at",
        "kind",
        "status",
        "withheld_because",
        "session_id",
        "alarm_id",
        "n_attempts",
    )
    list_filter = ("status", "kind")
    search_fields = ("session_id", "id")
    search_help_text = f"The session's or the notification's: {search.HELP[0].lower()}{search.HELP[1:]}"
    ordering = ("-created_at", "-id")
    actions = ("release_withheld", "try_again")
    inlines = (AttemptInline,)
    fieldsets = (
        (None, {"fields": ("kind", "about", "round", "recipient_shown", "status")}),
        ("Withheld", {"fields": ("withheld_because", "released_at", "released_by")}),
        (
            "Sending",
            {
                "fields": (
                    "n_attempts",
                    "not_before",
                    "next_attempt_at",
                    "last_error",
                    "sent_at",
                    "leased_until",
                    "message_id",
                )
            },
        ),
        ("Times", {"fields": ("event_at", "created_at")}),
    )

    @admin.display(description="About")
    def about(self, row: Notification) -> str:
        if row.session_id:
            return format_html(
                '<a href="{}">{}</a>', reverse("session", args=[row.session_id]), row.session_id
            )
        page = reverse("admin:kyc_inboxalarm_change", args=[row.alarm_id])
        return format_html('<a href="{}">{}</a>', page, row.about_alarm)

    @admin.display(description="Recipient")
    def recipient_shown(self, row: Notification) -> str:
        return recipients.shown(row.recipient)

    @admin.action(description="Release withheld", permissions=["release"])
    def release_withheld(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        n_done, is_all = self._each(request, queryset.filter(status=Status.WITHHELD), outbox.release)
        done = ngettext("%d notification released.", "%d notifications released.", n_done) % n_done
        self._tell(request, done, n_done, is_all=is_all)

    @admin.action(description="Try again", permissions=["release"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        n_done, is_all = self._each(request, queryset.filter(outbox.retriable()), outbox.try_again)
        done = ngettext("%d notification is due now.", "%d notifications are due now.", n_done) % n_done
        self._tell(request, done, n_done, is_all=is_all)

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.release_notification")

    def find(self, queryset: QuerySet[Notification], term: str) -> QuerySet[Notification]:
        return queryset.filter(search.begins(term, "session__id", "id"))

    def _each(
        self, request: HttpRequest, rows: QuerySet[Notification], act: Callable[..., bool]
    ) -> tuple[int, bool]:
        """Do one act to each row, up to MOST_AT_ONCE; return how many were done, and whether none is left."""
        by: Any = request.user
        chosen = list(rows[: MOST_AT_ONCE + 1])
        n_done = sum(act(row, by=by) for row in chosen[:MOST_AT_ONCE])
        return n_done, len(chosen) <= MOST_AT_ONCE

    def _tell(self, request: HttpRequest, done: str, n_done: int, *, is_all: bool) -> None:
        if not is_all:
            done = f"{done} There are more: run the action again."
        self.message_user(request, done, messages.SUCCESS if n_done else messages.WARNING)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyMixin, DeskAdmin[Attempt]):
    list_display = ("id", "at", "notification", "outcome", "answer")
    list_filter = ("outcome",)
    list_select_related = ("notification",)
    search_fields = ("notification__session_id", "notification_id")
    search_help_text = f"The session's or the notification's: {search.HELP[0].lower()}{search.HELP[1:]}"
    ordering = ("-id",)
    fields = ("notification", "at", "outcome", "answer")

    def find(self, queryset: QuerySet[Attempt], term: str) -> QuerySet[Attempt]:
        return queryset.filter(search.begins(term, "notification__session__id", "notification__id"))
