"""What every page of the admin keeps to: capped counts, indexed searches, no bulk actions, reads on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import AdminSite, ShowFacets
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kyc import ledger
from kyc.admin import names
from kyc.desk import limits
from kyc.desk.access import DeskRequest, record
from kyc.models import User
from kyc.querysets import CAP

MOST_SHOWN = 50

# Fields whose own name is not how a person would say it.
LABELS = {
    "addressee": _("Who was asked to look"),
    "asked_by": _("Who asked for it"),
    "assignee": _("Held by"),
    "breached_for": _("Overdue since"),
    "claimed_until": _("Held until"),
    "evidence": _("Newest checks from"),
    "is_disputed": _("Disputed"),
    "is_second_review": _("In second review"),
    "is_suspect": _("Under suspicion"),
    "last_replay_at": _("Last replay"),
    "last_replay_by": _("Replayed by"),
    "kyc_check": _("Check"),
    "n_attempts": _("Tries"),
    "meaning": _("Digest of the meaning"),
    "n_bytes": _("Bytes"),
    "heads_digest": _("Digest of the heads"),
    "n_chains": _("Chains"),
    "n_checks": _("Checks"),
    "n_entries": _("Entries"),
    "n_kept_bytes": _("Bytes kept"),
    "n_reasons": _("Reasons"),
    "n_refused": _("Checks refused"),
    "n_repeats": _("Repeats"),
    "n_replays": _("Replays"),
    "n_tries": _("Tries"),
    "provider_state": _("State at Ralio"),
    "related_party_id": _("Related party"),
    "seq": _("Entry"),
    "sha256": _("SHA-256"),
    "user_id": _("User"),
    "warned_for": _("Warned of due time"),
}


class CappedPaginator(Paginator[Any]):
    """Pages over the first thousand rows; `count` is one more when there are more."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)  # noqa: S101 - the change list gives nothing else
        return rows.order_by()[: CAP + 1].count()

    @cached_property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, CAP) // self.per_page))


class LightList(ChangeList):
    """A list that leaves its model's heavy columns in the database."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        heavy = getattr(self.model_admin, "heavy", ())
        return super().get_queryset(request, exclude_parameters).defer(*heavy)


class DeskAdmin[M: Model](admin.ModelAdmin[M]):
    """A model's pages. Searches go by index: override `find`; say in `search_help_text` what it takes."""

    actions: Sequence[Any] | None = None
    list_per_page = 50
    paginator = CappedPaginator
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: ClassVar[tuple[str, ...]] = ()
    view_on_site = False
    # Columns of any length that a list has no use for.
    heavy: ClassVar[tuple[str, ...]] = ()
    # Pages that show a subject's data leave an entry on the chain of who read them.
    is_read_recorded = False

    def __init__(self, model: type[M], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        names.translate(model)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LightList

    def find(self, queryset: QuerySet[M], term: str) -> QuerySet[M]:
        """Return the rows that a search means, by index."""
        return queryset.none()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        term = search_term.strip().replace("\x00", "")
        return (self.find(queryset, term) if term else queryset), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Leave out of hand-made filters what is heavy: nothing finds it by an index, and JSON not at all."""
        return lookup.partition("__")[0] not in self.heavy and super().lookup_allowed(lookup, value, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        is_search = request.GET.get(SEARCH_VAR, "").strip() and self.has_view_or_change_permission(request)
        if is_search and (too_many := limits.refused(cast(DeskRequest, request), "search")):
            return too_many
        return super().changelist_view(request, extra_context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        # A form that is sent and refused shows the row as well as one that is opened.
        if self.is_read_recorded and request.method != "HEAD" and isinstance(response, TemplateResponse):
            self._record_read(request, (response.context_data or {})["original"])
        return response

    def session_id(self, obj: M) -> UUID | None:
        """Return the session that a row belongs to, if it does."""
        found: UUID | None = getattr(obj, "session_id", None)
        return found

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[M]]:
        return super().get_form(request, obj, change=change, labels=LABELS, **kwargs)

    def get_view_on_site_url(self, obj: M | None = None) -> str | None:
        """Return the desk's page of the session that a row belongs to."""
        session_id = self.session_id(obj) if obj else None
        return reverse("session", args=[session_id]) if session_id else None

    def _record_read(self, request: HttpRequest, obj: M) -> None:
        name, session_id = str(self.opts.model_name), self.session_id(obj)
        detail: dict[str, ledger.Detail] = {"session": str(session_id)} if session_id else {}
        detail |= {name: obj.pk if isinstance(obj.pk, int) else str(obj.pk)}
        record(cast(DeskRequest, request), f"{name}.read", **detail)


def signed_in(request: HttpRequest) -> User:
    """Return who is signed in: nobody else comes to a page of the admin."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


class ReadOnlyMixin:
    """Evidence: whoever may view it may, and nobody adds, changes or deletes it."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Newest[T]:
    """The first rows of a list that may be long, for a page that is about something else."""

    rows: list[T]
    has_more: bool


def newest[M: Model](queryset: QuerySet[M], most: int = MOST_SHOWN) -> Newest[M]:
    rows = list(queryset[: most + 1])
    return Newest(rows[:most], has_more=len(rows) > most)
