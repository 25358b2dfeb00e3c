"""Recompute a session from its deliveries' bytes, its decisions and its corrections, and say what differed."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from kyc import folding, ledger
from kyc.choices import DeliverySource, DeliveryStatus
from kyc.ingestion import describe, write_checks
from kyc.models import Check, Delivery, Reason, Session
from kyc.pictures import DESCRIBED, differing, picture
from kyc.ralio import answers, events
from kyc.ralio.events import SessionEvent


def rebuild(session_id: UUID, *, is_dry_run: bool = False) -> list[str]:
    """Return what differed from the evidence, by name; unless it is a dry run, the rows are as they should be then.

    The rows are written anew by the code that ingests, and compared with those before; nothing is kept of that when
    nothing differed. No message is sent.
    """
    with transaction.atomic():
        session = folding.lock(session_id)
        before = picture(session_id)
        faults = write_anew(session)
        folding.refold(session)
        differences = faults + differing(before, picture(session_id))
        if is_dry_run or not differences:
            transaction.set_rollback(True)
        else:
            ledger.append(ledger.session_chain(session_id), "session.rebuilt", n_differences=len(differences))
    return differences


def write_anew(session: Session) -> list[str]:
    """Write the deliveries' described columns, checks and reasons from their bytes; return what cannot be read."""
    faults = []
    for delivery in Delivery.objects.filter(session=session, status=DeliveryStatus.APPLIED).order_by("pk"):
        read = answers.read if delivery.source == DeliverySource.API else events.read
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
