"""The queue: sessions in REVIEW, most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc.choices import FacetKind
from kyc.desk import empty, search
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.chips import chips, dates_chip
from kyc.desk.filters import SORT_NAMES, Filters
from kyc.desk.paging import paginate, without_cursor
from kyc.desk.rows import rows
from kyc.desk.stats import stats
from kyc.desk.tabs import tabs
from kyc.models import Session
from kyc.querysets import CAP, SessionQuerySet


@require_safe
@never_cache
@requires("kyc.view_session")
def page(request: DeskRequest) -> HttpResponse:
    """Show a page of the queue, or open the one session that the search names."""
    now = timezone.now()
    text = request.GET.get("q", "").strip()
    meaning = search.meaning(text) if text else None
    if isinstance(meaning, search.TheSession):
        return redirect("session", meaning.pk)
    filters = Filters.read(request.GET)
    sessions, keys = found(filters, meaning, now)
    listed = paginate(sessions, keys, request.GET)
    numbers = stats(request.user, now)
    menus, dates = chips(request.GET, filters, numbers), dates_chip(request.GET, filters)
    context = {
        "text": text,
        "meaning": type(meaning).__name__ if meaning else "",
        "filters": filters,
        "page": listed,
        "rows": rows(listed.rows),
        "stats": numbers,
        "desk_queue_count": numbers.n_all,
        "tabs": tabs(filters, numbers),
        "chips": menus,
        "dates": dates,
        "n_set": sum(bool(chip.value) for chip in menus) + bool(dates.value),
        "sorts": SORT_NAMES,
        "target_hours": int(settings.KYC_REVIEW_SLA.total_seconds() // 3600),
        "due_soon": settings.KYC_DUE_SOON,
        "since": (numbers.newest or now).isoformat(),
        "query": without_cursor(request.GET).urlencode(),
        "sort_name": SORT_NAMES[filters.sort].lower(),
    }
    if not listed.rows:
        context["empty"] = empty.why(text, meaning, filters, numbers)
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
    n_new = Filters.read(request.GET).filtered(came, timezone.now()).capped_count()
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
    session = get_object_or_404(Session, pk=pk)
    record(request, "session.previewed", session=str(session.pk))
    (row,) = rows([session])
    context = {"row": row, "session": session, "query": request.GET.get("from", "")}
    return render(request, "desk/queue/peek.html", context)


def found(
    filters: Filters, meaning: search.Meaning | None, now: datetime
) -> tuple[SessionQuerySet, Sequence[str]]:
    """Return the sessions to list, and the keys to page them by."""
    queue: SessionQuerySet = Session.objects.in_review()
    match meaning:
        case search.Unknown():
            return queue.none(), filters.keys
        case search.TheSubject():
            return Session.objects.filter(meaning.holds), ("-state_since", "-id")
        case search.Prefix():
            queue = queue.filter(meaning.holds)
        case search.Code():
            filters, queue = filters.narrowed(FacetKind.CODE, meaning.code, queue)
    return filters.ordered(queue, now), filters.keys
