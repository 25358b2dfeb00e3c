"""The session page: every fact that arrived about one verification attempt, and what became of it here."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, prefetch_related_objects
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc import folding
from kyc.choices import CorrectionTarget, EntityType
from kyc.desk import bodies, evidence, timeline
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.neighbours import way
from kyc.desk.others import of_subject
from kyc.desk.timeline import Span
from kyc.models import Contact, Correction, Delivery, Enquiry, Session
from kyc.projection import Fact
from kyc.ralio.bodies import veiled

PAGE_OF_DELIVERIES = 25
LONGEST_ID = 18


@require_safe
@never_cache
@requires("kyc.view_session")
def session_page(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Show a session. `before` (a delivery's id) pages its deliveries; `checks=all` shows more than fits a page."""
    session = get_object_or_404(Session.objects.select_related("decided_by"), pk=pk)
    record(request, "session.read", session=str(session.pk))
    before = _delivery_id(request.GET.get("before", ""))
    context = dossier(session, before=before, is_all_checks=request.GET.get("checks") == "all")
    context["way"] = way(session, request.GET.get("from", ""))
    return render(request, "desk/session/page.html", context)


@require_safe
@never_cache
@requires("kyc.view_session")
def delivery_body(request: DeskRequest, pk: UUID, delivery_id: int) -> HttpResponse:
    """Answer a delivery's bytes as plain text, exact but for the subject's personal link."""
    session = get_object_or_404(Session, pk=pk)
    delivery = get_object_or_404(Delivery, pk=delivery_id)
    if not bodies.concerns(delivery, session):
        raise Http404
    record(request, "delivery.read", session=str(session.pk), delivery=delivery.pk)
    answer = HttpResponse(veiled(bytes(delivery.body)), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{session.pk}-{delivery.pk}.json"'
    return answer


def dossier(session: Session, *, before: int | None, is_all_checks: bool) -> dict[str, object]:
    """Return what the session's page shows, in a number of queries that does not grow with the session."""
    pencil = Pencil()
    facts = sorted(folding.facts(session), key=lambda fact: fact.order, reverse=True)
    corrections = list(session.corrections.select_related("by").order_by("id"))
    sets, n_sets_left_out = evidence.check_sets(facts, corrections, pencil, is_all=is_all_checks)
    rows, span, older = _deliveries(session, before)
    raw = sorted([*rows, *bodies.conflicts(rows)], key=lambda row: row.pk, reverse=True)
    deliveries = bodies.deliveries(raw, _newest_event(session, facts), pencil)
    records, has_more_records = bodies.records(session, pencil)
    prefetch_related_objects([session], "notifications__attempts")
    days = timeline.days(session, deliveries, corrections, session.notifications.all(), span)
    return {
        "session": session,
        "facts": facts,
        "api_events": {str(fact.event_id) for fact in facts if fact.is_api},
        "is_inferred": _is_entity_inferred(session, facts, corrections),
        "corrected": _corrected_fields(session, corrections),
        "sets": sets,
        "n_sets_left_out": n_sets_left_out,
        "enquiry": None if sets else _enquiry(session),
        "others": of_subject(session),
        "records": records,
        "has_more_records": has_more_records,
        "contacts": _contacts(session),
        "days": days,
        "kinds": timeline.kinds(days),
        "deliveries": deliveries,
        "before": before,
        "older": older,
    }


def _newest_event(session: Session, facts: list[Fact]) -> int | None:
    """Return the delivery of the newest event that counts: what the API said may stand aside."""
    last = (session.last_event_at, session.provider_state)
    return next((fact.delivery for fact in facts if (fact.at, fact.state) == last), None)


def _enquiry(session: Session) -> Enquiry | None:
    """Return the newest question to Ralio's API for the session's checks."""
    return Enquiry.objects.filter(delivery__session=session).order_by("-pk").first()


def _delivery_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None


def _deliveries(session: Session, before: int | None) -> tuple[list[Delivery], Span, int | None]:
    """Return one page of the session's deliveries, newest first, the time it spans, and where the next page begins."""
    found = session.deliveries.with_short_bodies(bodies.LONGEST_BODY).order_by("-id")
    until = None
    if before is not None:
        found = found.filter(pk__lt=before)
        until = session.deliveries.filter(pk=before).values_list("received_at", flat=True).first()
    rows = list(found[: PAGE_OF_DELIVERIES + 1])
    if len(rows) <= PAGE_OF_DELIVERIES:
        return rows, Span(None, until), None
    rows.pop()
    return rows, Span(rows[-1].received_at, until), rows[-1].pk


def _is_entity_inferred(session: Session, facts: list[Fact], corrections: list[Correction]) -> bool:
    """Return True when the entity was read off the ids: the newest event that names a subject sent no entityType."""
    named = [fact for fact in facts if fact.user_id or fact.related_party_id]
    # As the fold has it: what was sent before what the API said.
    naming = next((fact.delivery for fact in sorted(named, key=lambda fact: fact.is_api)), None)
    is_corrected = "entity_type" in _corrected_fields(session, corrections)
    if naming is None or is_corrected or session.entity_type == EntityType.UNKNOWN:
        return False
    return bodies.is_entity_inferred(session.deliveries.with_short_bodies(bodies.LONGEST_BODY).get(pk=naming))


def _corrected_fields(session: Session, corrections: list[Correction]) -> dict[str, Correction]:
    """Return the last correction of each of the session's own fields that holds; a due time's holds for its round."""
    own = (row for row in corrections if row.target == CorrectionTarget.SESSION)
    return {row.field: row for row in own if row.field != "due_at" or row.round == session.round}


def _contacts(session: Session) -> list[Contact]:
    user = Q(entity_type=EntityType.USER, subject_id=session.user_id)
    party = Q(entity_type=EntityType.RELATED_PARTY, subject_id=session.related_party_id)
    return list(Contact.objects.filter(user | party).order_by("entity_type"))
