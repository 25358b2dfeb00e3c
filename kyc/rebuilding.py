"""Recompute a session from its deliveries' bytes, its decisions and its corrections, and say what differed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from kyc import folding, ledger
from kyc.choices import DeliveryStatus
from kyc.ingestion import describe, write_checks
from kyc.models import Check, Delivery, QueueFacet, Reason, RejectionReason, Session
from kyc.ralio.events import SessionEvent, read

DESCRIBED = ("session_state", "entity_type", "user_id", "related_party_id", "n_checks", "n_reasons")
CHECKED = ("type", "state", "state_sent", "data", "provider", "checked_at")
REASONED = ("type", "code", "message", "category")

type Picture = dict[str, Any]


def rebuild(session_id: UUID, *, is_dry_run: bool = False) -> list[str]:
    """Return what differed from the evidence, by name; unless it is a dry run, the rows are as they should be then.

    The rows are written anew by the code that ingests, and compared with those before; nothing is kept of that when
    nothing differed. No message is sent.
    """
    with transaction.atomic():
        session = folding.lock(session_id)
        before = _picture(session)
        faults = _write_anew(session)
        folding.correct_checks(session)
        folding.refold(session)
        after = _picture(session)
        differences = faults + [
            name for name in sorted(before | after) if before.get(name) != after.get(name)
        ]
        if is_dry_run or not differences:
            transaction.set_rollback(True)
        else:
            ledger.append(ledger.session_chain(session_id), "session.rebuilt", n_differences=len(differences))
    return differences


def _write_anew(session: Session) -> list[str]:
    """Write the deliveries' described columns, checks and reasons from their bytes; return what can not be read."""
    faults = []
    for delivery in Delivery.objects.filter(session=session, status=DeliveryStatus.APPLIED).order_by("pk"):
        event = read(bytes(delivery.body)).event
        if not isinstance(event, SessionEvent) or event.session_id != session.pk:
            faults.append(f"delivery {delivery.pk} no longer reads as an event of this session")
            continue
        describe(delivery, event)
        delivery.save(update_fields=DESCRIBED)
        Reason.objects.filter(kyc_check__delivery=delivery).delete()
        Check.objects.filter(delivery=delivery).delete()
        write_checks(delivery, event)
    return faults


def _picture(session: Session) -> Picture:
    """Return every derived value of a session by a name that tells where it stands and says nothing personal."""
    picture: Picture = {}
    fresh = Session.objects.get(pk=session.pk)
    for name in (*folding.PROJECTED, "n_checks", "n_refused"):
        picture[f"session {name}"] = getattr(fresh, name)
    for delivery in Delivery.objects.filter(session=session).values("pk", *DESCRIBED):
        for name in DESCRIBED:
            picture[f"delivery {delivery['pk']} {name}"] = delivery[name]
    for check in Check.objects.filter(session=session).values("delivery_id", "position", *CHECKED):
        for name in CHECKED:
            picture[f"delivery {check['delivery_id']} check {check['position']} {name}"] = check[name]
    reasons = Reason.objects.filter(kyc_check__session=session)
    place = ("kyc_check__delivery_id", "kyc_check__position", "position")
    for reason in reasons.values(*place, *REASONED):
        where = "delivery {} check {} reason {}".format(*(reason[name] for name in place))
        for name in REASONED:
            picture[f"{where} {name}"] = reason[name]
    facets = QueueFacet.objects.filter(session=session)
    picture["queue facets"] = sorted(facets.values_list("kind", "value", "digest", "due_at"))
    rejection = RejectionReason.objects.filter(session=session).order_by("position")
    picture["rejection reasons"] = [
        {name: value for name, value in row.items() if name != "id"} for row in rejection.values()
    ]
    return picture
