"""Take again what was kept: deliveries that are quarantined or failed, and refused requests whose signature holds now.

The one way in, for pages, admin and command: look first (`plan`, which leaves nothing behind), then apply. Both go
through the same ingestion, one transaction each, and return the same words; a second time changes nothing.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, transaction
from django.db.models import F, Model, QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext_lazy

from kyc import ingestion, ledger, tracing
from kyc.choices import DeliveryStatus, QuarantineCause, RefusalCause
from kyc.exceptions import ReplayForbidden
from kyc.models import Delivery, RefusedRequest, User
from kyc.models.deliveries import OWNS_EVENT_ID
from kyc.pictures import Difference, Picture, differences, picture
from kyc.ralio import signature

logger = logging.getLogger(__name__)

PERMISSION = "kyc.replay_delivery"
REPLAYABLE = (DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED)
# A plan shows the first so many of a session's differences, and how many there are.
MOST_DIFFERENCES = 200
_CHUNK = 500


class Ending(TextChoices):
    """How a replay ended, or would end."""

    APPLIED = "applied", pgettext_lazy("replay", "Applied")
    KEPT_ALREADY = "kept_already", pgettext_lazy("replay", "Kept already")
    NOTHING_TO_DO = "nothing_to_do", pgettext_lazy("replay", "Nothing to do")
    QUARANTINED = "quarantined", pgettext_lazy("replay", "Quarantined")
    CONFLICT = "conflict", pgettext_lazy("replay", "Event id conflict")
    FAILED = "failed", pgettext_lazy("replay", "Failed")
    NOT_SIGNED = "not_signed", pgettext_lazy("replay", "Signature does not hold")
    NO_BODY = "no_body", pgettext_lazy("replay", "Body not kept")
    GONE = "gone", pgettext_lazy("replay", "Gone")
    UNFINISHED = "unfinished", pgettext_lazy("replay", "Not finished")


WELL_ENDED = frozenset({Ending.APPLIED, Ending.KEPT_ALREADY, Ending.NOTHING_TO_DO})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a delivery stands."""

    status: DeliveryStatus
    cause: str = ""

    def __str__(self) -> str:
        label = DeliveryStatus(self.status).label
        return f"{label}, {QuarantineCause(self.cause).label}" if self.cause else str(label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What replaying came to.

    `pk` is the id that was asked for: the delivery's, or the refused request's. `delivery` is the row as it is then,
    None where there is none. `was` is where it stood before; None for a refused request, and for what is gone.
    `advice` says why it was not applied and what to do, in full sentences with nothing personal; empty when all is well.
    """

    pk: int
    ending: Ending
    delivery: Delivery | None = None
    was: Standing | None = None
    advice: str = ""

    @property
    def is_well(self) -> bool:
        """Return True when what was to be applied is applied, by this replay or before it."""
        return self.ending in WELL_ENDED

    @property
    def now(self) -> Standing | None:
        if self.delivery is None:
            return None
        return Standing(DeliveryStatus(self.delivery.status), self.delivery.cause)

    @property
    def session_id(self) -> UUID | None:
        """Return the session that the delivery is applied to, if it is."""
        return self.delivery.session_id if self.delivery else None

    @property
    def faults(self) -> list[dict[str, str]]:
        """Return today's faults: path and message each."""
        return list(self.delivery.faults) if self.delivery else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Result):
    """What replaying would come to; everything else is as it would be then, and nothing of it was written.

    So the `delivery` that a refused request would become is no row, and its id says nothing.

    `differences` are the first that it would make to its session, of `n_differences`. A session never heard of
    `is_new_session`: all its values come from nothing.
    """

    differences: Sequence[Difference] = ()
    n_differences: int = 0
    is_new_session: bool = False


def may(person: User) -> bool:
    """Return True when this person may replay."""
    return person.has_perm(PERMISSION)


