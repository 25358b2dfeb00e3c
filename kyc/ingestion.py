"""One accepted request into rows: kept first, then interpreted, in one transaction.

Locks are taken in one order everywhere, so that deliveries never deadlock each other: the delivery's event id, the
session, reason codes (sorted), the contact, the ledger's head.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from psycopg_pool import PoolTimeout

from kyc import enquiries, fastpath, folding, ledger, tracing
from kyc.choices import ContactSource, DeliverySource, DeliveryStatus, QuarantineCause
from kyc.models import Check, Contact, Delivery, EventName, Reason, ReasonCode, Session
from kyc.models.deliveries import CONFLICTING, OWNS_EVENT_ID, UNREADABLE
from kyc.models.digests import text_digest
from kyc.querysets import insert_once
from kyc.ralio import answers, events
from kyc.ralio.events import Reading, RecordEvent, SessionEvent
from kyc.signals import (
    contact_changed,
    session_change_told,
    session_changed,
    session_invited,
    session_referred,
)

logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(days=1)
# About a day and a half after the first one. Then a person has to look.
LAST_TRY = 12


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one request. `delivery` is the row that holds it: for a duplicate, the first one's."""

    delivery: Delivery
    is_duplicate: bool = False


def receive(
    body: bytes,
    headers: Mapping[str, str],
    *,
    received_at: datetime | None = None,
    source: DeliverySource = DeliverySource.WEBHOOK,
    signed_with: str = "",
) -> Receipt:
    """Keep a trusted request and apply what it says, in one commit. `signed_with` is its secret's fingerprint.

    A failure of ours leaves the delivery as `failed`, for the worker. A deadlock or a lost connection is tried once
    more; then OperationalError or InterfaceError is raised and nothing was stored.
    """
    reading = _read(body, source)
    if isinstance(reading, Reading) and reading.event_id:
        tracing.note(event=reading.event_id)
    delivery = Delivery(
        source=source,
        body=body,
        headers=dict(headers),
        n_bytes=len(body),
        sha256=sha256(body).hexdigest(),
        received_at=received_at or timezone.now(),
        signed_with=signed_with,
    )
    try:
        return _store(delivery, reading)
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or not _is_worth_another_try(error):
            raise
        logger.warning(
            "Delivery %s met %s, trying once more", delivery.sha256, type(error.__cause__).__name__
        )
        delivery = _as_received(delivery)
        return _store(delivery, reading)


def _is_worth_another_try(error: Exception) -> bool:
    """Return True for a deadlock or a lost connection. Waiting in vain is not: the answer must come within seconds."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error) or isinstance(cause, PoolTimeout):
        return False
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return True
    # The server's own word that it goes away, or none at all: the connection is lost.
    is_lost = cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))
    if is_lost:
        connection.close()
        # When the database has restarted, the pool's idle connections are dead as well.
        if pool := getattr(connection, "pool", None):
            pool.check()
    return is_lost


def take_again(delivery_id: int) -> Delivery:
    """Interpret a failed or quarantined delivery again and return it as it is then; any other stays as it is."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        # The body of what is not ours to keep cannot be read again: in a conflict it stays what it is.
        can_be_read = bool(delivery.body) or not delivery.n_bytes
        if can_be_read and delivery.status in (DeliveryStatus.FAILED, DeliveryStatus.QUARANTINED):
            _take_again(delivery, _read_again(delivery))
    return delivery


def retry_failed(limit: int = 100) -> int:
    """Try failed deliveries whose time has come again; return how many were tried. Whatever one does, the next gets its turn.

    A try is counted, and the next one set, before it begins: what a killed worker leaves behind is tried again like
    what failed, by whichever worker comes first, and after LAST_TRY by none.
    """
    n_tried = 0
    while n_tried < limit and (delivery := _begin_try()):
        n_tried += 1
        with tracing.about(delivery=delivery.pk, event=delivery.event_id):
            _try(delivery)
    return n_tried


def _try(delivery: Delivery) -> None:
    try:
        _end_try(delivery)
    except Exception as error:  # noqa: BLE001 - its own text may hold personal data
        logger.error("Delivery %s could not be tried: %s", delivery.pk, type(error).__name__)
        # Were the database away altogether, this would fail too, and the sweep with it.
        _begun(delivery).update(error=_kind_and_place(error))


