"""The fair peer: Django's own admin list of the same sessions, as one sets it up who knows how.

It has what a row of the queue tells, but for the checks and their reasons and the subject's attempts; no count of the
whole table, choices on the filtered field, people in the same query, and fifty rows, due first. Stock templates. This
module is the bench's ROOT_URLCONF.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import include, path
from django.utils.functional import cached_property

from kyc.models import Session
from kyc.querysets import CAP

# The engine without the desk's templates, which would stand in for the admin's own.
STOCK = "stock"
TEMPLATES = {
    "NAME": STOCK,
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]
    },
}
IN_REVIEW = "?state__exact=REVIEW"


class SessionList(admin.ModelAdmin[Session]):
    list_display = (
        "id",
        "due_at",
        "state_since",
        "entity_type",
        "user_id",
        "related_party_id",
        "is_disputed",
        "escalated_at",
        "proposed_by",
        "is_second_review",
        "snoozed_until",
        "assignee",
    )
    list_filter = ("state", "entity_type")
    list_select_related = ("assignee", "proposed_by")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("due_at", "id")
    search_fields = ("id__exact",)
    actions = None

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return request.user.has_perm("kyc.view_session")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        assert isinstance(answer, TemplateResponse)
        answer.using = STOCK
        return answer


class CappedPaginator(Paginator[Any]):
    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: CAP + 1].count())  # type: ignore[union-attr]


class CappedList(SessionList):
    """The same with a capped count, which few know to write."""

    paginator = CappedPaginator


class PeerSite(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active


def site(name: str, list_: type[SessionList]) -> PeerSite:
    made = PeerSite(name)
    made.register(Session, list_)
    return made


urlpatterns = [
    path("peer/", site("peer", SessionList).urls),
    path("capped-peer/", site("capped-peer", CappedList).urls),
    path("", include("config.urls")),
]
