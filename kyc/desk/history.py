"""The history: every REJECTED session with the codes that explain why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from django.db.models import Q
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from kyc import ledger
from kyc.desk import search
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.cursors import without_cursor
from kyc.desk.exports import csv_lines
from kyc.desk.histogram import histogram
from kyc.desk.limits import limited
from kyc.desk.paging import Listing, Page, paginate
from kyc.desk.rejection_menus import facets
from kyc.desk.rejection_rows import rejections
from kyc.desk.rejections import ALL, CODE, PRESETS, SORTS, Filters, Span
from kyc.desk.sensitive import sensitive_download
from kyc.languages import whole
from kyc.models import ReasonCode, Session
from kyc.models.digests import text_digest
from kyc.templatetags.desk import capped

MOST_REASONS = 50
# A longer code is in the ledger as its digest only.
LONGEST_IN_LEDGER = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URL of the history asks for, its search included."""

    filters: Filters
    text: str
    meaning: search.Meaning | None

    @classmethod
    def read(cls, params: QueryDict) -> Asked:
        """Return what is asked for, after at most three queries."""
        filters, text = Filters.read(params), params.get("q", "").strip()
        meaning = _meaning(text) if text else None
        match meaning:
            case search.TheSession():
                filters = filters.with_ids(Q(pk=meaning.pk))
            case search.TheSubject() | search.Prefix():
                filters = filters.with_ids(meaning.holds)
            case search.Code():
                filters = filters.with_code(meaning.code)
            case search.Unknown():
                filters = filters.with_ids(Q(pk__in=[]))
        return cls(filters, text, meaning)


@require_safe
@never_cache
@requires("kyc.view_session")
@limited("search")
def history(request: DeskRequest) -> HttpResponse:
    """Show a page of the history, or open the one session that the search names."""
    asked = Asked.read(request.GET)
    if isinstance(asked.meaning, search.TheSession):
        return redirect("session", asked.meaning.pk)
    filters = asked.filters
    page = paginate(Listing([filters.ordered().select_related("decided_by")], filters.keys), request.GET)
    chart = histogram(filters)
    n_counted = chart.total if chart else _counted(filters, page)
    context = {
        "text": asked.text,
        "meaning": type(asked.meaning).__name__ if asked.meaning else "",
        "filters": filters,
        "page": page,
        "rows": rejections(page.rows, most_reasons=MOST_REASONS),
        "chart": chart,
        "n_counted": n_counted,
        "n_found": whole(n_counted) if chart else capped(n_counted),
        "facets": facets(filters, chart),
        "spans": _spans(request.GET, filters.span),
        "asked_days": request.GET.get("days", ""),
        "sorts": SORTS,
        "query": without_cursor(request.GET).urlencode(),
    }
    return render(request, "desk/history/page.html", context)


def _counted(filters: Filters, page: Page[Session]) -> int:
    """Return how many the filters let through, capped; what is rare is not looked for a second time to be counted."""
    is_whole = page.previous is None and page.next is None
    return len(page.rows) if is_whole else filters.ordered().capped_count()


@require_GET
@never_cache
@requires("kyc.export_session")
@sensitive_download
@limited("export")
def history_export(request: DeskRequest) -> StreamingHttpResponse:
    """Stream the filtered history as CSV. The ledger has the export before its first byte leaves."""
    filters = Asked.read(request.GET).filters
    record(request, "history.exported", **_told(request.GET, filters))
    answer = StreamingHttpResponse(csv_lines(filters), content_type="text/csv; charset=utf-8")
    name = f"rejected-sessions-{timezone.localdate().isoformat()}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _meaning(text: str) -> search.Meaning:
    """Return what a search means here, where every code that was ever sent counts."""
    digests = {text_digest(text): text, text_digest(text.upper()): text.upper()}
    known = set(ReasonCode.objects.filter(digest__in=list(digests)).values_list("digest", flat=True))
    code = next((search.Code(code) for digest, code in digests.items() if digest in known), None)
    return code or search.meaning(text)


@dataclass(frozen=True, slots=True)
class SpanLink:
    label: str
    query: str
    is_current: bool


def _spans(params: QueryDict, span: Span) -> list[SpanLink]:
    """Return the links to other spans of days, everything else being equal."""
    kept = without_cursor(params)
    for name in ("days", "from", "to"):
        kept.pop(name, None)
    wanted = [
        (ngettext("%(n)d day", "%(n)d days", days) % {"n": days}, str(days), span.days == days)
        for days in PRESETS
    ]
    wanted.append((pgettext("days", "All"), ALL, span.is_all))
    links = []
    for label, days, is_current in wanted:
        query = kept.copy()
        query["days"] = days
        links.append(SpanLink(label, query.urlencode(), is_current))
    return links


def _told(params: QueryDict, filters: Filters) -> dict[str, ledger.Detail]:
    """Return what the ledger may hold of the filter: days, codes that exist, and digests of what else a URL says."""
    said = {name: params.getlist(name) for name in sorted(params)}
    digests = {text_digest(code) for code in filters.chosen.get(CODE, ())} | {filters.searched} - {None}
    known = (
        ReasonCode.objects.filter(digest__in=list(digests)).order_by("code").values_list("code", flat=True)
    )
    codes: list[ledger.Detail] = [
        code if len(code) <= LONGEST_IN_LEDGER else str(text_digest(code)) for code in known
    ]
    return {
        "filter": sha256(json.dumps(said).encode("ascii")).hexdigest(),
        "codes": codes,
        "entities": list(filters.entities),
        "deciders": list(filters.deciders),
        "since": filters.span.since.isoformat() if filters.span.since else None,
        "until": filters.span.until.isoformat() if filters.span.until else None,
    }
