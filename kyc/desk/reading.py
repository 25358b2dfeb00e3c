"""What the session page reads, in three statements: the session's own, what stands around it, the words for its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from kyc import folding
from kyc.choices import CorrectionTarget, EntityType, Outcome, SessionState
from kyc.desk import bodies, deciders, evidence, others, reasons, standing, story
from kyc.desk.deciders import Deciders
from kyc.desk.evidence import Evidence
from kyc.desk.neighbours import beside
from kyc.desk.opening import Opening
from kyc.desk.panel import Stand
from kyc.desk.standing import Work
from kyc.desk.story import Line
from kyc.desk.timeline import Span
from kyc.desk.together import Answer, Together, hand_out
from kyc.models import (
    Contact,
    Correction,
    Decision,
    Delivery,
    Enquiry,
    Note,
    ReasonCode,
    Session,
    User,
)
from kyc.projection import Fact
from kyc.querysets import CappedCount
from kyc.review import acts, four_eyes, settling, writing

PAGE_OF_DELIVERIES = 25


@dataclass(frozen=True, slots=True)
class Own:
    """What is the session's own. `facts` stand the newest first, `deliveries` too: one page of them, and its span.

    `older` is where the next page of deliveries begins. The session has its notifications at hand.
    """

    session: Session
    facts: Sequence[Fact]
    corrections: Sequence[Correction]
    decisions: Sequence[Decision]
    notes: Sequence[Note]
    lines: Sequence[Line]
    deliveries: Sequence[Delivery]
    span: Span
    older: int | None

    @property
    def work(self) -> Work:
        return standing.work(self.session, self.decisions)

    @property
    def corrected(self) -> dict[str, Correction]:
        """Return the last correction of each of the session's own fields that holds; a due time's holds for its round."""
        own = (row for row in self.corrections if row.target == CorrectionTarget.SESSION)
        return {row.field: row for row in own if row.field != "due_at" or row.round == self.session.round}


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a session: further deliveries, its subject's other sessions, people, and its checks.

    `naming` is the newest event that names a subject, where it decides of which kind that is. `followed` is the delivery
    whose codes a settlement has that follows Ralio.
    """

    conflicts: Sequence[Delivery]
    records: Sequence[Delivery]
    naming: Delivery | None
    contacts: Sequence[Contact]
    others: Sequence[Session]
    evidence: Evidence
    enquiry: Enquiry | None
    people: Deciders
    names: Mapping[int, str]
    neighbours: tuple[UUID | None, ...] | None
    is_suspicion: bool
    followed: int | None


@dataclass(frozen=True, slots=True)
class Codes:
    """What is known of the codes that a page names, and of those that its reader may choose from."""

    known: Sequence[ReasonCode]
    others: others.Told
    wanted: reasons.Wanted | None
    ralios: Sequence[str]


def own(pk: UUID, before: int | None) -> Own | None:
    """Return what is a session's own, None where there is no such session. One statement."""
    asked, stub = Together(), Session(pk=pk)
    # The frame shows how long the queue is, and takes no query of its own for it.
    counted = Session.objects.annotate(n_queue=CappedCount(Session.objects.in_review()))
    found = asked.add(counted.select_related("decided_by").filter(pk=pk))
    events = asked.add(folding.events(pk))
    corrections = asked.add(Correction.objects.filter(session=pk).select_related("by").order_by("id"))
    people = ("maker", "checker", "addressee", "undone_by")
    decisions = asked.add(Decision.objects.filter(session=pk).select_related(*people).order_by("id"))
    notes = asked.add(Note.objects.filter(session=pk).select_related("by").order_by("id"))
    notifications = asked.add(stub.notifications.all())
    entries: Answer[Any] = asked.add(story.entries(pk))
    deliveries = asked.add(_deliveries(pk, before))
    until = asked.add(_received(pk, before)) if before is not None else Answer[datetime]([])
    asked.ask()
    session = found.first
    if session is None:
        return None
    hand_out([session], "notifications", notifications.rows, "session_id")
    rows: list[Any] = [*corrections.rows, *decisions.rows, *notes.rows, *notifications.rows, *deliveries.rows]
    for row in rows:
        row.session = session
    facts = sorted(folding.facts_in(events.rows), key=lambda fact: fact.order, reverse=True)
    page, has_more = deliveries.rows[:PAGE_OF_DELIVERIES], len(deliveries.rows) > PAGE_OF_DELIVERIES
    return Own(
        session,
        facts,
        corrections.rows,
        decisions.rows,
        notes.rows,
        story.lines(entries.rows),
        page,
        Span(page[-1].received_at if has_more else None, until.first),
        page[-1].pk if has_more else None,
    )


