"""The notifications: every message that the desk wrote, where it stands, and the life of each."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.cursors import without_cursor
from kyc.desk.filter_menus import span_chip
from kyc.desk.limits import limited
from kyc.desk.paging import paginate
from notifications.desk import links
from notifications.desk.chips import chips
from notifications.desk.filters import TITLES, Filters
from notifications.desk.life import life
from notifications.desk.rows import rows
from notifications.desk.tabs import numbers
from notifications.models import Notification

VIEW = "notifications.view_notification"


@require_safe
@never_cache
@requires(VIEW)
@limited("search")
def page(request: DeskRequest) -> HttpResponse:
    """Show a page of the messages, newest first. It names no subject and holds no address."""
    filters = Filters.read(request.GET)
    known = numbers(request.user)
    listed = paginate(filters.rows(), request.GET)
    menus = chips(request.GET, filters)
    span = span_chip(request.GET, pgettext("filter of messages", "Written"), filters.span)
    context = {
        "filters": filters,
        "title": TITLES[filters.view],
        "tabs": known.tabs(filters.view),
        "n_view": known.counts[filters.view],
        "desk_queue_count": known.n_in_review,
        "page": listed,
        "rows": rows(listed.rows),
        "chips": menus,
        "span": span,
        "n_set": sum(bool(chip.value) for chip in (*menus, span)),
        "query": without_cursor(request.GET).urlencode(),
        "here": request.GET.urlencode(),
    }
    return render(request, "notifications/desk/page.html", context)


@require_safe
@never_cache
@vary_on_headers("HX-Request")
@requires(VIEW)
def message(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Show one message with its life: a pane beside the list where htmx asks, a page of its own otherwise."""
    found = get_object_or_404(
        Notification.objects.select_related("released_by", "alarm").prefetch_related("attempts"), pk=pk
    )
    of_session = {"session": str(found.session_id)} if found.session_id else {}
    record(request, "notification.read", notification=str(found.pk), **of_session)
    (row,) = rows([found])
    context = {
        "row": row,
        "message": found,
        "life": life(found),
        "contact_form": links.contact_forms([found], request.user).get(pk, ""),
        "preview": links.preview(found, request.user),
        "query": request.GET.get("from", ""),
        "is_pane": bool(request.htmx),
    }
    return render(request, f"notifications/desk/{'pane' if request.htmx else 'message'}.html", context)
