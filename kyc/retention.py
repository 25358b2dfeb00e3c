"""How long what is kept about subjects stays, and its end: settings by kind, the legal minimum, legal holds.

The clock of a subject starts anew with each thing that comes or is done about them. What a session holds goes when the
time is over for everybody whom it names; while it is in REVIEW, or a hold stands over one of them, it stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kyc import erasing, folding, ledger
from kyc.choices import DataKind, DeliveryStatus, EntityType, SessionState
from kyc.erasing import OF_SESSIONS, Tally
from kyc.models import Contact, Delivery, LedgerEntry, LegalHold, RefusedRequest, Session
from kyc.subjects import Subject, last_heard_of, mentions

logger = logging.getLogger(__name__)

CHUNK = 100
PURGED = "retention.purged"
# An event's own time may lie in the future: then it says nothing of how old the session is.
_AHEAD = timedelta(days=1)


def wanted(kinds: Collection[str] = DataKind.values) -> dict[timedelta, set[str]]:
    """Return the kinds that do not stay, by how long they are kept."""
    by_length: dict[timedelta, set[str]] = {}
    for kind, length in settings.KYC_RETENTION.items():
        if length is not None and kind in kinds:
            by_length.setdefault(max(length, settings.KYC_LEGAL_MINIMUM), set()).add(kind)
    return by_length


def is_free(session: Session, length: timedelta, now: datetime) -> bool:
    """Return True when nothing keeps a session's data any longer."""
    if session.state == SessionState.REVIEW:
        return False
    if any(subject.hold() for subject in Subject.of_session(session)):
        return False
    return last_heard_of(session) + length <= now


@dataclass(slots=True)
class Purge:
    """One way through everything whose time is over. In a dry run nothing is written.

    `tally` counts what was overwritten, `n_kept` what was old enough but stays: under a hold, in REVIEW, or because
    something came about its subject since. Each session is a transaction of its own: one that is stopped goes on where
    it was, by starting anew.
    """

    kinds: Collection[str] = tuple(DataKind.values)
    is_dry_run: bool = False
    now: datetime = field(default_factory=timezone.now)
    tally: Tally = field(default_factory=Counter)
    n_kept: int = 0

    def steps(self) -> Iterator[None]:
        """Do it, one session or row with each step."""
        for length, kinds in wanted(self.kinds).items():
            for pk in self._sessions(length, kinds):
                self._session(pk, length, kinds)
                yield
            if DataKind.BODIES in kinds:
                yield from self._others(length)
            if DataKind.CONTACTS in kinds:
                yield from self._contacts(length)

    def _sessions(self, length: timedelta, kinds: Collection[str]) -> Iterator[Any]:
        is_old = Q(last_event_at__lt=self.now - length) | Q(last_event_at__gt=self.now + _AHEAD)
        if not OF_SESSIONS.intersection(kinds):
            return
        rows = Session.objects.filter(is_old, erasing.has_remaining(kinds)).exclude(state=SessionState.REVIEW)
        yield from _keys(rows)

    @transaction.atomic
    def _session(self, pk: Any, length: timedelta, kinds: Collection[str]) -> None:
        session = Session.objects.get(pk=pk) if self.is_dry_run else folding.lock(pk)
        if not is_free(session, length, self.now):
            self.n_kept += 1
            return
        if self.is_dry_run:
            self.tally += erasing.count(session, kinds)
            return
        done = erasing.overwrite(session, kinds, at=self.now)
        self.tally += done
        if done:
            chain = ledger.session_chain(session.pk)
            ledger.append(chain, "session.erased", erasure=None, **_told(done))

    def _others(self, length: timedelta) -> Iterator[None]:
        """What is no session's: records about subjects, what could not be read, and what was never trusted."""
        old = Q(received_at__lt=self.now - length)
        records = Delivery.objects.filter(old, status=DeliveryStatus.RECORDED, erased_at=None)
        held = _held_ids()
        for pk in _keys(records):
            self._delivery(pk, length, held)
            yield
        untold = Q(status__in=[DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED])
        for pk in _keys(Delivery.objects.filter(old, untold, erased_at=None)):
            self._delivery(pk, length, held)
            yield
        for pk in _keys(RefusedRequest.objects.filter(old, n_kept_bytes__gt=0)):
            self._refused(pk, held)
            yield

    @transaction.atomic
    def _delivery(self, pk: int, length: timedelta, held: Collection[str]) -> None:
        delivery = Delivery.objects.select_for_update().get(pk=pk)
        named = _named(delivery)
        is_held = any(subject.hold() for subject in named) or (held and mentions(bytes(delivery.body), held))
        heard = (subject.last_heard_at() for subject in named)
        if is_held or any(at is not None and at + length > self.now for at in heard):
            self.n_kept += 1
            return
        self.tally[DataKind.BODIES.value] += 1
        if not self.is_dry_run:
            erasing.overwrite_delivery(delivery, at=self.now)

    @transaction.atomic
    def _refused(self, pk: int, held: Collection[str]) -> None:
        # The ring may have dropped it meanwhile.
        request = RefusedRequest.objects.select_for_update().filter(pk=pk).first()
        if request is None:
            return
        if held and mentions(bytes(request.body), held):
            self.n_kept += 1
            return
        self.tally[DataKind.BODIES.value] += 1
        if not self.is_dry_run:
            erasing.overwrite_refused(request, at=self.now)

    def _contacts(self, length: timedelta) -> Iterator[None]:
        for pk in _keys(Contact.objects.filter(updated_at__lt=self.now - length, erased_at=None)):
            self._contact(pk, length)
            yield

    @transaction.atomic
    def _contact(self, pk: int, length: timedelta) -> None:
        contact = Contact.objects.select_for_update().get(pk=pk)
        subject = Subject(EntityType(contact.entity_type), contact.subject_id)
        heard = subject.last_heard_at() or contact.updated_at
        if subject.hold() or heard + length > self.now:
            self.n_kept += 1
            return
        self.tally[DataKind.CONTACTS.value] += 1
        if not self.is_dry_run:
            erasing.overwrite_contact(contact, at=self.now)


