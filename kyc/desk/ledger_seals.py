"""The ledger's seals: each with what it covers, whether it holds, and how it compares with the one that left the house."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kyc import sealing, verifier
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.ledger_proof import MOST_VERIFIED
from kyc.desk.limits import limited
from kyc.desk.paging import Listing, paginate
from kyc.models import Seal

VIEW = "kyc.view_seal"
NEWEST_FIRST = ("-number",)


@dataclass(frozen=True, slots=True)
class ShownSeal:
    """A seal and how it stands by itself and to the one before; what its heads say takes reading them all."""

    seal: Seal
    is_own_hash: bool
    follows: bool

    @property
    def holds(self) -> bool:
        return self.is_own_hash and self.follows


@require_safe
@never_cache
@requires(VIEW)
def seals(request: DeskRequest) -> HttpResponse:
    """Show a page of the seals, newest first."""
    listed = paginate(Listing([Seal.objects.all()], NEWEST_FIRST), request.GET)
    context = {"page": listed, "rows": _shown(listed.rows)}
    return render(request, "desk/ledger/seals.html", context)


@require_safe
@never_cache
@requires(VIEW)
def seal(request: DeskRequest, number: int) -> HttpResponse:
    """Show a seal. `hash` is what somebody outside holds of it, to be compared."""
    return _page(request, number)


@require_POST
@never_cache
@requires(VIEW)
@limited("search")
def verify(request: DeskRequest, number: int) -> HttpResponse:
    """Hash again all that the seal names, and say whether it comes to the same, or that it is too much for a page."""
    row = get_object_or_404(Seal, pk=number)
    if row.heads.order_by("pk")[MOST_VERIFIED:].exists():
        record(request, "seal.verified", seal=row.number, holds=None)
        return _page(request, number, is_too_long=True)
    agrees = sealing.heads_digest(row).comes_to(row.heads_digest)
    record(request, "seal.verified", seal=row.number, holds=agrees and _shown([row])[0].holds)
    return _page(request, number, agrees=agrees)


def _page(
    request: DeskRequest, number: int, *, agrees: bool | None = None, is_too_long: bool = False
) -> HttpResponse:
    row = get_object_or_404(Seal, pk=number)
    (shown,) = _shown([row])
    text = "".join(request.GET.get("hash", "").split()).lower()
    context = {
        "shown": shown,
        "seal": row,
        "agrees": agrees,
        "is_too_long": is_too_long,
        "most": MOST_VERIFIED,
        "compared": text,
        "is_same": bool(text) and hmac.compare_digest(text.encode(), row.hash.encode()),
    }
    return render(request, "desk/ledger/seal.html", context)


def _shown(rows: Sequence[Seal]) -> list[ShownSeal]:
    """Return seals as shown, each beside the one before it. One query."""
    wanted = [row.number - 1 for row in rows]
    before = dict(Seal.objects.filter(pk__in=wanted).values_list("number", "hash"))
    return [
        ShownSeal(
            row,
            verifier.seal_hash(sealing.as_hashed(row)) == row.hash,
            row.previous_hash == (verifier.GENESIS if row.number == 1 else before.get(row.number - 1)),
        )
        for row in rows
    ]
