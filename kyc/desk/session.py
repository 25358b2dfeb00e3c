"""The session page: every fact that arrived about one verification attempt, and what became of it here."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.db.models import Q, prefetch_related_objects
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc import folding, review
from kyc.choices import CorrectionTarget, EntityType
from kyc.desk import bodies, conflicts, evidence, story, timeline
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.neighbours import way
from kyc.desk.opening import Opening, Typed
from kyc.desk.others import of_subject
from kyc.desk.panel import Panel, build
from kyc.desk.story import Line
from kyc.desk.timeline import Span
from kyc.models import Contact, Correction, Decision, Delivery, Enquiry, Session, User
from kyc.projection import Fact, fold
from kyc.querysets import CappedCount
from kyc.ralio.bodies import veiled
from kyc.review import Seen
from kyc.sla import clock

PAGE_OF_DELIVERIES = 25
LONGEST_ID = 18
A_MINUTE = timedelta(minutes=1)


@require_safe
@never_cache
@requires("kyc.view_session")
def session_page(request: DeskRequest, pk: UUID) -> HttpResponse:
    """Show a session. `before` (a delivery's id) pages its deliveries; `checks=all` shows more than fits a page."""
    return show(request, pk)


def show(request: DeskRequest, pk: UUID, typed: Typed | None = None, *, status: int = 200) -> HttpResponse:
    """Show a session, with what its reader typed and could not be done. `status` gives way to 409 where it changed.

    Its holder's claim is renewed: a page that is opened is in use.
    """
    # The frame shows how long the queue is, and takes no query of its own for it.
    counted = Session.objects.annotate(n_queue=CappedCount(Session.objects.in_review()))
    session = get_object_or_404(counted.select_related("decided_by"), pk=pk)
    record(request, "session.read", session=str(session.pk))
    _keep_claim(session, request.user)
    opening = Opening(request.user, typed or Typed(), request.GET.get("code", ""))
    before = _delivery_id(request.GET.get("before", ""))
    context = dossier(session, opening, before=before, is_all_checks=request.GET.get("checks") == "all")
    context["desk_queue_count"] = session.n_queue  # type: ignore[attr-defined] # annotated
    context["way"] = way(session, request.POST.get("from") or request.GET.get("from", ""), request.user)
    panel = context["panel"]
    assert isinstance(panel, Panel)  # noqa: S101 - for the type checker
    if panel.conflict is not None and status != HTTPStatus.FORBIDDEN:
        status = HTTPStatus.CONFLICT
    return render(request, "desk/session/page.html", context, status=status)


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


def _keep_claim(session: Session, person: User) -> None:
    """Begin the person's own lease anew, at most once a minute and in time for a short one."""
    until, lease = session.claimed_until, settings.KYC_CLAIM
    is_begun = until is not None and until < timezone.now() + lease - min(A_MINUTE, lease / 2)
    if session.assignee_id == person.pk and is_begun:
        session.claimed_until = review.renew(session.pk, by=person) or until


def dossier(
    session: Session, opening: Opening, *, before: int | None, is_all_checks: bool
) -> dict[str, object]:
    """Return what the session's page shows, in a number of queries that does not grow with the session."""
    pencil = Pencil()
    facts = sorted(folding.facts(session), key=lambda fact: fact.order, reverse=True)
    corrections = list(session.corrections.select_related("by").order_by("id"))
    sets, n_sets_left_out = evidence.check_sets(session, facts, corrections, pencil, is_all=is_all_checks)
    rows, span, older = _deliveries(session, before)
    raw = sorted([*rows, *bodies.conflicts(rows)], key=lambda row: row.pk, reverse=True)
    deliveries = bodies.deliveries(raw, _newest_event(session, facts), pencil)
    records, has_more_records = bodies.records(session, pencil)
    prefetch_related_objects([session], "notifications__attempts")
    decisions = list(
        session.decisions.select_related("maker", "checker", "addressee", "undone_by").order_by("id")
    )
    notes = list(session.notes.select_related("by").order_by("id"))
    lines = story.lines(session)
    people = story.names(lines, [opening.person])
    mails = session.notifications.all()
    days = timeline.days(deliveries, corrections, decisions, notes, mails, lines, people, span)
    contacts = _contacts(session)
    return {
        "session": session,
        "panel": _panel(session, opening, facts, decisions, sets, lines),
        "facts": facts,
        "api_events": {str(fact.event_id) for fact in facts if fact.is_api},
        "is_inferred": _is_entity_inferred(session, facts, corrections, rows),
        "corrected": _corrected_fields(session, corrections),
        "sets": sets,
        "n_sets_left_out": n_sets_left_out,
        "since": evidence.since_review(sets, folding.opened_by(facts, decisions)) if len(sets) > 1 else None,
        "enquiry": None if sets else _enquiry(session),
        "others": of_subject(session, sets[0].codes if sets else ()),
        "records": records,
        "has_more_records": has_more_records,
        "contacts": contacts,
        "is_reachable": any(contact.email for contact in contacts),
        "days": days,
        "kinds": timeline.kinds(days),
        "deliveries": deliveries,
        "before": before,
        "older": older,
    }


def _panel(
    session: Session,
    opening: Opening,
    facts: list[Fact],
    decisions: list[Decision],
    sets: list[evidence.CheckSet],
    lines: list[Line],
) -> Panel:
    basis = fold(facts, clock=clock()).basis
    assert basis is not None, "There is an event in every session."  # noqa: S101
    now, typed = Seen(session.version, basis), opening.typed
    conflict = None
    if typed.seen is not None or typed.refusal:
        conflict = conflicts.since(typed.seen or now, now, facts, lines, typed.refusal)
    return build(session, opening, now, decisions, sets, story.held_since(lines), conflict)


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


def _is_entity_inferred(
    session: Session, facts: list[Fact], corrections: list[Correction], rows: list[Delivery]
) -> bool:
    """Return True when the entity was read off the ids: the newest event that names a subject sent no entityType.

    `rows` are deliveries at hand; that event is mostly among them.
    """
    named = [fact for fact in facts if fact.user_id or fact.related_party_id]
    # As the fold has it: what was sent before what the API said.
    naming = next((fact.delivery for fact in sorted(named, key=lambda fact: fact.is_api)), None)
    is_corrected = "entity_type" in _corrected_fields(session, corrections)
    if naming is None or is_corrected or session.entity_type == EntityType.UNKNOWN:
        return False
    at_hand = next((row for row in rows if row.pk == naming), None)
    return bodies.is_entity_inferred(
        at_hand or session.deliveries.with_short_bodies(bodies.LONGEST_BODY).get(pk=naming)
    )


def _corrected_fields(session: Session, corrections: list[Correction]) -> dict[str, Correction]:
    """Return the last correction of each of the session's own fields that holds; a due time's holds for its round."""
    own = (row for row in corrections if row.target == CorrectionTarget.SESSION)
    return {row.field: row for row in own if row.field != "due_at" or row.round == session.round}


def _contacts(session: Session) -> list[Contact]:
    user = Q(entity_type=EntityType.USER, subject_id=session.user_id)
    party = Q(entity_type=EntityType.RELATED_PARTY, subject_id=session.related_party_id)
    return list(Contact.objects.filter(user | party).order_by("entity_type"))
