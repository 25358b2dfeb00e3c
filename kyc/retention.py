"""How long what is kept about subjects stays, and its end: settings by kind, the legal minimum, legal holds.

The clock of a subject starts anew with each thing that comes or is done about them. What a session holds goes when the
time is over for everybody whom it names; while it is in REVIEW, or a hold stands over one of them, it stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kyc import erasing, folding, holds, ledger
from kyc.choices import DataKind, DeliveryStatus, EntityType, SessionState
from kyc.erasing import KEPT_CONTACT, OF_SESSIONS, Tally
from kyc.models import Contact, Delivery, LedgerEntry, RefusedRequest, Session
from kyc.subjects import Subject, last_heard_at, last_heard_of, mentions

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
    something came about its subject since; `n_failed` what could not be overwritten, and stays as it was. Each session,
    and each row that is none's, is a transaction of its own with its entry in the ledger: one that is stopped, or killed,
    goes on where it was, by starting anew.
    """

    kinds: Collection[str] = tuple(DataKind.values)
    is_dry_run: bool = False
    now: datetime = field(default_factory=timezone.now)
    tally: Tally = field(default_factory=Counter)
    n_kept: int = 0
    n_failed: int = 0
    _held: holds.Standing = field(default_factory=holds.Standing)

    def steps(self) -> Iterator[None]:
        """Do it, one session or row with each step."""
        for length, kinds in wanted(self.kinds).items():
            for pk in self._sessions(length, kinds):
                self._count(partial(self._session, pk, length, kinds), f"session {pk}")
                yield
            if DataKind.BODIES in kinds:
                for pk in self._deliveries(length):
                    self._count(partial(self._delivery, pk, length), f"delivery {pk}")
                    yield
                for pk in _keys(RefusedRequest.objects.filter(self._old(length), n_kept_bytes__gt=0)):
                    self._count(partial(self._refused, pk), f"refused request {pk}")
                    yield
            if DataKind.CONTACTS in kinds:
                for pk in _keys(Contact.objects.filter(KEPT_CONTACT, updated_at__lt=self.now - length)):
                    self._count(partial(self._contact, pk, length), f"contact {pk}")
                    yield

    def _count(self, act: Callable[[], Tally | None], what: str) -> None:
        """Do one step and count what it came to. What cannot be done keeps nothing else waiting, and stays as it was."""
        try:
            done = act()
        except (OperationalError, InterfaceError):
            # Without a database there is no next step.
            raise
        except Exception as error:  # noqa: BLE001 - its own text may hold personal data
            logger.error("The purge of %s failed: %s.", what, type(error).__name__)
            self.n_failed += 1
            return
        if done is None:
            self.n_kept += 1
        else:
            self.tally += done

    def _sessions(self, length: timedelta, kinds: Collection[str]) -> Iterator[Any]:
        is_old = Q(last_event_at__lt=self.now - length) | Q(last_event_at__gt=self.now + _AHEAD)
        if not OF_SESSIONS.intersection(kinds):
            return
        yield from _keys(Session.objects.filter(is_old, erasing.has_remaining(kinds)))

    @transaction.atomic
    def _session(self, pk: Any, length: timedelta, kinds: Collection[str]) -> Tally | None:
        session = Session.objects.get(pk=pk) if self.is_dry_run else folding.lock(pk)
        if not is_free(session, length, self.now):
            return None
        if self.is_dry_run:
            return erasing.count(session, kinds)
        done = erasing.overwrite(session, kinds, at=self.now)
        if done:
            chain = ledger.session_chain(session.pk)
            ledger.append(chain, "session.erased", erasure=None, **_told(done))
        return done

    def _old(self, length: timedelta) -> Q:
        return Q(received_at__lt=self.now - length)

    def _deliveries(self, length: timedelta) -> Iterator[Any]:
        """What is no session's: records about subjects, and what could not be read."""
        for statuses in ([DeliveryStatus.RECORDED], [DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED]):
            yield from _keys(Delivery.objects.filter(self._old(length), status__in=statuses, erased_at=None))

    @transaction.atomic
    def _delivery(self, pk: int, length: timedelta) -> Tally | None:
        holds.wait_to_overwrite()
        delivery = erasing.lock_delivery(pk)
        if delivery is None:
            return Counter()
        named = _named(delivery)
        heard = last_heard_at(named)
        if self._is_held(delivery, named) or (heard is not None and heard + length > self.now):
            return None
        if not self.is_dry_run:
            erasing.overwrite_delivery(delivery, at=self.now)
            ledger.append(ledger.SYSTEM, "delivery.erased", delivery=delivery.pk)
        return _one(DataKind.BODIES)

    @transaction.atomic
    def _refused(self, pk: int) -> Tally | None:
        holds.wait_to_overwrite()
        request = erasing.lock_refused(pk)
        if request is None:
            return Counter()
        if self._is_held(request, ()):
            return None
        if not self.is_dry_run:
            erasing.overwrite_refused(request, at=self.now)
            ledger.append(ledger.SYSTEM, "refused_request.erased", refused_request=request.pk)
        return _one(DataKind.BODIES)

    @transaction.atomic
    def _contact(self, pk: int, length: timedelta) -> Tally | None:
        holds.wait_to_overwrite()
        # Somebody may have removed it meanwhile, or erased it.
        contact = Contact.objects.select_for_update().filter(KEPT_CONTACT, pk=pk).first()
        if contact is None:
            return Counter()
        subject = Subject(EntityType(contact.entity_type), contact.subject_id)
        heard = subject.last_heard_at() or contact.updated_at
        if subject.hold() or heard + length > self.now:
            return None
        if not self.is_dry_run:
            erasing.overwrite_contact(contact, at=self.now)
            ledger.append(
                ledger.SYSTEM,
                "contact.erased",
                contact=contact.pk,
                entity_type=str(subject.entity_type),
                subject=str(subject.id),
            )
        return _one(DataKind.CONTACTS)

    def _is_held(self, row: Delivery | RefusedRequest, named: Collection[Subject]) -> bool:
        """Return True when a hold stands over somebody whom a row names, in its columns or in its bytes."""
        held = self._held.ids()
        return any(str(subject.id) in held for subject in named) or (
            bool(held) and mentions(bytes(row.body), held)
        )


