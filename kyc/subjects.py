"""Who is verified, and where something is kept about them.

A session concerns everybody whom it names; so does a record event. What could not be read, what stands beside another
content under the same event id and what was never trusted belong to whoever's ids stand in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.db.models import F, Func, Max, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower

from kyc.choices import DeliveryStatus, EntityType, QuarantineCause
from kyc.models import Contact, Correction, Decision, Delivery, LegalHold, Note, RefusedRequest, Session
from kyc.querysets import SessionQuerySet
from kyc.ralio import events
from kyc.ralio.events import RecordEvent, SessionEvent
from kyc.ralio.jsontext import NotJson, parse, write

# Whose subject no column names.
_UNTOLD = Q(status__in=[DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED])
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """A user or a related party, by the UUID that Ralio gave them."""

    entity_type: EntityType
    id: UUID

    @classmethod
    def of_session(cls, session: Session) -> list[Self]:
        """Return everybody whom a session names."""
        named = ((EntityType.USER, session.user_id), (EntityType.RELATED_PARTY, session.related_party_id))
        return [cls(entity_type, pk) for entity_type, pk in named if pk is not None]

    @property
    def is_user(self) -> bool:
        return self.entity_type == EntityType.USER

    @property
    def key(self) -> dict[str, Any]:
        """Return the columns by which contacts, holds and erasures name a subject."""
        return {"entity_type": self.entity_type, "subject_id": self.id}

    @property
    def _named(self) -> Q:
        return Q(user_id=self.id) if self.is_user else Q(related_party_id=self.id)

    def sessions(self) -> SessionQuerySet:
        found: SessionQuerySet = Session.objects.filter(self._named)
        return found.order_by("pk")

    def records(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(self._named, status=DeliveryStatus.RECORDED).order_by("pk")

    def contact(self) -> Contact | None:
        return Contact.objects.filter(**self.key).first()

    def hold(self) -> LegalHold | None:
        """Return the hold that stands over the subject, if one does."""
        standing = LegalHold.objects.filter(**self.key, lifted_at=None)
        return standing.select_related("placed_by").first()

    def ids(self) -> frozenset[str]:
        """Return whatever tells that a body is about the subject: its own id and those of its sessions."""
        return frozenset(map(str, [self.id, *self.sessions().values_list("pk", flat=True)]))

    def is_known(self) -> bool:
        return self.sessions().exists() or self.records().exists() or self.contact() is not None

    def is_mentioned(self) -> bool:
        """Return True when the subject's id, known as nobody else's, stands in what could not be read or trusted.

        Reads those bodies.
        """
        other = Subject(EntityType.RELATED_PARTY if self.is_user else EntityType.USER, self.id)
        return not other.is_known() and any(chain(strays(self), refused(self)))

    def last_heard_at(self) -> datetime | None:
        """Return when the last thing came or was done about the subject, None where nothing ever did."""
        sessions = self.sessions().values("pk")
        came = Delivery.objects.filter(session__in=sessions).aggregate(at=Max("received_at"))["at"]
        recorded = self.records().aggregate(at=Max("received_at"))["at"]
        done = (_last_act(sessions), _of_contact(self.contact()))
        return max((at for at in (came, recorded, *done) if at is not None), default=None)


def last_heard_of(session: Session) -> datetime:
    """Return when the last thing came or was done about a session, or about anybody whom it names."""
    came = Delivery.objects.filter(session=session).aggregate(at=Max("received_at"))["at"]
    own = (came, _last_act([session.pk]))
    others = (subject.last_heard_at() for subject in Subject.of_session(session))
    return max((at for at in (*own, *others) if at is not None), default=session.last_event_at)


def _last_act(sessions: Any) -> datetime | None:
    """Return when a person last wrote something about sessions."""
    decided = Decision.objects.filter(session__in=sessions).aggregate(
        one=Max("proposed_at"), two=Max("checked_at"), three=Max("undone_at")
    )
    noted = Note.objects.filter(session__in=sessions).aggregate(at=Max("at"))
    corrected = Correction.objects.filter(session__in=sessions).aggregate(at=Max("at"))
    found = [*decided.values(), *noted.values(), *corrected.values()]
    return max((at for at in found if at is not None), default=None)


def _of_contact(contact: Contact | None) -> datetime | None:
    return contact.updated_at if contact is not None and contact.erased_at is None else None


# --- What no column says --------------------------------------------------------------------------
def mentions(body: bytes, ids: Collection[str]) -> bool:
    """Return True when one of the ids (lower case) stands in a body, however it is written there."""
    try:
        text = write(parse(body)).lower()
    except NotJson:
        text = body.decode("utf-8", "replace").lower()
    return any(pk in text for pk in ids)


def strays(subject: Subject) -> Iterator[Delivery]:
    """Yield deliveries about the subject that no column says are: in quarantine, failed, or records that name it otherwise."""
    ids, event_ids = subject.ids(), _event_ids(subject)
    unnamed = Q(user_id=None) if subject.is_user else Q(related_party_id=None)
    records = Delivery.objects.filter(unnamed, status=DeliveryStatus.RECORDED)
    untold = Delivery.objects.filter(_UNTOLD)
    for delivery in chain(_read(untold), _read(_maybe(records, ids))):
        if mentions(bytes(delivery.body), ids) or _is_beside(delivery, event_ids):
            yield delivery


def refused(subject: Subject) -> Iterator[RefusedRequest]:
    """Yield refused requests that say to be about the subject."""
    ids = subject.ids()
    kept = RefusedRequest.objects.filter(n_kept_bytes__gt=0)
    return (request for request in _read(kept) if mentions(bytes(request.body), ids))


def _read[M: (Delivery, RefusedRequest)](rows: QuerySet[M]) -> Iterator[M]:
    """Read rows by key, a few bodies at a time: who is given one may write it."""
    after = 0
    while found := list(rows.filter(pk__gt=after).order_by("pk")[:_CHUNK]):
        yield from found
        after = found[-1].pk


def _maybe(records: QuerySet[Delivery], ids: Iterable[str]) -> QuerySet[Delivery]:
    """Leave out what does not hold an id; the database sees no id that is written with escapes, so these stay in."""
    text = _as_text("body")
    holds = Q(text__contains="\\u00")
    for pk in ids:
        holds |= Q(text__contains=pk)
    return records.alias(text=Lower(text)).filter(holds)


def _as_text(column: str) -> Func:
    if connection.vendor == "postgresql":
        return Func(F(column), Value("escape"), function="encode", output_field=TextField())
    return Cast(column, TextField())


def _event_ids(subject: Subject) -> frozenset[UUID | None]:
    sessions = Delivery.objects.filter(session__in=subject.sessions().values("pk"))
    both = chain(
        sessions.values_list("event_id", flat=True), subject.records().values_list("event_id", flat=True)
    )
    return frozenset(both)


def _is_beside(delivery: Delivery, event_ids: Collection[UUID | None]) -> bool:
    """Return True for other content under one of the subject's event ids that names nobody at all."""
    if delivery.cause != QuarantineCause.ID_CONFLICT or delivery.event_id not in event_ids:
        return False
    event = events.read(bytes(delivery.body)).event
    if not isinstance(event, SessionEvent | RecordEvent):
        return True
    return event.user_id is None and event.related_party_id is None
