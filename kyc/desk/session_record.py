"""A session's whole file, to be printed: every fact, act, read and message, and the proof that the ledger has of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from kyc.desk import pdf as papers
from kyc.desk import reading
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.limits import limited
from kyc.desk.masking import of_session, sight
from kyc.desk.opening import Opening
from kyc.desk.record_reading import whole
from kyc.desk.sensitive import sensitive_download
from kyc.desk.session import dossier

PRINT = "kyc.print_session"
STYLES = ("desk/record-paper.css", "desk/record.css")
# Laying out takes seconds and memory that grow with the text; what is longer the browser prints.
LONGEST_PAPER = 600_000


@require_safe
@never_cache
@requires(PRINT)
def page(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Show the record as a page to be printed."""
    return _page(request, _context(request, pk, "page"))


@require_GET
@never_cache
@requires(PRINT)
@sensitive_download
@limited("export")
def pdf(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Answer the record as a PDF; where this machine can make none, the page, which says so."""
    context = _context(request, pk, "pdf")
    html = render_to_string("desk/record/paper.html", context, request)
    if len(html) > LONGEST_PAPER:
        return _page(request, {**context, "no_pdf": "long"})
    try:
        made = papers.write(html, *STYLES)
    except papers.Unavailable:
        return _page(request, {**context, "no_pdf": "missing"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer = HttpResponse(made, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="session-{pk}.pdf"'
    return answer


def _page(
    request: DeskRequest, context: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    return render(request, "desk/record/page.html", context, status=status)


def _context(request: DeskRequest, pk: UUID, form: str) -> dict[str, Any]:
    """Return all that the record says to this reader. The ledger has the reading first, and so has the record."""
    own = reading.own(pk, None)
    if own is None:
        raise Http404
    record(request, "session.printed", session=str(pk), form=form)
    seen, opening = sight(request, of_session(pk)), Opening(request.user)
    around = reading.around(own, opening, "", is_all=True)
    context = dossier(own, around, opening, seen)
    context["whole"] = whole(own, Pencil(is_masked=seen.is_masked))
    context["decisions"], context["notes"] = own.decisions, own.notes
    context["corrections"] = own.corrections
    context["desk_queue_count"] = own.session.n_queue  # type: ignore[attr-defined] # annotated
    return context
