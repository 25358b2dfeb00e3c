"""What was received and what was decided: to be read, never to be written."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kyc.admin import replays, search, text
from kyc.admin.base import DeskAdmin, ReadOnlyMixin
from kyc.admin.masked import ConcealedAdmin
from kyc.choices import DeliveryStatus, QuarantineCause
from kyc.desk import unmasking
from kyc.desk.unmasking import Target
from kyc.languages import whole
from kyc.models import Correction, Decision, Delivery, Note, RefusedRequest
from kyc.models.deliveries import CONFLICTING, OWNS_EVENT_ID, UNREADABLE
from kyc.querysets import CAP
from kyc.ralio.bodies import veiled


class CauseFilter(admin.SimpleListFilter):
    """Why a delivery was quarantined: reads only the quarantined ones."""

    title = _("cause")
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(cause.value, str(cause.label)) for cause in QuarantineCause]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() not in QuarantineCause.values:
            return queryset
        return queryset.filter(status=DeliveryStatus.QUARANTINED, cause=self.value())


@admin.register(Delivery)
class DeliveryAdmin(ConcealedAdmin[Delivery], replays.ReplayableAdmin[Delivery]):
    list_display = (
        "id",
        "received_at",
        "source",
        text.short("event_name"),
        "status",
        "cause",
        text.short_id("event_id", _("Event id")),
        text.short_id("session_id", _("Session")),
        text.column("n_repeats", _("Repeats")),
    )
    list_filter = ("status", CauseFilter)
    search_fields = ("event_id", "session_id", "sha256")
    search_help_text = _(
        "An event's, session's or (for record events) subject's UUID, or its first 8 characters or more; "
        "for quarantined ones also the body's SHA-256."
    )
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("status", "cause", "fault_table", "error", "n_tries", "next_try_at")}),
        (_("Replays"), {"fields": ("n_replays", "last_replay_at", "last_replay_by")}),
        (
            _("Event"),
            {"fields": ("event_name_shown", "event_id", "event_at", text.link("session"), "session_state")},
        ),
        (_("Subject"), {"fields": ("entity_type", "user_id", "related_party_id", "n_checks", "n_reasons")}),
        (
            _("Received"),
            {
                "fields": (
                    "received_at",
                    "source",
                    "signed_with",
                    "n_repeats",
                    "last_repeat_at",
                    "n_bytes",
                    "sha256",
                    "meaning",
                )
            },
        ),
        (_("As it came"), {"fields": ("header_table", "body_shown")}),
    )
    heavy = ("body", "headers", "faults")
    personal = frozenset({"body"})
    is_read_recorded = True

    def target(self, obj: Delivery) -> Target:
        return unmasking.of_delivery(obj)

    @admin.action(description=_("Replay selected deliveries"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        return replays.answer(self, request, queryset, replays.DELIVERIES)

    @admin.display(description=_("Event name"))
    def event_name_shown(self, delivery: Delivery) -> str:
        return text.visible(delivery.event_name) or "–"

    @admin.display(description=_("Faults"))
    def fault_table(self, delivery: Delivery) -> SafeString | str:
        faults = [(str(fault.get("path", "")), str(fault.get("message", ""))) for fault in delivery.faults]
        return text.table(faults, gettext("Where"), gettext("What is wrong"))

    @admin.display(description=_("Headers"))
    def header_table(self, delivery: Delivery) -> SafeString | str:
        return text.table(text.pairs(delivery.headers), gettext("Header"), gettext("Value"))

    @admin.display(description=_("Body"))
    def body_shown(self, delivery: Delivery) -> SafeString | str:
        return body(delivery)

    def find(self, queryset: QuerySet[Delivery], term: str) -> QuerySet[Delivery]:
        """Ask each partial index by itself, for one question over all of them would read the table."""
        found: set[int] = set()
        for condition in _conditions(term):
            newest = Delivery.objects.filter(condition).order_by("-id").values_list("pk", flat=True)
            found.update(newest[:CAP])
        return queryset.filter(pk__in=found)


@admin.register(RefusedRequest)
class RefusedRequestAdmin(ConcealedAdmin[RefusedRequest], replays.ReplayableAdmin[RefusedRequest]):
    list_display = (
        "id",
        "received_at",
        "cause",
        text.column("n_bytes", _("Bytes")),
        text.column("n_kept_bytes", _("Bytes kept")),
        text.column("delivery_id", _("Delivery")),
    )
    list_filter = ("cause",)
    ordering = ("-id",)
    fields = (
        "cause", "received_at", text.link("delivery"), "n_bytes", "n_kept_bytes", "sha256", "header_table", "body_shown",
    )  # fmt: skip
    heavy = ("body", "headers")
    personal = frozenset({"body"})
    is_read_recorded = True

    def target(self, obj: RefusedRequest) -> Target:
        return unmasking.of_refused(obj)

    @admin.action(description=_("Verify again and apply"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[RefusedRequest]) -> HttpResponse | None:
        return replays.answer(self, request, queryset, replays.REFUSED)

    @admin.display(description=_("Headers"))
    def header_table(self, refused: RefusedRequest) -> SafeString | str:
        return text.table(text.pairs(refused.headers), gettext("Header"), gettext("Value"))

    @admin.display(description=_("Body"))
    def body_shown(self, refused: RefusedRequest) -> SafeString | str:
        return body(refused)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyMixin, DeskAdmin[Decision]):
    list_display = (
        "id",
        "proposed_at",
        text.short_id("session_id", _("Session")),
        "round",
        "outcome",
        "status",
        "maker",
        "checker",
    )
    list_filter = ("outcome", "status")
    list_select_related = ("maker", "checker")
    search_fields = ("session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": (text.link("session"), "round", "outcome", "status", "codes", "rationale", "wait_until")}),
        (_("What the maker had seen"), {"fields": (text.link("basis", _("Newest delivery")), "version", "n_refused", text.link("settles", _("Settles decision")))}),
        (_("Two people"), {"fields": ("maker", "proposed_at", "needs_checker", "addressee", "checker", "checked_at", text.whole("answer"))}),
        (_("Since when it holds"), {"fields": ("confirmed_at", "undone_at", "undone_by")}),
    )  # fmt: skip
    heavy = ("rationale", "answer")
    is_read_recorded = True

    def find(self, queryset: QuerySet[Decision], term: str) -> QuerySet[Decision]:
        return queryset.filter(search.begins(term, "session_id"))


@admin.register(Note)
class NoteAdmin(ReadOnlyMixin, DeskAdmin[Note]):
    list_display = ("id", "at", text.short_id("session_id", _("Session")), "round", "by")
    list_select_related = ("by",)
    search_fields = ("session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fields = (text.link("session"), "round", "by", "at", text.whole("text"))
    heavy = ("text",)
    is_read_recorded = True

    def find(self, queryset: QuerySet[Note], term: str) -> QuerySet[Note]:
        return queryset.filter(search.begins(term, "session_id"))


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyMixin, ConcealedAdmin[Correction]):
    list_display = ("id", "at", text.short_id("session_id", _("Session")), "target", "field", "by")
    list_filter = ("target",)
    list_select_related = ("by",)
    search_fields = ("session_id",)
    search_help_text = search.OF_SESSION
    ordering = ("-id",)
    fields = (
        text.link("session"), "target", text.link("delivery"), "check_position", "reason_position", "field", "old_shown", "new_shown",
        "reason", "by", "round", "at",
    )  # fmt: skip
    heavy = ("old", "new", "reason")
    personal = frozenset({"old", "new"})
    is_read_recorded = True

    def target(self, obj: Correction) -> Target:
        return unmasking.of_session(obj.session_id)

    @admin.display(description=_("Before"))
    def old_shown(self, correction: Correction) -> SafeString | str:
        return text.block(correction.old)

    @admin.display(description=_("After"))
    def new_shown(self, correction: Correction) -> SafeString | str:
        return text.block(correction.new)

    def find(self, queryset: QuerySet[Correction], term: str) -> QuerySet[Correction]:
        return queryset.filter(search.begins(term, "session_id"))


def body(kept: Delivery | RefusedRequest) -> SafeString | str:
    """Return the bytes as text; what is not UTF-8 shows as U+FFFD."""
    if kept.body:
        return text.block(veiled(bytes(kept.body)).decode("utf-8", "replace"))
    return gettext("Not kept: %(n)s bytes.") % {"n": whole(kept.n_bytes or 0)}


def _conditions(term: str) -> list[Q]:
    if len(term) == 64:
        return [Q(UNREADABLE, sha256=term.lower())]
    recorded = Q(status=DeliveryStatus.RECORDED)
    return [
        OWNS_EVENT_ID & search.begins(term, "event_id"),
        CONFLICTING & search.begins(term, "event_id"),
        search.begins(term, "session_id"),
        recorded & search.begins(term, "user_id"),
        recorded & search.begins(term, "related_party_id"),
    ]