class Daily:
    """One worker's purge of each day, in portions. Any number of workers may be at it: the rows tell what is done."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._purge = Purge()
        self._steps: Iterator[None] | None = None

    def portion(self, limit: int = CHUNK) -> int:
        """Do the next steps of today's purge and return how many: none when today's is done, or nothing is to be done."""
        if self._steps is None and not self._begin():
            return 0
        assert self._steps is not None, "It has begun."  # noqa: S101
        n_done = 0
        for _ in self._steps:
            n_done += 1
            if n_done == limit:
                return n_done
        self._end()
        return n_done

    def _begin(self) -> bool:
        today = timezone.localdate()
        if self._day == today or not wanted():
            return False
        self._day = today
        if _was_done(today):
            return False
        self._purge = Purge()
        self._steps = self._purge.steps()
        return True

    def _end(self) -> None:
        self._steps = None
        record(self._purge, day=self._day)


def record(purge: Purge, day: date | None = None) -> None:
    """Put what a purge did into the ledger; without a day it was an operator's."""
    with transaction.atomic():
        ledger.append(
            ledger.SYSTEM,
            PURGED,
            day=day.isoformat() if day else None,
            kept=purge.n_kept,
            **_told(purge.tally),
        )


def _told(tally: Tally) -> dict[str, Any]:
    return dict(sorted(tally.items()))


def _was_done(day: date) -> bool:
    newest = LedgerEntry.objects.filter(action=PURGED, detail__contains=f'"day":"{day.isoformat()}"')
    return newest.order_by("-id").exists()


def _keys(rows: QuerySet[Any]) -> Iterator[Any]:
    """Yield the rows' keys in order, a chunk at a time: what is done meanwhile is not among the next."""
    keys = rows.order_by("pk").values_list("pk", flat=True)
    found = list(keys[:CHUNK])
    while found:
        yield from found
        found = list(keys.filter(pk__gt=found[-1])[:CHUNK])


def _named(delivery: Delivery) -> list[Subject]:
    columns: Mapping[EntityType, Any] = {
        EntityType.USER: delivery.user_id,
        EntityType.RELATED_PARTY: delivery.related_party_id,
    }
    return [Subject(kind, pk) for kind, pk in columns.items() if pk is not None]


def _held_ids() -> frozenset[str]:
    """Return the ids of everybody over whom a hold stands, and of their sessions."""
    holds = LegalHold.objects.filter(lifted_at=None)
    subjects = (Subject(EntityType(hold.entity_type), hold.subject_id) for hold in holds)
    return frozenset(pk for subject in subjects for pk in subject.ids())
