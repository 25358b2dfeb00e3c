"""One entry of the ledger: a pane beside the list where htmx asks, a page of its own otherwise; and its chain verified."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from kyc import ledger
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.ledger_details import members
from kyc.desk.ledger_page import VIEW
from kyc.desk.ledger_proof import covering, prove
from kyc.desk.ledger_rows import chain, names
from kyc.desk.limits import limited
from kyc.models import LedgerEntry

LONGEST_CHAIN = 64


@require_safe
@never_cache
@vary_on_headers("HX-Request")
@requires(VIEW)
def entry(request: DeskRequest, pk: int) -> HttpResponse:
    """Show an entry with its detail and its hashes."""
    row = get_object_or_404(LedgerEntry.objects.select_related("actor"), pk=pk)
    context = {
        "entry": row,
        "chain": chain(row.chain, names([row.chain])),
        "tree": Pencil().draw(row.detail, "detail"),
        "links": _links(row.detail),
        "is_own_hash": ledger.is_covered(row),
        "seal": covering(row.chain, row.seq),
        "query": request.GET.get("from", ""),
        "is_pane": bool(request.htmx),
    }
    return render(request, f"desk/ledger/{'pane' if request.htmx else 'entry'}.html", context)


@require_POST
@never_cache
@requires(VIEW)
@limited("search")
def verify(request: DeskRequest) -> HttpResponse:
    """Verify one chain, from its first entry to its head, and say what was found, or that it is too long for a page."""
    name = request.POST.get("chain", "")
    if not name or len(name) > LONGEST_CHAIN or "\x00" in name:
        raise Http404
    proof = prove(name)
    n_entries = proof.head.seq if proof.head else 0
    record(request, "ledger.verified", of=name, entries=n_entries, holds=proof.holds)
    context = {"proof": proof, "chain": chain(name, names([name])), "query": request.POST.get("from", "")}
    return render(request, "desk/ledger/verified.html", context)


def _links(text: str) -> dict[str, UUID | int]:
    """Return the rows that an entry's detail names and that have a page."""
    named = members(text) or {}
    found: dict[str, UUID | int] = {}
    for name in ("session", "notification"):
        with suppress(ValueError):
            found[name] = UUID(str(named.get(name)))
    delivery = named.get("delivery")
    return found | {"delivery": delivery} if type(delivery) is int and delivery > 0 else found