def _begin_try() -> Delivery | None:
    """Count the next try of the failed delivery that has waited longest for it, and commit that."""
    due = Delivery.objects.filter(status=DeliveryStatus.FAILED, next_try_at__lte=timezone.now())
    # Reading first: on SQLite the transaction below takes the one write lock.
    if not due.exists():
        return None
    skip_locked = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        waiting = due.select_for_update(skip_locked=skip_locked).defer("body", "headers")
        delivery = waiting.order_by("next_try_at", "pk").first()
        if delivery is not None:
            delivery.n_tries += 1
            delivery.next_try_at = _next_try_at(delivery.n_tries)
            delivery.error = f"Try {delivery.n_tries} began and did not end."
            delivery.save(update_fields=["n_tries", "next_try_at", "error"])
    return delivery


@transaction.atomic
def _end_try(delivery: Delivery) -> None:
    """Interpret a delivery whose try was counted, unless it came again meanwhile, or a person was quicker."""
    if locked := _begun(delivery).select_for_update().first():
        _take_again(locked, _read_again(locked))


def _begun(delivery: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        pk=delivery.pk,
        status=DeliveryStatus.FAILED,
        n_tries=delivery.n_tries,
        next_try_at=delivery.next_try_at,
    )


def _next_try_at(n_tries: int) -> datetime | None:
    if n_tries >= LAST_TRY:
        return None
    wait: timedelta = min(FIRST_RETRY * 2 ** (n_tries - 1), LONGEST_RETRY)
    return timezone.now() + wait


def _read_again(delivery: Delivery) -> Reading | Exception:
    reading = _read(bytes(delivery.body), DeliverySource(delivery.source))
    if isinstance(reading, Reading) and _is_erased(delivery):
        # What came means what it meant then: its repeats are known by that.
        return replace(reading, meaning=delivery.meaning)
    return reading


def _read(body: bytes, source: DeliverySource) -> Reading | Exception:
    """Return the reading; a bug of ours there must not cost Ralio the event either, so it is returned too."""
    read = answers.read if source == DeliverySource.API else events.read
    try:
        return read(body)
    except Exception as error:  # noqa: BLE001
        return error


def _as_received(delivery: Delivery) -> Delivery:
    """Return the delivery as it was before it was interpreted and stored in vain."""
    names = ("source", "body", "headers", "n_bytes", "sha256", "received_at", "signed_with")
    return Delivery(**{name: getattr(delivery, name) for name in names})


def _store(delivery: Delivery, reading: Reading | Exception) -> Receipt:
    is_webhook = delivery.source == DeliverySource.WEBHOOK
    if (
        fastpath.is_available()
        and is_webhook
        and isinstance(reading, Reading)
        and isinstance(reading.event, SessionEvent)
    ):
        try:
            # Inside a caller's transaction a savepoint keeps it whole for the careful path.
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                receipt = _store_fast(delivery, reading, reading.event)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong is ours: the careful path keeps the delivery
            logger.error("The fast path failed for %s: %s", delivery.sha256, _kind_and_place(error))
            receipt = None
        if receipt is not None:
            return receipt
        delivery = _as_received(delivery)
    return _store_carefully(delivery, reading)


def _store_fast(delivery: Delivery, reading: Reading, event: SessionEvent) -> Receipt | None:
    """Store a session event by one statement, or return None, and nothing is stored, when that does not suffice."""
    _interpret(delivery, reading)
    known = fastpath.look(delivery, event)
    if known.repeat_of is not None:
        # The first one's columns are read when somebody asks for them.
        return Receipt(Delivery.from_db(connection.alias, ["id"], [known.repeat_of]), is_duplicate=True)
    is_whole = not known.is_session_known and not known.is_suspect and not _asks_for_more(delivery, event)
    if is_whole and fastpath.store(delivery, event, is_whole=True, is_suspect=known.is_suspect).is_kept:
        return Receipt(delivery)
    with transaction.atomic():
        return _store_and_do_the_rest(delivery, event, known.is_suspect)


def _asks_for_more(delivery: Delivery, event: SessionEvent) -> bool:
    """Return True when a session's first event is to write more than its own rows."""
    if event.contact is not None or event.is_created or enquiries.is_wanting(delivery.source, event):
        return True
    return any(is_told for _, is_told in session_change_told.send(Session, state=event.state))


