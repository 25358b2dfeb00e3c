"""Overwrite personal data where it stands. What it belonged to stays: events, states, codes, ids, who did what and when.

Each function writes inside its caller's transaction and returns how many rows it overwrote, by kind; a second time there
is nothing left to do. Whether it may be done at all is for `kyc.retention` and `kyc.privacy` to say.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from kyc import folding
from kyc.choices import ContactSource, DataKind, DeliveryStatus
from kyc.models import Check, Contact, Correction, Decision, Delivery, Note, Reason, RefusedRequest, Session
from kyc.ralio.redaction import redacted
from kyc.rebuilding import write_anew
from kyc.signals import subject_erased
from kyc.subjects import Subject, refused, strays

logger = logging.getLogger(__name__)

type Tally = Counter[str]

ALL_KINDS = frozenset(DataKind)
# What stands of a session itself. Contacts are their subjects'.
OF_SESSIONS = ALL_KINDS - {DataKind.CONTACTS}
# In place of words that a row cannot do without. Pages say when they were erased instead.
ERASED = "(erased)"
_EMPTY = '""'
# What a correction of a check or a reason may hold of a person.
_PERSONAL_FIELDS = ("data", "message", "provider")
_SPOKEN = ~Q(rationale="", answer="")
_UNTAKEN = Q(
    session=None,
    status__in=(DeliveryStatus.RECORDED, DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED),
    erased_at=None,
)
# A contact in which somebody stands, also one that was entered again after it had been erased.
KEPT_CONTACT = Q(erased_at=None) | ~Q(name="") | ~Q(email="")


def remaining(session: Any) -> dict[DataKind, list[QuerySet[Any]]]:
    """Return the rows of a session that still hold what is personal, by kind; `session` may be an outer query's."""
    deliveries = Delivery.objects.filter(session=session)
    notifications: Any = Session._meta.get_field("notifications").related_model
    return {
        DataKind.BODIES: [deliveries.filter(erased_at=None)],
        DataKind.CHECKS: [deliveries.filter(checks_erased_at=None, n_checks__gt=0), _corrected(session)],
        DataKind.NOTES: [
            Note.objects.filter(session=session, erased_at=None),
            Decision.objects.filter(_SPOKEN, session=session, erased_at=None),
            Correction.objects.filter(session=session, erased_at=None),
        ],
        DataKind.MESSAGES: [notifications._default_manager.filter(session=session, erased_at=None)],
    }


def _corrected(session: Any) -> QuerySet[Correction]:
    """Return corrections whose values are personal; one may be made after the check itself was overwritten."""
    personal = Correction.objects.filter(session=session, field__in=_PERSONAL_FIELDS)
    return personal.exclude(old=_EMPTY, new=_EMPTY)


def _of_sessions(kinds: Collection[str]) -> set[DataKind]:
    return {kind for kind in OF_SESSIONS if kind in kinds}


def has_remaining(kinds: Collection[str]) -> Q:
    """Return the condition that a session still has something of these kinds."""
    found = remaining(OuterRef("pk"))
    condition = Q(pk__in=[])
    for kind in _of_sessions(kinds):
        for rows in found[kind]:
            condition |= Q(Exists(rows))
    return condition


def count(session: Session, kinds: Collection[str]) -> Tally:
    """Return how much `overwrite` would overwrite of a session."""
    found = remaining(session)
    return +Counter({kind.value: sum(rows.count() for rows in found[kind]) for kind in _of_sessions(kinds)})


def overwrite(
    session: Session, kinds: Collection[str], *, at: datetime, subject: Subject | None = None
) -> Tally:
    """Overwrite what a locked session holds of these kinds. Its rows are what a rebuild makes of them, then."""
    tally = count(session, kinds)
    if DataKind.NOTES in kinds:
        _overwrite_words(session, at)
    if {DataKind.BODIES, DataKind.CHECKS}.intersection(kinds):
        _overwrite_bodies(session, kinds, at)
    if DataKind.CHECKS in kinds:
        _overwrite_checks(session)
    if DataKind.MESSAGES in kinds:
        _tell(session, at, subject)
    return tally


def overwrite_contact(contact: Contact, *, at: datetime) -> None:
    """Overwrite who a subject is. What Ralio says of them in a later event is taken again, as of one never heard of."""
    known = Contact.objects.filter(pk=contact.pk)
    known.update(name="", email="", language="", source=ContactSource.RALIO, erased_at=at)


def lock_delivery(pk: int) -> Delivery | None:
    """Return a delivery that is no session's, locked; None where it has become one's meanwhile, or was erased."""
    return Delivery.objects.select_for_update().filter(_UNTAKEN, pk=pk).first()


def overwrite_delivery(delivery: Delivery, *, at: datetime) -> None:
    """Overwrite a locked delivery that is no session's. Nothing is rebuilt from it: what cannot be read goes whole."""
    try:
        delivery.body = redacted(bytes(delivery.body), delivery.source, ALL_KINDS)
    except Exception as error:  # noqa: BLE001 - its own text may hold personal data
        logger.warning("Delivery %s was overwritten whole: %s.", delivery.pk, type(error).__name__)
        delivery.body = b""
    # A path may hold the names of strange members.
    delivery.faults = [{**fault, "path": ""} for fault in delivery.faults]
    if not delivery.body:
        delivery.next_try_at = None
    _save(delivery, at, ALL_KINDS, "faults", "next_try_at")


