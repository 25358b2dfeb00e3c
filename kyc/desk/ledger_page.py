"""The ledger: every act and every read, newest first, for those who audit."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc.desk.access import DeskRequest, requires
from kyc.desk.cursors import without_cursor
from kyc.desk.filter_menus import span_chip
from kyc.desk.ledger_chips import chips, menus
from kyc.desk.ledger_filters import Filters
from kyc.desk.ledger_rows import chain, names, rows
from kyc.desk.limits import limited
from kyc.desk.paging import paginate
from kyc.models.ledger import COMMONPLACE

VIEW = "kyc.view_ledgerentry"


@require_safe
@never_cache
@requires(VIEW)
@limited("search")
def page(request: DeskRequest) -> HttpResponse:
    """Show a page of the entries. They hold ids, codes and digests, and no subject's data."""
    filters = Filters.read(request.GET)
    listed = paginate(filters.rows(), request.GET)
    known = menus()
    named = names([filters.chain, *(row.chain for row in listed.rows)])
    shown = chips(request.GET, filters, known)
    span = span_chip(request.GET, pgettext("filter of the ledger", "Day"), filters.span)
    context = {
        "filters": filters,
        "chain": chain(filters.chain, named) if filters.chain else None,
        "commonplace": COMMONPLACE,
        "page": listed,
        "rows": rows(listed.rows, named),
        "chips": shown,
        "span": span,
        "n_set": sum(bool(chip.value) for chip in (*shown, span)),
        "query": without_cursor(request.GET).urlencode(),
    }
    return render(request, "desk/ledger/page.html", context)
