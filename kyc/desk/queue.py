"""The queue: sessions in REVIEW, most urgent first."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc.desk import empty, search
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.asking import Asked
from kyc.desk.chips import chips, dates_chip
from kyc.desk.cursors import without_cursor
from kyc.desk.facets import menus
from kyc.desk.filters import SORT_NAMES, Filters
from kyc.desk.limits import limited
from kyc.desk.paging import Listing, paginate
from kyc.desk.rows import Reader, rows, shown
from kyc.desk.saved_views import saved_views
from kyc.desk.stats import stats
from kyc.desk.tabs import tabs
from kyc.desk.team import team
from kyc.models import Session
from kyc.querysets import CAP


@require_safe
@never_cache
@requires("kyc.view_session")
@limited("search")
def page(request: DeskRequest) -> HttpResponse:
    """Show a page of the queue, or open the one session that the search names. At most ten queries, sign-in included."""
    now = timezone.now()
    asked = Asked.read(request.GET, request.user)
    if isinstance(asked.meaning, search.TheSession):
        return redirect("session", asked.meaning.pk)
    filters = asked.filters
    sessions, keys = asked.found(now)
    listed = paginate(Listing([shown(sessions)], keys), request.GET)
    saved = saved_views(request.user)
    people = team(now)
    counted = menus(filters.chosen)
    numbers = stats(request.user, now, saved, people.people, counted)
    chosen, dates = (
        chips(request.GET, filters, counted, numbers, people),
        dates_chip(request.GET, filters),
    )
    views = tabs(filters, numbers, saved)
    context = {
        "text": asked.text,
        "meaning": type(asked.meaning).__name__ if asked.meaning else "",
        "filters": filters,
        "page": listed,
        "rows": rows(listed.rows, Reader(request.user, now, people)),
        "stats": numbers,
        "desk_queue_count": numbers.n_all,
        "tabs": views,
        "chips": chosen,
        "dates": dates,
        "n_set": sum(bool(chip.value) for chip in chosen) + bool(dates.value),
        "sorts": SORT_NAMES,
        "target_hours": int(settings.KYC_REVIEW_SLA.total_seconds() // 3600),
        "due_soon": settings.KYC_DUE_SOON,
        "now": now,
        "since": (numbers.newest or now).isoformat(),
        "query": asked.query,
        "here": request.GET.urlencode(),
        "people": people.values(),
        "sort_name": str(SORT_NAMES[filters.sort]).lower(),
    }
    if not listed.rows:
        context["empty"] = empty.why(asked, numbers)
    return render(request, "desk/queue/page.html", context)


@require_safe
@never_cache
@requires("kyc.view_session")
def new_sessions(request: DeskRequest) -> HttpResponse:
    """Say how many sessions came to the filtered queue after `since`, or nothing when `shown` says as many."""
    try:
        since = parse_datetime(request.GET.get("since", ""))
    except ValueError:
        since = None
    if since is None or timezone.is_naive(since):
        return HttpResponse(status=204)
    came = Session.objects.in_review().filter(queued_at__gt=since)
    n_new = Filters.read(request.GET, request.user).filtered(came, timezone.now()).capped_count()
    if request.GET.get("shown", "0") == str(n_new):
        # The same words again would be read out again.
        return HttpResponse(status=204)
    query = without_cursor(request.GET)
    for name in ("since", "shown"):
        query.pop(name, None)
    return render(request, "desk/queue/new.html", {"n_new": n_new, "cap": CAP, "query": query.urlencode()})


@require_safe
@never_cache
@requires("kyc.view_session")
def peek(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Show a session beside the list."""
    now = timezone.now()
    session = get_object_or_404(shown(Session.objects.select_related("decided_by")), pk=pk)
    record(request, "session.previewed", session=str(session.pk))
    (row,) = rows([session], Reader(request.user, now, team(now)))
    context = {"row": row, "session": session, "query": request.GET.get("from", "")}
    return render(request, "desk/queue/peek.html", context)