class NotAllPurged(Exception):
    """The day's purge is over, and there is something whose time is over that it could not overwrite."""


class Daily:
    """One worker's purge of each day, in portions. Any number of workers may be at it: the rows tell what is done."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._purge = Purge()
        self._steps: Iterator[None] | None = None

    def portion(self, limit: int = CHUNK) -> int:
        """Do the next steps of today's purge and return how many: none when today's is done, or nothing is to be done.

        Raises NotAllPurged at its very end when single rows could not be overwritten: all others are, and it is on record.
        The next day's tries these again.
        """
        if self._steps is None and not self._begin():
            return 0
        assert self._steps is not None, "It has begun."  # noqa: S101
        n_done = 0
        try:
            for _ in self._steps:
                n_done += 1
                if n_done == limit:
                    return n_done
        except Exception:
            # What raised is over, and must not be taken for done: the next portion begins anew.
            self._steps = self._day = None
            raise
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
        if n_failed := self._purge.n_failed:
            logger.error("The day's purge is over; rows that could not be overwritten: %s.", n_failed)
            raise NotAllPurged


def record(purge: Purge, day: date | None = None) -> None:
    """Put what a purge did into the ledger; without a day it was an operator's."""
    with transaction.atomic():
        ledger.append(
            ledger.SYSTEM,
            PURGED,
            day=day.isoformat() if day else None,
            kept=purge.n_kept,
            failed=purge.n_failed,
            **_told(purge.tally),
        )


def _one(kind: DataKind) -> Tally:
    return Counter({kind.value: 1})


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