def select(
    *,
    cause: str = "",
    status: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    ids: Collection[int] | None = None,
    limit: int | None = None,
) -> Iterator[int]:
    """Yield the ids of quarantined and failed deliveries, in order, as far as all that is named holds of them.

    `since` and `until` (not included) bound the time of receipt. Read in pieces, each by index, so that a caller may
    replay each one before it asks for the next; what comes in meanwhile is not among them.
    """
    rows = _within(Delivery.objects.all(), since, until, ids)
    if cause:
        rows = rows.filter(cause=cause)
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    wanted = [one for one in REPLAYABLE if status in ("", one)]
    # A status at a time: over both at once a database may prefer to read the whole table.
    found = heapq.merge(*(_in_pieces(rows.filter(status=one, pk__lte=newest)) for one in wanted))
    return islice(found, limit)


def select_refused(
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    ids: Collection[int] | None = None,
    limit: int | None = None,
) -> Iterator[int]:
    """Yield the ids of refused requests that are no delivery yet and whose signature holds today, in order."""
    waiting = _within(RefusedRequest.objects.filter(delivery=None), since, until, ids)
    kept = waiting.exclude(cause__in=(RefusalCause.TOO_LARGE, RefusalCause.SIGNATURE_MISSING))
    newest = RefusedRequest.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    holding = (pk for pk in _in_pieces(kept.filter(pk__lte=newest)) if _holds(pk))
    return islice(holding, limit)


def plan(delivery_id: int) -> Plan:
    """Return what replaying a delivery would make of it and of its session. Nothing is written, no message leaves."""
    return _planned(delivery_id, lambda: _apply(delivery_id, None))


def apply(delivery_id: int, *, by: User | None) -> Result:
    """Replay a delivery in one transaction, and record it; one that is neither quarantined nor failed stays as it is.

    `by` is None for an operator's command; ReplayForbidden is raised for a person who may not. What the database does
    not let through ends as UNFINISHED, with nothing changed.
    """
    _guard(by)
    return _tried(delivery_id, lambda: _apply(delivery_id, by))


def plan_refused(refused_id: int) -> Plan:
    """Return what a refused request would become, were it verified again and taken. Nothing is written."""
    return _planned(refused_id, lambda: _take(refused_id, None))


def apply_refused(refused_id: int, *, by: User | None) -> Result:
    """Verify a refused request against today's secrets and, if its signature holds, take it as a delivery.

    It counts as received when it came. As `apply` in everything else.
    """
    _guard(by)
    return _tried(refused_id, lambda: _take(refused_id, by))


def _guard(by: User | None) -> None:
    if by is not None and not may(by):
        raise ReplayForbidden(gettext("You may not replay deliveries. A supervisor or an admin can."))


def _tried[R: Result](pk: int, act: Callable[[], R]) -> R | Result:
    """Return what an act in a transaction of its own came to. What the database refuses is tried once more."""
    try:
        return _in_one_transaction(act)
    except Error:
        # A race or a lost connection: the second look sees what there is now.
        pass
    except Exception as error:  # noqa: BLE001
        return _unfinished(pk, error)
    try:
        return _in_one_transaction(act)
    except Exception as error:  # noqa: BLE001
        return _unfinished(pk, error)


def _in_one_transaction[R: Result](act: Callable[[], R]) -> R:
    with transaction.atomic():
        return act()


def _unfinished(pk: int, error: Exception) -> Result:
    """Say that nothing was done: one that goes wrong must not stop the others. The error's text may be personal."""
    with tracing.about(replayed=pk):
        logger.error("The replay of %s failed: %s", pk, type(error).__name__)
    advice = gettext("Our side failed (%(error)s). Nothing was changed; try again.")
    return Result(pk=pk, ending=Ending.UNFINISHED, advice=advice % {"error": type(error).__name__})


def _planned(pk: int, act: Callable[[], Result]) -> Plan:
    """Act, look at the session, roll the act back and look again: what differs is what it would do."""

    def look() -> Plan:
        with transaction.atomic():
            result = act()
            after = _seen(result)
            transaction.set_rollback(True)
        before = _seen(result)
        found = list(differences(before, after))
        return Plan(
            **_members(result),
            differences=found[:MOST_DIFFERENCES],
            n_differences=len(found),
            is_new_session=bool(after) and not before,
        )

    planned = _tried(pk, look)
    return planned if isinstance(planned, Plan) else Plan(**_members(planned))