def _store_and_do_the_rest(delivery: Delivery, event: SessionEvent, is_suspect: bool) -> Receipt | None:
    stored = fastpath.store(delivery, event, is_whole=False, is_suspect=is_suspect)
    if not stored.is_kept:
        return None
    if stored.session is None:
        _apply_to_known_session(delivery, event)
        return Receipt(delivery)
    contact = _write_contact(event)
    enquiries.ask(stored.session, delivery, event)
    _tell(folding.Change(stored.session, None, 1, is_changed=True), delivery, event, contact)
    return Receipt(delivery)


@transaction.atomic
def _store_carefully(delivery: Delivery, reading: Reading | Exception) -> Receipt:
    if isinstance(reading, Exception):
        _fail(delivery, reading)
        return Receipt(delivery)
    _interpret(delivery, reading)
    unreadable = Delivery.objects.filter(UNREADABLE, sha256=delivery.sha256).select_for_update().first()
    if unreadable is not None:
        return _store_unreadable_again(unreadable, delivery, reading)
    if not insert_once(delivery):
        return _store_known(delivery, reading)
    _apply(delivery, reading)
    return Receipt(delivery)


def _store_unreadable_again(first: Delivery, delivery: Delivery, reading: Reading) -> Receipt:
    """The same bytes were beyond us before: their own row takes what they say to us today."""
    if reading.event is not None and _owner(delivery) is not None:
        return _store_known(delivery, reading)
    _count_repeat(first, delivery.received_at)
    if reading.event is not None:
        _keep_anew(first, delivery)
        _take_again(first, reading)
    elif (first.cause, first.faults) != (delivery.cause, delivery.faults) and not _is_erased(first):
        # We have learnt since what is wrong with them.
        first.cause, first.faults = delivery.cause, delivery.faults
        first.save(update_fields=["cause", "faults"])
    return Receipt(first)


def _store_known(delivery: Delivery, reading: Reading) -> Receipt:
    """Store what a constraint refused: a repeat, another try of what failed, or another content under a known id."""
    first = _owner(delivery)
    if first is None or reading.event is None:
        first = Delivery.objects.select_for_update().get(UNREADABLE, sha256=delivery.sha256)
        _count_repeat(first, delivery.received_at)
        return Receipt(first)
    if first.meaning == delivery.meaning:
        _count_repeat(first, delivery.received_at)
        if first.status != DeliveryStatus.FAILED:
            return Receipt(first, is_duplicate=True)
        _keep_anew(first, delivery)
        _take_again(first, reading)
        return Receipt(first)
    _conflict(delivery)
    if insert_once(delivery):
        _record(delivery)
        return Receipt(delivery)
    again = Delivery.objects.select_for_update().get(
        CONFLICTING, event_id=delivery.event_id, meaning=delivery.meaning
    )
    _count_repeat(again, delivery.received_at)
    return Receipt(again)


def _owner(delivery: Delivery) -> Delivery | None:
    """Return the accepted delivery of the same event id, locked, or None."""
    if delivery.event_id is None:
        return None
    others = Delivery.objects.exclude(pk=delivery.pk) if delivery.pk else Delivery.objects.all()
    return others.select_for_update().filter(OWNS_EVENT_ID, event_id=delivery.event_id).first()


def _interpret(delivery: Delivery, reading: Reading) -> None:
    """Set the columns that say what the body is; nothing is written."""
    event = reading.event
    delivery.meaning = reading.meaning
    delivery.event_id, delivery.event_name, delivery.event_at = reading.event_id, reading.name, reading.at
    delivery.cause, delivery.faults, delivery.error, delivery.next_try_at = "", [], "", None
    if event is None:
        delivery.status = DeliveryStatus.QUARANTINED
        delivery.cause = reading.cause or QuarantineCause.INVALID
        delivery.faults = [fault.as_dict() for fault in reading.faults]
        if reading.name and not _is_ours(reading.name, delivery.source):
            # Wrong or not, it is not about KYC.
            delivery.body, delivery.headers = b"", {}
    elif isinstance(event, SessionEvent):
        delivery.status = DeliveryStatus.APPLIED
        delivery.session_id = event.session_id
        describe(delivery, event)
    elif isinstance(event, RecordEvent):
        delivery.status = DeliveryStatus.RECORDED
        delivery.user_id, delivery.related_party_id = event.user_id, event.related_party_id
    else:
        delivery.status = DeliveryStatus.IGNORED
        delivery.body, delivery.headers = b"", {}


def _is_ours(name: str, source: str) -> bool:
    return name in answers.NAMES if source == DeliverySource.API else events.is_ours(name)