def lock_refused(pk: int) -> RefusedRequest | None:
    """Return a refused request that has a body, locked; None where the ring has dropped it meanwhile."""
    return RefusedRequest.objects.select_for_update().filter(pk=pk, n_kept_bytes__gt=0).first()


def overwrite_refused(request: RefusedRequest, *, at: datetime) -> None:
    request.body, request.headers, request.n_kept_bytes, request.erased_at = b"", {}, 0, at
    request.save(update_fields=["body", "headers", "n_kept_bytes", "erased_at"])


@dataclass(frozen=True, slots=True)
class Rest:
    """The keys of what is kept of a subject beside their sessions, each row of it locked."""

    refused: Sequence[int]
    deliveries: Sequence[int]


def lock_rest(subject: Subject) -> Rest:
    """Lock what is no session's before any session is, each kind in the order of its keys.

    So do those who take it in again: a refused request, the delivery that it becomes, the session that this is about.
    """
    return Rest(
        [pk for pk in sorted(found.pk for found in refused(subject)) if lock_refused(pk)],
        [pk for pk in sorted(_unsettled(subject)) if lock_delivery(pk)],
    )


def overwrite_rest(subject: Subject, rest: Rest, *, at: datetime) -> Tally | None:
    """Overwrite what is kept of a subject beside their sessions: `rest`, all of it locked, and the contact.

    Return None where something has come since that was locked: a lock on it now would be one in the wrong order.
    """
    tally: Tally = Counter()
    if _unsettled(subject) - set(rest.deliveries) or {row.pk for row in refused(subject)} - set(rest.refused):
        return None
    for pk in rest.deliveries:
        if delivery := lock_delivery(pk):
            overwrite_delivery(delivery, at=at)
            tally[DataKind.BODIES.value] += 1
    for pk in rest.refused:
        if request := lock_refused(pk):
            overwrite_refused(request, at=at)
            tally[DataKind.BODIES.value] += 1
    contact = Contact.objects.select_for_update().filter(KEPT_CONTACT, **subject.key).first()
    if contact is not None:
        overwrite_contact(contact, at=at)
        tally[DataKind.CONTACTS.value] += 1
    return tally


def _unsettled(subject: Subject) -> set[int]:
    """Return the keys of the deliveries about a subject that are no session's and hold what is personal. Reads bodies."""
    records = subject.records().filter(_UNTAKEN).values_list("pk", flat=True)
    found = {stray.pk for stray in strays(subject) if stray.session_id is None and stray.erased_at is None}
    return found.union(records)


def _overwrite_words(session: Session, at: datetime) -> None:
    """Overwrite what people wrote. Who wrote, when, and what they decided stays."""
    Note.objects.filter(session=session, erased_at=None).update(text=ERASED, erased_at=at)
    Correction.objects.filter(session=session, erased_at=None).update(reason=ERASED, erased_at=at)
    for decision in Decision.objects.filter(_SPOKEN, session=session, erased_at=None):
        for name in ("rationale", "answer"):
            setattr(decision, name, ERASED if getattr(decision, name) else "")
        decision.erased_at = at
        decision.save(update_fields=["rationale", "answer", "erased_at"])


def _overwrite_bodies(session: Session, kinds: Collection[str], at: datetime) -> None:
    for pk in list(Delivery.objects.filter(session=session).order_by("pk").values_list("pk", flat=True)):
        delivery = Delivery.objects.get(pk=pk)
        wanted = {kind for kind, known in _known(delivery).items() if kind in kinds and known is None}
        if wanted:
            delivery.body = redacted(bytes(delivery.body), delivery.source, wanted)
            _save(delivery, at, wanted)


def _known(delivery: Delivery) -> dict[DataKind, datetime | None]:
    return {DataKind.BODIES: delivery.erased_at, DataKind.CHECKS: delivery.checks_erased_at}


def _save(delivery: Delivery, at: datetime, kinds: Collection[str], *names: str) -> None:
    if DataKind.BODIES in kinds:
        delivery.headers, delivery.erased_at = {}, at
    if DataKind.CHECKS in kinds:
        delivery.checks_erased_at = at
    delivery.save(update_fields=["body", "headers", "erased_at", "checks_erased_at", *names])


def _overwrite_checks(session: Session) -> None:
    """Overwrite corrected values, and write checks and reasons anew from the bodies that are left."""
    _corrected(session).update(old=_EMPTY, new=_EMPTY)
    # Also where a body cannot be read any more.
    Check.objects.filter(session=session).update(data="", provider="")
    Reason.objects.filter(kyc_check__session=session).update(message="")
    write_anew(session)
    folding.refold(session)


def _tell(session: Session, at: datetime, subject: Subject | None) -> None:
    about = subject.key if subject else {"entity_type": None, "subject_id": None}
    subject_erased.send(Session, **about, sessions=[session.pk], at=at)