def _seen(result: Result) -> Picture:
    return picture(result.session_id) if result.session_id else {}


def _members(result: Result) -> dict[str, Any]:
    return {item.name: getattr(result, item.name) for item in fields(Result)}


def _apply(delivery_id: int, by: User | None) -> Result:
    locked = Delivery.objects.select_for_update().filter(pk=delivery_id)
    delivery = locked.first()
    if delivery is None:
        return Result(pk=delivery_id, ending=Ending.GONE, advice=gettext("There is no such delivery."))
    was = Standing(DeliveryStatus(delivery.status), delivery.cause)
    if delivery.status not in REPLAYABLE:
        words = gettext("It is %(status)s already. Nothing was changed.")
        advice = words % {"status": was.status.label.lower()}
        return Result(pk=delivery_id, ending=Ending.NOTHING_TO_DO, delivery=delivery, was=was, advice=advice)
    # With a person's replay the worker's count of tries begins anew.
    locked.update(n_tries=1, n_replays=F("n_replays") + 1, last_replay_at=timezone.now(), last_replay_by=by)
    again = ingestion.take_again(delivery_id)
    result = Result(pk=delivery_id, delivery=again, was=was, **_ended(again))
    _record("delivery.replayed", again, by, before=_told(was))
    return result


def _take(refused_id: int, by: User | None) -> Result:
    # The ring may drop it meanwhile: who trims waits for this lock, and who locks after that finds nothing.
    refused = RefusedRequest.objects.select_for_update().filter(pk=refused_id).first()
    if refused is None:
        advice = gettext("It is no longer among the refused requests: the ring drops the oldest ones.")
        return Result(pk=refused_id, ending=Ending.GONE, advice=advice)
    if refused.delivery is not None:
        words = gettext("It is delivery %(pk)s already. Nothing was changed.")
        advice = words % {"pk": refused.delivery_id}
        return Result(pk=refused_id, ending=Ending.NOTHING_TO_DO, delivery=refused.delivery, advice=advice)
    if refused.n_kept_bytes != refused.n_bytes:
        return Result(pk=refused_id, ending=Ending.NO_BODY, advice=_why_no_body(refused))
    secret = _signer(refused)
    if secret is None:
        return Result(pk=refused_id, ending=Ending.NOT_SIGNED, advice=_unsigned(refused))
    receipt = ingestion.receive(
        bytes(refused.body),
        refused.headers,
        received_at=refused.received_at,
        signed_with=signature.fingerprint(secret),
    )
    refused.delivery = receipt.delivery
    if receipt.delivery.status == DeliveryStatus.IGNORED:
        # Now that it is known not to be about KYC, what it says is not ours to keep here either.
        refused.body, refused.headers, refused.n_kept_bytes = b"", {}, 0
    refused.save(update_fields=["delivery", "body", "headers", "n_kept_bytes"])
    _record("refused_request.replayed", receipt.delivery, by, refused_request=refused_id)
    return Result(pk=refused_id, delivery=receipt.delivery, **_received(receipt))


def _received(receipt: ingestion.Receipt) -> dict[str, Any]:
    return _kept_already(receipt.delivery) if receipt.is_duplicate else _ended(receipt.delivery)


def _ended(delivery: Delivery) -> dict[str, Any]:
    """Return how a delivery's replay ended, and what to do now."""
    if delivery.status == DeliveryStatus.FAILED:
        words = gettext("Our side failed: %(error)s. The worker tries it again; once mended, replay it.")
        return {"ending": Ending.FAILED, "advice": words % {"error": delivery.error}}
    if delivery.status != DeliveryStatus.QUARANTINED:
        return {"ending": Ending.APPLIED}
    if delivery.cause == QuarantineCause.ID_CONFLICT:
        return _ended_in_conflict(delivery)
    if not delivery.body and delivery.n_bytes:
        return {"ending": Ending.NO_BODY, "advice": _why_no_body(delivery)}
    n = len(delivery.faults)
    words = ngettext(
        "It cannot be read: %(n)d fault today. Replay it once our reading is mended.",
        "It cannot be read: %(n)d faults today. Replay it once our reading is mended.",
        n,
    )
    return {"ending": Ending.QUARANTINED, "advice": words % {"n": n}}


