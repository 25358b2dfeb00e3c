"""Who is verified, and where something is kept about them.

A session concerns everybody whom it names; so does a record event. What could not be read, what stands beside another
content under the same event id and what was never trusted belong to whoever's ids stand in them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, chain
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
_NAMING = ("user_id", "related_party_id")
# How many bodies are in memory at once, and how many subjects one query asks about.
_CHUNK, AT_ONCE = 10, 500
# How long a page looks for an id in bodies, in seconds.
LOOK_FOR = 1.0
# How many records the database looks at before the clock is.
_WINDOW = 500
_LONGEST_KEY = 18


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
        return last_heard_at([self])

    def others(self) -> list[Self]:
        """Return whoever else is named where this one is, in sessions or in records: those rows hold the data of both."""
        rows = [found.order_by().values_list(*_NAMING) for found in (self.sessions(), self.records())]
        kinds = (EntityType.USER, EntityType.RELATED_PARTY)
        named = {
            type(self)(kind, pk)
            for pair in rows[0].union(rows[1])
            for kind, pk in zip(kinds, pair, strict=True)
            if pk is not None
        }
        return sorted(named - {self}, key=lambda one: str(one.id))


def last_heard_at(subjects: Iterable[Subject]) -> datetime | None:
    """Return when the last thing came or was done about any of these, None where nothing ever did."""
    found = [at for some in batched(subjects, AT_ONCE, strict=False) for at in _heard_of(some)]
    return max((at for at in found if at is not None), default=None)


def _heard_of(subjects: Sequence[Subject]) -> Iterable[datetime | None]:
    users = [subject.id for subject in subjects if subject.is_user]
    parties = [subject.id for subject in subjects if not subject.is_user]
    named = Q(user_id__in=users) | Q(related_party_id__in=parties)
    sessions = Session.objects.filter(named).values("pk")
    contacts = Q(entity_type=EntityType.USER, subject_id__in=users)
    contacts |= Q(entity_type=EntityType.RELATED_PARTY, subject_id__in=parties)
    return _newest_of(
        (Delivery.objects.filter(named, status=DeliveryStatus.RECORDED), "received_at"),
        (Contact.objects.filter(contacts, erased_at=None), "updated_at"),
        *_of_sessions(sessions),
    )


def last_heard_of(session: Session) -> datetime:
    """Return when the last thing came or was done about a session, or about anybody whom it names."""
    own = _newest_of(*_of_sessions([session.pk]))
    named = last_heard_at(Subject.of_session(session))
    return max((at for at in (*own, named) if at is not None), default=session.last_event_at)


def _of_sessions(sessions: Any) -> list[tuple[QuerySet[Any], str]]:
    """Return what came about sessions or was written about them by a person, each with the column of when."""
    decisions = Decision.objects.filter(session__in=sessions)
    return [
        (Delivery.objects.filter(session__in=sessions), "received_at"),
        *((decisions, name) for name in ("proposed_at", "checked_at", "undone_at")),
        (Note.objects.filter(session__in=sessions), "at"),
        (Correction.objects.filter(session__in=sessions), "at"),
    ]


def _newest_of(*parts: tuple[QuerySet[Any], str]) -> Iterable[datetime | None]:
    """Return the newest instant of each column, in any order. One query."""
    first, *others = (rows.order_by().values(one=Value(1)).values_list(Max(name)) for rows, name in parts)
    return [at for (at,) in first.union(*others, all=True)]


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


@dataclass(frozen=True, slots=True)
class Look:
    """One look, newest first, for an id in what no column says is about anybody.

    `place` is where it stands, empty where it was not found; `is_user` and `is_party` whose it may be then. `older` is
    where the next look goes on, empty where nothing is left.
    """

    place: str = ""
    is_user: bool = False
    is_party: bool = False
    older: str = ""


def look(pk: UUID, older: str = "") -> Look:
    """Look for an id for LOOK_FOR seconds: however many bodies there are, a page does not wait for all of them."""
    until, ids = time.monotonic() + LOOK_FOR, {str(pk)}
    kind, key = _place(older)
    kinds = list(_PLACES)
    for name in kinds[kinds.index(kind) if kind else 0 :]:
        for rows, last in _backwards(name, ids, key if name == kind else None):
            for row in rows:
                if mentions(bytes(row.body), ids):
                    return _found(name, row)
            if time.monotonic() >= until:
                return Look(older=f"{name}-{last}")
    return Look()


def look_at(pk: UUID, place: str) -> Look:
    """Return whether an id stands in the place where a look found it."""
    kind, key = _place(place)
    row = _PLACES[kind]().filter(pk=key).first() if kind else None
    return _found(kind, row) if row is not None and mentions(bytes(row.body), {str(pk)}) else Look()


def _found(kind: str, row: Delivery | RefusedRequest) -> Look:
    is_record = isinstance(row, Delivery) and row.status == DeliveryStatus.RECORDED
    named = (row.user_id, row.related_party_id) if is_record and isinstance(row, Delivery) else (None, None)
    # A record may be about whom its columns leave open.
    return Look(f"{kind}-{row.pk}", is_user=named[0] is None, is_party=named[1] is None)


def _place(text: str) -> tuple[str, int]:
    kind, _, key = text.partition("-")
    is_one = kind in _PLACES and key.isascii() and key.isdecimal() and len(key) <= _LONGEST_KEY
    return (kind, int(key)) if is_one else ("", 0)


def _backwards(
    kind: str, ids: Collection[str], before: int | None
) -> Iterator[tuple[Iterable[Delivery | RefusedRequest], int]]:
    """Yield a place's rows by key, the newest first, some at a time; each time with the last key of what was passed."""
    rows, chunk = _PLACES[kind](), _WINDOW if kind == "records" else _CHUNK
    while keys := list(
        (rows if before is None else rows.filter(pk__lt=before))
        .order_by("-pk")
        .values_list("pk", flat=True)[:chunk]
    ):
        found = rows.filter(pk__gte=keys[-1], pk__lte=keys[0]).order_by("-pk")
        before = keys[-1]
        yield (_maybe(found, ids).iterator(_CHUNK) if kind == "records" else found), before


def _with(status: DeliveryStatus) -> Callable[[], QuerySet[Any]]:
    return lambda: Delivery.objects.filter(status=status)


# Where an id may stand that no column knows. One status each: so they are read by index.
_PLACES: dict[str, Callable[[], QuerySet[Any]]] = {
    "quarantined": _with(DeliveryStatus.QUARANTINED),
    "failed": _with(DeliveryStatus.FAILED),
    "refused": lambda: RefusedRequest.objects.filter(n_kept_bytes__gt=0),
    "records": lambda: _with(DeliveryStatus.RECORDED)().filter(Q(user_id=None) | Q(related_party_id=None)),
}


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
    try:
        event = events.read(bytes(delivery.body)).event
    except Exception:  # noqa: BLE001 - a fault of ours in reading must not keep it from being erased
        return True
    if not isinstance(event, SessionEvent | RecordEvent):
        return True
    return event.user_id is None and event.related_party_id is None
