"""One delivery, or one refused request: a pane beside the list where htmx asks, a page of its own otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from kyc.choices import DeliveryStatus, QuarantineCause, RefusalCause
from kyc.desk import deliveries_body as kept
from kyc.desk import unmasking
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.bodies import LONGEST_BODY, short_body
from kyc.desk.deliveries_changes import change, entries
from kyc.desk.deliveries_rows import (
    REPLAYABLE,
    answer,
    last_events,
    newest_in,
    origins,
    refused_answer,
    sessions_of,
)
from kyc.desk.masking import Sight, may_see, of_delivery, of_refused, sight
from kyc.desk.together import Answer, Together
from kyc.models import Delivery, Enquiry, RefusedRequest, Session
from kyc.models.deliveries import CONFLICTING, OWNS_EVENT_ID

MOST_SESSIONS, MOST_CONFLICTS = 10, 10


@dataclass(frozen=True, slots=True)
class Place:
    """What an applied delivery is to its session today."""

    is_newest: bool
    is_evidence: bool

    @property
    def is_superseded(self) -> bool:
        return not self.is_newest and not self.is_evidence


@require_safe
@never_cache
@vary_on_headers("HX-Request")
@requires("kyc.view_delivery")
def delivery(request: DeskRequest, pk: int) -> HttpResponse:
    """Show a delivery; its body is personal, so that the ledger has the read."""
    rows = Delivery.objects.select_related("session", "last_replay_by").with_short_bodies(LONGEST_BODY)
    row = get_object_or_404(rows, pk=pk)
    record(request, "delivery.read", delivery=row.pk, **_of_session(row))
    seen = sight(request, *of_delivery(row))
    context = {"row": row, "sight": seen, "unmask": unmasking.of_delivery(row), **about(row, seen)}
    return _answer(request, "delivery", context)


@require_safe
@never_cache
@requires("kyc.view_delivery")
def delivery_raw(request: DeskRequest, pk: int) -> HttpResponse:
    """Answer a delivery's bytes as a file. The ledger has the read before its first byte leaves."""
    row = get_object_or_404(Delivery, pk=pk)
    if row.status == DeliveryStatus.IGNORED:
        raise Http404
    if not may_see(request, *of_delivery(row)):
        return unmasking.refused(request, unmasking.of_delivery(row))
    record(request, "delivery.downloaded", delivery=row.pk, **_of_session(row))
    return kept.download(row.body, f"delivery-{row.pk}")


@require_safe
@never_cache
@vary_on_headers("HX-Request")
@requires("kyc.view_refusedrequest")
def refused(request: DeskRequest, pk: int) -> HttpResponse:
    """Show a refused request. Nobody vouches for what it says."""
    row = get_object_or_404(kept.with_short_body(RefusedRequest.objects.all()), pk=pk)
    record(request, "refused_request.read", refused_request=row.pk)
    seen = sight(request, of_refused(row))
    context = {
        "row": row,
        "sight": seen,
        "unmask": unmasking.of_refused(row),
        "answer": refused_answer(row),
        "body": kept.shown(row, is_masked=seen.is_masked) if row.n_kept_bytes else None,
        "has_body": bool(row.n_kept_bytes),
        "is_replayable": row.delivery_id is None and row.cause == RefusalCause.SIGNATURE_WRONG,
    }
    return _answer(request, "refused", context)


@require_safe
@never_cache
@requires("kyc.view_refusedrequest")
def refused_raw(request: DeskRequest, pk: int) -> HttpResponse:
    """Answer a refused request's bytes as a file. The ledger has the read before its first byte leaves."""
    row = get_object_or_404(RefusedRequest, pk=pk, n_kept_bytes__gt=0)
    if not may_see(request, of_refused(row)):
        return unmasking.refused(request, unmasking.of_refused(row))
    record(request, "refused_request.downloaded", refused_request=row.pk)
    return kept.download(row.body, f"refused-request-{row.pk}")


def about(row: Delivery, seen: Sight) -> dict[str, Any]:
    """Return what a page says of a delivery to this sight. One statement."""
    asked, session = Together(), row.session if row.status == DeliveryStatus.APPLIED else None
    is_conflict = row.cause == QuarantineCause.ID_CONFLICT
    has_body = row.status != DeliveryStatus.IGNORED
    is_record = row.status == DeliveryStatus.RECORDED and (row.user_id or row.related_party_id)
    origin_of = asked.add(origins([row.pk]))
    last = asked.add(last_events([session.pk])) if session else None
    told: Any = asked.add(entries(session.pk)) if session else None
    is_asking = session is not None and not row.n_checks
    enquiry = asked.add(Enquiry.objects.filter(delivery=row)) if is_asking else Answer[Enquiry]([])
    sessions = asked.add(sessions_of(row, most=MOST_SESSIONS)) if is_record else Answer[Session]([])
    others = asked.add(_same_event(row, is_conflict=is_conflict))
    asked.ask()
    # The first of them, should a replay have taken several.
    origin = next(reversed(origin_of.rows), None)
    places = kept.places(row.faults, short_body(row), is_conflict=is_conflict)
    return {
        "origin": origin,
        "answer": answer(row, origin),
        "place": _place(row, session, newest_in(last.rows)) if session and last else None,
        "change": change(row, told.rows) if told else None,
        "enquiry": enquiry.first,
        "is_record": row.status == DeliveryStatus.RECORDED,
        "sessions": sessions.rows,
        "others": others.rows,
        "is_conflict": is_conflict,
        "faults": row.faults[: kept.MOST_FAULTS],
        "n_more_faults": max(0, len(row.faults) - kept.MOST_FAULTS),
        "body": kept.shown(row, places, is_masked=seen.is_masked) if has_body else None,
        "has_body": has_body,
        "is_replayable": row.status in REPLAYABLE,
    }


def _of_session(row: Delivery) -> dict[str, str]:
    """Return what a read's entry says of the session that it is a part of, which is asked who read it."""
    return {"session": str(row.session_id)} if row.session_id else {}


def _place(row: Delivery, session: Session, newest: Mapping[UUID, int]) -> Place:
    return Place(newest.get(session.pk, row.pk) == row.pk, session.evidence_id == row.pk)


def _same_event(row: Delivery, *, is_conflict: bool) -> QuerySet[Delivery]:
    """Return the deliveries of the same event id with another content: the first one, or those that came after it."""
    if row.event_id is None or (row.status == DeliveryStatus.QUARANTINED and not is_conflict):
        return Delivery.objects.none()
    others = Delivery.objects.filter(OWNS_EVENT_ID if is_conflict else CONFLICTING, event_id=row.event_id)
    return others.only("pk", "event_name", "received_at").order_by("-pk")[:MOST_CONFLICTS]


def _answer(request: DeskRequest, what: str, context: dict[str, Any]) -> HttpResponse:
    context |= {"what": what, "query": request.GET.get("from", ""), "is_pane": bool(request.htmx)}
    return render(request, f"desk/deliveries/{'pane' if request.htmx else 'detail'}.html", context)