def _ended_in_conflict(delivery: Delivery) -> dict[str, Any]:
    owner = Delivery.objects.filter(OWNS_EVENT_ID, event_id=delivery.event_id).only("pk", "meaning").first()
    if owner is None:
        # It stands beside another of the same content, which its fault names.
        return {
            "ending": Ending.CONFLICT,
            "advice": " ".join(fault["message"] for fault in delivery.faults),
        }
    if owner.meaning == delivery.meaning:
        return _kept_already(owner)
    words = gettext(
        "Delivery %(pk)s came first under this event id, with another content, and the first content holds. "
        "Compare the two; if this one is right, ask Ralio to send it under an id of its own."
    )
    return {"ending": Ending.CONFLICT, "advice": words % {"pk": owner.pk}}


def _why_no_body(kept: Delivery | RefusedRequest) -> str:
    if kept.erased_at is not None:
        return gettext("Its body was erased with its subject's personal data. There is nothing left to read.")
    if isinstance(kept, RefusedRequest) and kept.cause == RefusalCause.TOO_LARGE:
        return gettext("It was too large, so its body was not kept. Ask Ralio to send the event again.")
    return gettext("Its body was not kept. If it is about KYC, ask Ralio to send the event again.")


def _kept_already(owner: Delivery) -> dict[str, Any]:
    words = gettext("The same event is kept already, as delivery %(pk)s.")
    return {"ending": Ending.KEPT_ALREADY, "advice": words % {"pk": owner.pk}}


def _unsigned(refused: RefusedRequest) -> str:
    if "X-Signature" not in refused.headers:
        return gettext("It came without a signature, so nothing says that Ralio sent it.")
    return gettext(
        "Its signature holds under none of today's secrets. If Ralio signed it, add the secret that it "
        "used to RALIO_WEBHOOK_SECRETS and verify it again."
    )


def _holds(refused_id: int) -> bool:
    refused = RefusedRequest.objects.filter(pk=refused_id).first()
    return refused is not None and _signer(refused) is not None


def _signer(refused: RefusedRequest) -> str | None:
    header = refused.headers.get("X-Signature")
    return signature.signer(header, bytes(refused.body), settings.RALIO_WEBHOOK_SECRETS)


def _told(standing: Standing) -> dict[str, ledger.Detail]:
    return {"status": str(standing.status), "cause": str(standing.cause)}


def _record(action: str, delivery: Delivery, by: User | None, **detail: ledger.Detail) -> None:
    ledger.append(
        ledger.SYSTEM,
        action,
        actor=by,
        delivery=delivery.pk,
        event=str(delivery.event_id) if delivery.event_id else None,
        session=str(delivery.session_id) if delivery.session_id else None,
        after=_told(Standing(DeliveryStatus(delivery.status), delivery.cause)),
        **detail,
    )


def _within[M: Model](
    rows: QuerySet[M], since: datetime | None, until: datetime | None, ids: Collection[int] | None
) -> QuerySet[M]:
    bounds: dict[str, Any] = {"received_at__gte": since, "received_at__lt": until, "pk__in": ids}
    return rows.filter(**{name: value for name, value in bounds.items() if value is not None})


def _in_pieces(rows: QuerySet[Any]) -> Iterator[int]:
    """Yield ids in order, so many a query: between two of them the rows may change, and no cursor stays open."""
    ids = rows.order_by("pk").values_list("pk", flat=True)
    last = 0
    while piece := list(ids.filter(pk__gt=last)[:_CHUNK]):
        yield from piece
        last = piece[-1]
