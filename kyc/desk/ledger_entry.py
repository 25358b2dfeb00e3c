"""One entry of the ledger: a pane beside the list where htmx asks, a page of its own otherwise; and its chain verified."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from kyc import ledger
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.ledger_page import VIEW
from kyc.desk.ledger_rows import chain, names
from kyc.desk.limits import limited
from kyc.models import LedgerEntry, LedgerHead, Seal
from kyc.verifier import Break

LONGEST_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """How a chain stood when it was verified: up to which entry, and which seal covers its last sealed one."""

    chain: str
    head: LedgerHead | None
    found: Break | None
    seal: Seal | None
    at: datetime

    @property
    def holds(self) -> bool:
        return self.found is None


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
    """Verify one chain, from its first entry to its head, and say what was found."""
    name = request.POST.get("chain", "")
    if not name or len(name) > LONGEST_CHAIN or "\x00" in name:
        raise Http404
    proof = prove(name)
    record(
        request, "ledger.verified", of=name, entries=proof.head.seq if proof.head else 0, holds=proof.holds
    )
    context = {"proof": proof, "chain": chain(name, names([name])), "query": request.POST.get("from", "")}
    return render(request, "desk/ledger/verified.html", context)


def prove(name: str) -> Proof:
    """Verify a chain, and return how it stands."""
    found = ledger.verify_chain(name)
    head = LedgerHead.objects.filter(pk=name).first()
    if head is None and found is None:
        raise Http404
    sealed = Seal.objects.filter(heads__chain=name).order_by("-heads__seq").first()
    return Proof(name, head, found, sealed, timezone.now())


def covering(name: str, seq: int) -> Seal | None:
    """Return the first seal that covers an entry. One query."""
    return Seal.objects.filter(heads__chain=name, heads__seq__gte=seq).order_by("heads__seq").first()


def _links(text: str) -> dict[str, UUID | int]:
    """Return the rows that an entry's detail names and that have a page."""
    try:
        detail = json.loads(text)
    except ValueError:
        return {}
    named = detail if isinstance(detail, dict) else {}
    found: dict[str, UUID | int] = {}
    for name in ("session", "notification"):
        with suppress(ValueError):
            found[name] = UUID(str(named.get(name)))
    delivery = named.get("delivery")
    return found | {"delivery": delivery} if type(delivery) is int and delivery > 0 else found
