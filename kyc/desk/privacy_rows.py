"""What the privacy pages show: how long data is kept, and what is kept about one subject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, DateTimeField, OuterRef, QuerySet, Subquery, Value, When
from django.utils.translation import gettext

from kyc import erasing, privacy
from kyc.choices import DataKind, EntityType, ErasureStatus
from kyc.models import Contact, Delivery, Erasure, LedgerEntry, LegalHold, Session
from kyc.privacy import Obstacle
from kyc.retention import PURGED
from kyc.subjects import Subject, look, look_at

MOST_SESSIONS = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data, and for how long it is kept: without `days` until somebody has it erased."""

    kind: DataKind
    days: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is kept about a subject. Nothing personal is in it."""

    subject: Subject
    contact: Contact | None
    sessions: list[Session]
    n_sessions: int
    n_records: int
    heard_at: datetime | None
    kept_until: datetime | None
    obstacle: Obstacle | None
    hold: LegalHold | None
    request: Erasure | None
    holds: list[LegalHold]
    erasures: list[Erasure]
    is_mentioned: bool

    @property
    def is_known(self) -> bool:
        return bool(self.n_sessions or self.n_records or self.contact)

    @property
    def is_found(self) -> bool:
        """Return True when something is kept about the subject, if only what could not be read or trusted."""
        return self.is_known or self.is_mentioned

    @property
    def why_not(self) -> str:
        """Return what stands in the way of an erasure, or nothing."""
        return privacy.words_of(self.obstacle, self.subject) if self.obstacle else ""

    @property
    def has_contact(self) -> bool:
        return self.contact is not None and bool(self.contact.name or self.contact.email)


def kept() -> list[Kept]:
    lengths: dict[str, timedelta | None] = settings.KYC_RETENTION
    return [Kept(DataKind(kind), length.days if length else None) for kind, length in lengths.items()]


def last_purge() -> datetime | None:
    return LedgerEntry.objects.filter(action=PURGED).order_by("-id").values_list("at", flat=True).first()


def shown(subject: Subject, place: str = "") -> Shown:
    """Return what is kept about a subject; of one whom no column names, `place` is where a search found the id."""
    past = privacy.history(subject)
    sessions = subject.sessions().order_by("-last_event_at")
    contact, n_sessions, n_records = subject.contact(), sessions.count(), subject.records().count()
    erasures = list(past["erasures"])
    holds = list(past["holds"])
    is_known = bool(n_sessions or n_records or contact)
    heard_at = subject.last_heard_at()
    return Shown(
        subject=subject,
        contact=contact,
        sessions=list(_marked(sessions)[:MOST_SESSIONS]),
        n_sessions=n_sessions,
        n_records=n_records,
        heard_at=heard_at,
        kept_until=heard_at + settings.KYC_LEGAL_MINIMUM if heard_at else None,
        obstacle=privacy.obstacle(subject),
        hold=next((hold for hold in holds if hold.lifted_at is None), None),
        request=next((each for each in erasures if each.status == ErasureStatus.REQUESTED), None),
        holds=holds,
        erasures=[erasure for erasure in erasures if erasure.status != ErasureStatus.REQUESTED],
        is_mentioned=not is_known and _is_mentioned(subject, place),
    )


def _marked(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """Return sessions with `erased_at`: when the last of what is personal in each was overwritten, if all of it was."""
    last = Delivery.objects.filter(session=OuterRef("pk"), erased_at__isnull=False).order_by("-erased_at")
    at = Case(
        When(erasing.has_remaining(erasing.OF_SESSIONS), then=Value(None)),
        default=Subquery(last.values("erased_at")[:1]),
        output_field=DateTimeField(),
    )
    return sessions.annotate(erased_at=at)


def _is_mentioned(subject: Subject, place: str) -> bool:
    """Return True when the id, known as nobody else's, stands in the place named, or in the newest bodies."""
    other = Subject(EntityType.RELATED_PARTY if subject.is_user else EntityType.USER, subject.id)
    if other.is_known():
        return False
    seen = look_at(subject.id, place) if place else look(subject.id)
    return seen.is_user if subject.is_user else seen.is_party


@dataclass(frozen=True, slots=True)
class Found:
    """The subjects that were found. `place`: where, if only in bytes. `older`: there is more to be looked through."""

    subjects: list[Subject]
    place: str = ""
    older: str = ""


def found(text: str, older: str = "") -> Found:
    """Return the subjects that a UUID names: their own, or one of their sessions'."""
    try:
        pk = UUID(text.strip())
    except ValueError:
        return Found([])
    own = [Subject(kind, pk) for kind in (EntityType.USER, EntityType.RELATED_PARTY)]
    sessions = Session.objects.filter(pk=pk)
    named = (subject for session in sessions for subject in Subject.of_session(session))
    if found := [*_standing(own), *named]:
        return Found(found)
    # Of whom nothing was ever accepted, nobody knows which of the two they are.
    seen = look(pk, older)
    may_be = [subject for subject in own if (seen.is_user if subject.is_user else seen.is_party)]
    return Found(may_be, seen.place, seen.older)


def _standing(subjects: list[Subject]) -> Iterator[Subject]:
    """Yield the subjects of whom something is kept, or ever was asked."""
    for subject in subjects:
        past = privacy.history(subject)
        if subject.is_known() or past["holds"].exists() or past["erasures"].exists():
            yield subject


def name_of(subject: Subject) -> str:
    return gettext("User") if subject.is_user else gettext("Related party")