def _is_erased(delivery: Delivery) -> bool:
    return delivery.erased_at is not None or delivery.checks_erased_at is not None


def _keep_anew(first: Delivery, again: Delivery) -> None:
    """Keep what was erased before it was ever taken as it came now: what comes after an erasure is kept as new."""
    if _is_erased(first):
        first.body, first.headers = again.body, again.headers
        first.erased_at = first.checks_erased_at = None


def _conflict(delivery: Delivery) -> None:
    delivery.status = DeliveryStatus.QUARANTINED
    delivery.cause = QuarantineCause.ID_CONFLICT
    delivery.faults = [{"path": "id", "message": "This event id came before with another content."}]
    _concerns_nothing(delivery)


def _twin(delivery: Delivery) -> Delivery | None:
    """Return another quarantined delivery that says the same, of which there may be one only."""
    if delivery.status != DeliveryStatus.QUARANTINED:
        return None
    others = Delivery.objects.exclude(pk=delivery.pk)
    if delivery.cause == QuarantineCause.ID_CONFLICT:
        others = others.filter(CONFLICTING, event_id=delivery.event_id, meaning=delivery.meaning)
    else:
        others = others.filter(UNREADABLE, sha256=delivery.sha256)
    return others.only("pk").first()


def _stand_beside(delivery: Delivery, twin: Delivery) -> None:
    """Quarantine what failed more than once before its like was quarantined: it names no event id of its own."""
    _conflict(delivery)
    delivery.event_id = None
    delivery.faults = [{"path": "", "message": f"The same content stands as delivery {twin.pk}."}]


def _concerns_nothing(delivery: Delivery) -> None:
    delivery.session = None
    delivery.session_state = delivery.entity_type = ""
    delivery.user_id = delivery.related_party_id = None
    delivery.n_checks = delivery.n_reasons = 0


def _take_again(delivery: Delivery, reading: Reading | Exception) -> None:
    """Interpret a kept delivery again and write what it is now."""
    if isinstance(reading, Exception):
        _fail(delivery, reading)
        return
    _interpret(delivery, reading)
    if reading.event is not None and _owner(delivery) is not None:
        _conflict(delivery)
    if twin := _twin(delivery):
        _stand_beside(delivery, twin)
    delivery.save()
    _apply(delivery, reading)


def _apply(delivery: Delivery, reading: Reading) -> None:
    """Apply what an inserted delivery says. A failure of ours undoes that, and leaves the delivery as `failed`."""
    event = reading.event
    if not isinstance(event, SessionEvent) or delivery.status != DeliveryStatus.APPLIED:
        if delivery.status in (DeliveryStatus.RECORDED, DeliveryStatus.IGNORED):
            _list_name(delivery.event_name)
        _record(delivery)
        return
    try:
        with transaction.atomic():
            _apply_to_session(delivery, event)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong is ours: Ralio must not lose the event by it
        _fail(delivery, error)


def _apply_to_session(delivery: Delivery, event: SessionEvent) -> None:
    session = _locked_session(event)
    write_checks(delivery, event)
    _refold(session, delivery, event)


def _apply_to_known_session(delivery: Delivery, event: SessionEvent) -> None:
    """Apply what the fast path has kept, checks and all, to a session that was there before."""
    _refold(folding.lock(event.session_id), delivery, event)


def _refold(session: Session, delivery: Delivery, event: SessionEvent) -> None:
    change = folding.refold(session)
    _list_codes(event)
    _list_name(event.name)
    contact = _write_contact(event)
    enquiries.ask(session, delivery, event)
    chain = ledger.session_chain(session.pk)
    ledger.append(chain, "delivery.applied", actor=None, **fastpath.applied(delivery, vars(session)))
    _tell(change, delivery, event, contact)


def _tell(change: folding.Change, delivery: Delivery, event: SessionEvent, contact: Contact | None) -> None:
    """Send the signals. After the ledger: who sends a notification locks the chain's head before the row, too."""
    if contact is not None:
        contact_changed.send(Contact, contact=contact)
    if change.is_new_state:
        session_changed.send(
            Session, session=change.session, old_state=change.old_state, delivery=delivery, by=None
        )
    if change.is_newly_suspect:
        session_referred.send(
            Session,
            session=change.session,
            kind="escalated",
            occasion=f"delivery {delivery.pk}",
            by=None,
            to=None,
        )
    if event.is_created:
        session_invited.send(Session, session=change.session, delivery=delivery)