def around(own: Own, opening: Opening, way: str, *, is_all: bool) -> Around:
    """Return what stands around a session, in one statement; another where `way`, the queue's query, searches."""
    asked, session, person = Together(), own.session, opening.person
    neighbours = asked.add(beside(session, way, person))
    conflicts = asked.add(bodies.conflicts(own.deliveries))
    records = asked.add(bodies.records_about(session))
    naming = _naming(asked, own)
    contacts = asked.add(_contacts(session))
    sessions = asked.add(others.sessions(session))
    checks = evidence.evidence(own.facts, asked, is_all=is_all)
    enquiry = Answer[Enquiry]([]) if checks.chosen else asked.add(_enquiry(session))
    is_open = session.state == SessionState.REVIEW
    people = asked.add(deciders.people()) if is_open else Answer[User]([])
    known = story.names(own.lines, [person])
    unknown = story.other_people(own.lines).difference(known)
    names = asked.add(story.names_of(unknown)) if unknown else Answer[tuple[int, str]]([])
    proposal = own.work.proposal
    suspicions = asked.add(four_eyes.suspicions(proposal.codes)[:1]) if proposal else Answer[ReasonCode]([])
    followed = _followed(own, person)
    coded = asked.add(writing.with_codes(followed)) if followed else Answer[int]([])
    attempts = _attempts(asked, session)
    asked.ask()
    hand_out(session.notifications.all(), "attempts", attempts.rows, "notification_id")
    return Around(
        conflicts.rows,
        records.rows,
        naming.first,
        contacts.rows,
        sessions.rows,
        checks,
        enquiry.first,
        deciders.of(session, people.rows),
        known | dict(names.rows),
        neighbours.first,
        bool(suspicions.rows),
        next((delivery for delivery in followed if delivery in coded.rows), None),
    )


def codes(own: Own, around: Around, stand: Stand) -> Codes:
    """Return what is known of the codes on the page. One statement."""
    asked, named = Together(), around.evidence.codes
    known = asked.add(evidence.catalogue(named, own.session)) if named else Answer[ReasonCode]([])
    told = others.told(around.others, asked)
    wanted = reasons.want(asked, named, stand.ticked, stand.search) if stand.chooses else None
    ralios = asked.add(writing.codes_in(around.followed)) if around.followed else Answer[str]([])
    asked.ask()
    return Codes(known.rows, told, wanted, ralios.rows)


def _deliveries(pk: UUID, before: int | None) -> QuerySet[Delivery]:
    """Return one page of a session's deliveries, newest first, and one more."""
    found = Delivery.objects.filter(session=pk).with_short_bodies(bodies.LONGEST_BODY).order_by("-id")
    return (found if before is None else found.filter(pk__lt=before))[: PAGE_OF_DELIVERIES + 1]


def _received(pk: UUID, delivery: int) -> QuerySet[Delivery, datetime]:
    """Return when a delivery of the session came."""
    return Delivery.objects.filter(session=pk, pk=delivery).values_list("received_at", flat=True)


def _naming(asked: Together, own: Own) -> Answer[Delivery]:
    """Return the newest event that names a subject, where it decides of which kind that is; it is mostly at hand."""
    if "entity_type" in own.corrected or own.session.entity_type == EntityType.UNKNOWN:
        return Answer([])
    named = [fact for fact in own.facts if fact.user_id or fact.related_party_id]
    # As the fold has it: what was sent before what the API said.
    pk = next((fact.delivery for fact in sorted(named, key=lambda fact: fact.is_api)), None)
    at_hand = [row for row in own.deliveries if row.pk == pk]
    if at_hand or pk is None:
        return Answer(at_hand)
    return asked.add(Delivery.objects.filter(pk=pk).with_short_bodies(bodies.LONGEST_BODY))


def _contacts(session: Session) -> QuerySet[Contact]:
    user = Q(entity_type=EntityType.USER, subject_id=session.user_id)
    party = Q(entity_type=EntityType.RELATED_PARTY, subject_id=session.related_party_id)
    return Contact.objects.filter(user | party).order_by("entity_type")


def _enquiry(session: Session) -> QuerySet[Enquiry]:
    """Return the newest question to Ralio's API for the session's checks."""
    return Enquiry.objects.filter(delivery__session=session).order_by("-pk")[:1]


def _followed(own: Own, person: User) -> list[int]:
    """Return the deliveries that may give a settlement its codes, where the person could settle as Ralio has it."""
    disputed = own.work.holding
    if disputed is None or not own.session.is_disputed or disputed.outcome == Outcome.REJECT:
        return []
    return settling.followed(own.facts, disputed) if person.has_perm(acts.SUPERVISE) else []


def _attempts(asked: Together, session: Session) -> Answer[Any]:
    """Return the tries to send the session's notifications, oldest first."""
    notifications = session.notifications.all()
    if not notifications:
        return Answer([])
    tries: Any = notifications.model._meta.get_field("attempts").related_model
    sent = [row.pk for row in notifications]
    return asked.add(tries._default_manager.filter(notification__in=sent).order_by("id"))
