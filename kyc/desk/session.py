"""The session page: every fact that arrived about one verification attempt, and what became of it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc import folding, review
from kyc.desk import bodies, conflicts, evidence, panel, reading, reasons, story, timeline, unmasking
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.jsontree import Pencil
from kyc.desk.masking import Sight, conceal, may_see, of_delivery, of_session, sight
from kyc.desk.neighbours import way
from kyc.desk.opening import Opening, Typed
from kyc.desk.others import of_subject
from kyc.desk.panel import Panel, Stand
from kyc.desk.reading import Around, Codes, Own
from kyc.models import Delivery, Session, User
from kyc.projection import Fact, fold
from kyc.ralio.bodies import veiled
from kyc.review import Seen
from kyc.sla import clock

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
    before = _delivery_id(request.GET.get("before", ""))
    own = reading.own(pk, before)
    if own is None:
        raise Http404
    record(request, "session.read", session=str(pk))
    _keep_claim(own.session, request.user)
    opening = Opening(request.user, typed or Typed(), request.GET.get("code", ""))
    came_from = request.POST.get("from") or request.GET.get("from", "")
    around = reading.around(own, opening, came_from, is_all=request.GET.get("checks") == "all")
    context = dossier(own, around, opening, sight(request, of_session(pk)))
    context["before"] = before
    context["desk_queue_count"] = own.session.n_queue  # type: ignore[attr-defined] # annotated
    context["way"] = way(came_from, around.neighbours)
    shown = context["panel"]
    assert isinstance(shown, Panel)  # noqa: S101 - for the type checker
    if shown.conflict is not None and status != HTTPStatus.FORBIDDEN:
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
    if not may_see(request, of_session(session.pk), *of_delivery(delivery)):
        return unmasking.refused(request, unmasking.of_session(session.pk))
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


def dossier(own: Own, around: Around, opening: Opening, sight: Sight) -> dict[str, object]:
    """Return what the session's page shows to this sight. Asks what is known of its codes, in one statement."""
    session, facts, pencil = own.session, own.facts, Pencil(is_masked=sight.is_masked)
    if sight.is_masked:
        conceal((*own.corrections, *around.contacts))
    stand = panel.stand(session, opening, around.people, own.work, story.held_since(own.lines))
    codes = reading.codes(own, around, stand)
    sets = evidence.check_sets(around.evidence, codes.known, own.corrections, pencil)
    raw = sorted([*own.deliveries, *around.conflicts], key=lambda row: row.pk, reverse=True)
    deliveries = bodies.deliveries(raw, _newest_event(session, facts), pencil)
    records, has_more_records = bodies.records(around.records, pencil)
    days = timeline.days(
        deliveries,
        own.corrections,
        own.decisions,
        own.notes,
        session.notifications.all(),
        own.lines,
        around.names,
        own.span,
    )
    opened_by = folding.opened_by(facts, own.decisions) if len(sets) > 1 else None
    return {
        "session": session,
        "sight": sight,
        "unmask": unmasking.of_session(session.pk),
        "panel": _panel(own, around, codes, stand, sets),
        "facts": facts,
        "api_events": {str(fact.event_id) for fact in facts if fact.is_api},
        "is_inferred": around.naming is not None and bodies.is_entity_inferred(around.naming),
        "corrected": own.corrected,
        "sets": sets,
        "n_sets_left_out": around.evidence.n_left_out,
        "since": evidence.since_review(sets, opened_by, is_masked=sight.is_masked) if len(sets) > 1 else None,
        "enquiry": around.enquiry,
        "others": of_subject(session, codes.others, sets[0].codes if sets else ()),
        "records": records,
        "has_more_records": has_more_records,
        "contacts": around.contacts,
        "is_reachable": any(contact.email for contact in around.contacts),
        "days": days,
        "kinds": timeline.kinds(days),
        "deliveries": deliveries,
        "older": own.older,
    }


def _panel(own: Own, around: Around, codes: Codes, stand: Stand, sets: list[evidence.CheckSet]) -> Panel:
    basis = fold(own.facts, clock=clock()).basis
    assert basis is not None, "There is an event in every session."  # noqa: S101
    now, typed = Seen(own.session.version, basis), stand.opening.typed
    conflict = None
    if typed.seen is not None or typed.refusal:
        conflict = conflicts.since(typed.seen or now, now, own.facts, own.lines, typed.refusal)
    return panel.build(
        stand,
        now,
        own.decisions,
        sets,
        options=reasons.options(sets, codes.wanted) if codes.wanted else None,
        is_suspicion=around.is_suspicion,
        ralios_codes=codes.ralios,
        conflict=conflict,
    )


def _newest_event(session: Session, facts: Sequence[Fact]) -> int | None:
    """Return the delivery of the newest event that counts: what the API said may stand aside."""
    last = (session.last_event_at, session.provider_state)
    return next((fact.delivery for fact in facts if (fact.at, fact.state) == last), None)


def _delivery_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None
