"""The deliveries: every request that Ralio made to us, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from kyc import alarms, inbox
from kyc.desk.access import DeskRequest, requires
from kyc.desk.cursors import without_cursor
from kyc.desk.deliveries_chips import chips
from kyc.desk.deliveries_filters import Filters, row_id, whole_list
from kyc.desk.deliveries_rows import rows
from kyc.desk.deliveries_search import Search, search
from kyc.desk.deliveries_secrets import secrets
from kyc.desk.deliveries_tabs import TITLES, numbers
from kyc.desk.filter_menus import span_chip
from kyc.desk.limits import limited
from kyc.desk.paging import MOST_LOOKED_THROUGH, Listing, paginate
from kyc.querysets import CAP


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URL of the deliveries asks for, its search included."""

    filters: Filters
    search: Search | None

    @classmethod
    def read(cls, params: QueryDict) -> Asked:
        """Return what is asked for, after at most one query."""
        filters, text = Filters.read(params), params.get("q", "").strip()
        if not text:
            return cls(filters, None)
        found = search(text, is_refused=filters.is_refused)
        return cls(filters.found(found.ids), found)


@require_safe
@never_cache
@requires("kyc.view_delivery")
@limited("search")
def page(request: DeskRequest) -> HttpResponse:
    """Show a page of the deliveries, or of the refused requests."""
    asked = Asked.read(request.GET)
    filters = asked.filters
    _guard(request, filters)
    # Before the list: what comes between the two is shown and announced, not missed.
    known = numbers(request.user)
    listed = paginate(filters.rows(), request.GET)
    seen = secrets()
    menus = chips(request.GET, filters, seen)
    span = span_chip(request.GET, gettext("Received"), filters.span)
    context = {
        "filters": filters,
        "search": asked.search,
        "title": TITLES[filters.view],
        "tabs": known.tabs(filters.view),
        "n_view": known.counts[filters.view],
        "desk_queue_count": known.n_in_review,
        "page": listed,
        "rows": listed.rows if filters.is_refused else rows(listed.rows),
        "chips": menus,
        "span": span,
        "n_set": sum(bool(chip.value) for chip in (*menus, span)),
        "secrets": seen,
        "alarms": alarms.open_alarms(),
        "newest": known.newest_refused if filters.is_refused else known.newest,
        "replay_query": whole_list(request.GET, filters),
        "query": without_cursor(request.GET).urlencode(),
    }
    return render(request, "desk/deliveries/page.html", context)


@require_safe
@never_cache
@vary_on_headers("HX-Request")
@requires("kyc.view_delivery")
def health(request: DeskRequest) -> HttpResponse:
    """Show how the inbox is: a strip that the page loads by itself, or a page of its own."""
    context = {"health": inbox.health(timezone.now()), "alarms": alarms.open_alarms()}
    return render(request, f"desk/deliveries/{'health' if request.htmx else 'health_page'}.html", context)


@require_safe
@never_cache
@requires("kyc.view_delivery")
def new_deliveries(request: DeskRequest) -> HttpResponse:
    """Say how many came to the filtered list after the row `newest`, or nothing when `shown` says as many."""
    newest = row_id(request.GET.get("newest", ""))
    if newest is None:
        return HttpResponse(status=204)
    filters = Filters.read(request.GET)
    _guard(request, filters)
    n_new = came_after(filters.rows(), newest, most=CAP + 1)
    if request.GET.get("shown", "0") == str(n_new):
        # The same words again would be read out again.
        return HttpResponse(status=204)
    query = without_cursor(request.GET)
    for name in ("newest", "shown"):
        query.pop(name, None)
    context = {"n_new": n_new, "query": query.urlencode(), "is_refused": filters.is_refused}
    return render(request, "desk/deliveries/new.html", context)


def came_after(listing: Listing[Any], newest: int, *, most: int) -> int:
    """Count what came after a row's key, up to `most`, looking through no more rows than a page does."""
    (rows,) = listing.ranges
    came = rows.model.objects.filter(pk__gt=newest).order_by("pk").values("pk")[:MOST_LOOKED_THROUGH]
    wanted = rows.filter(listing.sieve or Q(), pk__in=came)
    return int(wanted.order_by()[:most].count())


def _guard(request: DeskRequest, filters: Filters) -> None:
    if filters.is_refused and not request.user.has_perm("kyc.view_refusedrequest"):
        raise PermissionDenied