def describe(delivery: Delivery, event: SessionEvent) -> None:
    """Repeat on the delivery what its body says of the session, for the fold."""
    delivery.session_state = event.state
    delivery.entity_type = event.entity_type
    delivery.user_id = event.user_id
    delivery.related_party_id = event.related_party_id
    delivery.n_checks = len(event.checks)
    delivery.n_reasons = sum(len(check.reasons) for check in event.checks)


def write_checks(delivery: Delivery, event: SessionEvent) -> None:
    """Insert the event's checks and reasons as rows of its delivery."""
    checks = Check.objects.bulk_create(
        [
            Check(
                session_id=event.session_id,
                delivery=delivery,
                position=position,
                type=check.type,
                state=check.state,
                state_sent=check.state_sent,
                data=check.data,
                provider=check.provider,
                checked_at=check.checked_at,
            )
            for position, check in enumerate(event.checks)
        ]
    )
    Reason.objects.bulk_create(
        [
            Reason(
                kyc_check=row,
                position=position,
                type=reason.type,
                code=reason.code,
                message=reason.message,
                category=reason.category,
            )
            for row, check in zip(checks, event.checks, strict=True)
            for position, reason in enumerate(check.reasons)
        ]
    )


def _locked_session(event: SessionEvent) -> Session:
    """Return the event's session, locked; one never heard of is inserted first, as version 0."""
    locked = Session.objects.select_for_update().filter(pk=event.session_id)
    if known := locked.first():
        return known
    fresh = Session(
        pk=event.session_id, state_since=event.at, first_event_at=event.at, last_event_at=event.at
    )
    return fresh if insert_once(fresh) else locked.get()


def _list_codes(event: SessionEvent) -> None:
    """Add codes first seen to the catalogue, in one order, so that two deliveries never wait for each other in a ring."""
    rows = [
        ReasonCode(code=code, category=category, digest=text_digest(code))
        for code, category in event.codes().items()
    ]
    if rows:
        ReasonCode.objects.bulk_create(sorted(rows, key=lambda row: row.digest), ignore_conflicts=True)


def _list_name(name: str) -> None:
    """Add an event name first seen to those known."""
    EventName.objects.bulk_create([EventName(name=name, digest=text_digest(name))], ignore_conflicts=True)


def _write_contact(event: SessionEvent) -> Contact | None:
    """Take the contact that the event names, if it is Ralio's newest word and no person has entered another."""
    said = event.contact
    if said is None:
        return None
    key = {"entity_type": said.entity_type, "subject_id": said.subject_id}
    Contact.objects.bulk_create([Contact(**key, source=ContactSource.RALIO)], ignore_conflicts=True)
    contact = Contact.objects.select_for_update().get(**key)
    if contact.source != ContactSource.RALIO:
        return None
    known = contact.event_at and contact.event_id and (contact.event_at, contact.event_id)
    if known and known >= (event.at, event.event_id):
        return None
    contact.name, contact.email = said.name, said.email
    contact.event_at, contact.event_id = event.at, event.event_id
    contact.erased_at = None
    contact.save()
    return contact


def _fail(delivery: Delivery, error: Exception) -> None:
    """Mark the delivery as failed by us."""
    _concerns_nothing(delivery)
    delivery.status, delivery.cause, delivery.faults = DeliveryStatus.FAILED, "", []
    delivery.error = _kind_and_place(error)
    delivery.next_try_at = _next_try_at(delivery.n_tries)
    delivery.save()
    tracing.note(delivery=delivery.pk)
    logger.error("Delivery %s failed: %s", delivery.pk, delivery.error)
    _record(delivery)


def _kind_and_place(error: Exception) -> str:
    """Say what went wrong, and where. The error's own text may hold personal data: its kind and place do not."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "an unknown place"
    return f"{type(error).__name__} at {place}"


def _record(delivery: Delivery) -> None:
    ledger.append(
        ledger.SYSTEM,
        f"delivery.{delivery.status}",
        delivery=delivery.pk,
        event=str(delivery.event_id) if delivery.event_id else None,
        sha256=delivery.sha256,
        cause=str(delivery.cause),
    )


def _count_repeat(delivery: Delivery, at: datetime) -> None:
    """Count one more arrival on a locked delivery."""
    delivery.n_repeats += 1
    delivery.last_repeat_at = at
    delivery.save(update_fields=["n_repeats", "last_repeat_at"])
