"""The ledger for whoever checks it without us: the whole of it, or one chain, as a ZIP with its own verifier."""

from __future__ import annotations

from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from kyc import bundles
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.ledger_rows import chain, names
from kyc.desk.limits import limited
from kyc.desk.sensitive import sensitive_download
from kyc.models import LedgerHead, Seal

EXPORT = "kyc.export_ledgerentry"
LONGEST_CHAIN = 64


@require_safe
@never_cache
@requires(EXPORT)
def page(request: DeskRequest) -> HttpResponse:
    """Say what the bundle holds, how it is checked, and what it cannot show."""
    name = _chain(request.GET)
    context = {
        "chain": chain(name, names([name])) if name else None,
        "query": f"?{request.GET.urlencode()}" if name else "",
        "newest": Seal.objects.order_by("-number").first(),
    }
    return render(request, "desk/ledger/export.html", context)


@require_GET
@never_cache
@requires(EXPORT)
@sensitive_download
@limited("export")
def bundle(request: DeskRequest) -> StreamingHttpResponse:
    """Stream the bundle. The ledger has the export before its first byte leaves."""
    name = _chain(request.GET)
    record(request, "ledger.exported", of=name or None)
    answer = StreamingHttpResponse(
        bundles.stream(chains=[name] if name else None), content_type="application/zip"
    )
    what = f"-{name.replace(':', '-')}" if name else ""
    title = f"kyc-desk-ledger{what}-{timezone.localdate().isoformat()}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{title}"'
    return answer


def _chain(params: QueryDict) -> str:
    """Return the one chain that is asked for, which there is; an empty text for the whole ledger."""
    name = params.get("chain", "")
    if not name:
        return ""
    if len(name) > LONGEST_CHAIN or "\x00" in name or not LedgerHead.objects.filter(pk=name).exists():
        raise Http404
    return name
