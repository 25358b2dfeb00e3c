"""Notifications in the admin: each message, its tries and its answers, to read; to release and to retry by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.csp import CSP, build_policy
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from kyc.admin import search, text
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.desk import unmasking
from kyc.desk.masking import Sight, of_session, sight
from kyc.languages import whole_day_words
from notifications import outbox, previews, recipients
from notifications.choices import ABOUT_SEALS, Status
from notifications.models import Attempt, Notification

# A mail brings its styles along; nothing else of it may load, run or lead anywhere.
IN_THE_FRAME: dict[str, Any] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.NONE],
    "frame-ancestors": [CSP.SELF],
    "sandbox": True,
}
# One action touches no more rows than this; the rest are there for the next one.
MOST_AT_ONCE = 500
# Messages whose IDs, or whose sessions' IDs, begin alike; more than that is no answer to a search.
MOST_FOUND = 200
OF_A_MESSAGE = gettext_lazy(
    "The session's or the notification's: a whole UUID, or its first 8 characters or more."
)


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
        text.column("session_id", gettext_lazy("Session id"), empty_value=None),
        text.column("alarm_id", gettext_lazy("Alarm id"), empty_value=None),
        "n_attempts",
    )
    list_filter = ("status", "kind")
    search_fields = ("session_id", "id")
    search_help_text = OF_A_MESSAGE
    ordering = ("-created_at", "-id")
    actions = ("release_withheld", "try_again")
    inlines = (AttemptInline,)
    is_read_recorded = True
    fieldsets = (
        (None, {"fields": ("kind", "about", "round", "recipient_shown", "status")}),
        (gettext_lazy("Withheld"), {"fields": ("withheld_because", "released_at", "released_by")}),
        (
            gettext_lazy("Sending"),
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
        (gettext_lazy("Times"), {"fields": ("event_at", "created_at")}),
    )

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "notifications_notification_preview"
        return [
            path("<uuid:pk>/preview/", wrap(self.preview_view), name=name),
            path("<uuid:pk>/preview/html/", wrap(self.preview_html_view), name=f"{name}_html"),
            *super().get_urls(),
        ]

    @method_decorator(require_safe)
    def preview_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show all of what would be sent now. The page may frame its HTML, which no other page of the desk may."""
        row, preview, seen = self._previewed(request, pk)
        context = {
            "sight": seen,
            "unmask": unmasking.of_session(row.about_session.pk) if seen else None,
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "preview": preview,
        }
        title = gettext("Preview")
        response = TemplateResponse(request, "admin/notifications/preview.html", {**context, "title": title})
        response[str(CSP.HEADER_ENFORCE)] = build_policy({**settings.SECURE_CSP, "frame-src": [CSP.SELF]})
        return response

    @method_decorator(require_safe)
    @method_decorator(xframe_options_sameorigin)
    def preview_html_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Answer with the message's HTML alone, for a frame of the page above: it runs nothing and leads nowhere."""
        _, preview, _ = self._previewed(request, pk)
        response = HttpResponse(preview.message.html)
        response[str(CSP.HEADER_ENFORCE)] = build_policy(IN_THE_FRAME)
        response["Content-Language"] = preview.message.language
        return response

    def _previewed(
        self, request: HttpRequest, pk: UUID
    ) -> tuple[Notification, previews.Preview, Sight | None]:
        """Return a message that the person may see, and put the opening on their chain: it shows a name and an address."""
        row = get_object_or_404(self.get_queryset(request).select_related("session", "alarm"), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        seen = sight(request, of_session(row.about_session.pk)) if row.is_to_subject else None
        preview = previews.of(row, is_masked=seen is not None and seen.is_masked)
        if request.method == "GET":
            self._record_read(request, row)
        return row, preview, seen

    @admin.display(description=gettext_lazy("About"))
    def about(self, row: Notification) -> str:
        if row.session_id:
            return format_html(
                '<a href="{}">{}</a>', reverse("session", args=[row.session_id]), row.session_id
            )
        if row.kind in ABOUT_SEALS:
            page = reverse("admin:kyc_seal_change", args=[row.occasion.partition(" ")[2]])
            return format_html('<a href="{}">{}</a>', page, row.occasion)
        if row.alarm_id is None:
            return whole_day_words(date.fromisoformat(row.occasion))
        page = reverse("admin:kyc_inboxalarm_change", args=[row.alarm_id])
        return format_html('<a href="{}">{}</a>', page, row.about_alarm)

    @admin.display(description=gettext_lazy("Recipient"))
    def recipient_shown(self, row: Notification) -> str:
        return recipients.shown(row.recipient)

    @admin.action(description=gettext_lazy("Release withheld"), permissions=["release"])
    def release_withheld(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        n_done, is_all = self._each(request, queryset.filter(status=Status.WITHHELD), outbox.release)
        done = ngettext("%d notification released.", "%d notifications released.", n_done) % n_done
        self._tell(request, done, n_done, is_all=is_all)

    @admin.action(description=gettext_lazy("Try again"), permissions=["release"])
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
            done = " ".join((done, gettext("There are more: run the action again.")))
        self.message_user(request, done, messages.SUCCESS if n_done else messages.WARNING)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyMixin, DeskAdmin[Attempt]):
    list_display = ("id", "at", "notification", "outcome", "answer")
    list_filter = ("outcome",)
    list_select_related = ("notification",)
    search_fields = ("notification__session_id", "notification_id")
    search_help_text = OF_A_MESSAGE
    ordering = ("-id",)
    fields = ("notification", "at", "outcome", "answer")
    is_read_recorded = True

    def find(self, queryset: QuerySet[Attempt], term: str) -> QuerySet[Attempt]:
        """Find the messages first: a question over both tables would read both, whatever few it is about."""
        messages = Notification.objects.filter(search.begins(term, "session_id", "id")).order_by()
        found = list(messages.values_list("pk", flat=True)[:MOST_FOUND])
        return queryset.filter(notification__in=found)
