"""Deliveries as lists show them: how each ended, what we answered, and whether a newer event has taken its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, QuerySet

from kyc.choices import DeliverySource, DeliveryStatus, QuarantineCause, RefusalCause, SessionState
from kyc.models import Delivery, RefusedRequest, Session
from kyc.projection import Fact

REPLAYABLE = frozenset({DeliveryStatus.QUARANTINED, DeliveryStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery of a list. `refused` is the request that it was before its signature held after all."""

    delivery: Delivery
    is_superseded: bool = False
    refused: RefusedRequest | None = None

    @property
    def answer(self) -> int | None:
        return answer(self.delivery, self.refused)

    @property
    def fault(self) -> dict[str, str] | None:
        faults: list[dict[str, str]] = self.delivery.faults
        return faults[0] if faults else None

    @property
    def n_more_faults(self) -> int:
        return max(0, len(self.delivery.faults) - 1)


def answer(delivery: Delivery, refused: RefusedRequest | None = None) -> int | None:
    """Return the status that Ralio got: none where we asked, or where a replay has changed what the row says since."""
    if delivery.source == DeliverySource.API:
        return None
    if refused is not None:
        return refused_answer(refused)
    if delivery.status == DeliveryStatus.QUARANTINED:
        return 200 if delivery.cause == QuarantineCause.ID_CONFLICT else 400
    return None if delivery.n_replays else 200


def refused_answer(refused: RefusedRequest) -> int:
    return 413 if refused.cause == RefusalCause.TOO_LARGE else 401


def rows(deliveries: Sequence[Delivery]) -> list[Row]:
    """Return the list's rows, in their order; the deliveries come with their sessions. Two queries."""
    newest = newest_events({row.session_id for row in deliveries if row.session_id})
    refused = refused_before([row.pk for row in deliveries])
    return [Row(row, _is_superseded(row, newest), refused.get(row.pk)) for row in deliveries]


def refused_before(deliveries: Sequence[int]) -> dict[int, RefusedRequest]:
    """Return the refused requests that became these deliveries. One query, through the ring."""
    return {row.delivery_id: row for row in origins(deliveries) if row.delivery_id}


def origins(deliveries: Sequence[int]) -> QuerySet[RefusedRequest]:
    """Return the refused requests that became these deliveries, the newest first."""
    found = RefusedRequest.objects.filter(delivery__isnull=False, delivery__in=deliveries)
    return found.order_by("-pk").only("cause", "delivery_id")


def _is_superseded(delivery: Delivery, newest: Mapping[UUID, int]) -> bool:
    session = delivery.session
    if delivery.status != DeliveryStatus.APPLIED or session is None:
        return False
    # The newest event says the state; an older one may still be the last that brought checks.
    return newest.get(session.pk, delivery.pk) != delivery.pk and session.evidence_id != delivery.pk


def newest_events(sessions: Iterable[UUID]) -> dict[UUID, int]:
    """Return the delivery of each session's newest event: of those of its last instant, the one that the fold prefers."""
    wanted = list(sessions)
    return newest_in(last_events(wanted)) if wanted else {}


def last_events(sessions: Sequence[UUID]) -> QuerySet[Delivery]:
    """Return the events of each session's last instant."""
    return Delivery.objects.filter(
        session__in=sessions, status=DeliveryStatus.APPLIED, event_at=F("session__last_event_at")
    ).only("session_id", "event_id", "event_at", "session_state", "source")


def newest_in(last: Iterable[Delivery]) -> dict[UUID, int]:
    """Return the delivery of each session's newest event, by the rows of `last_events`."""
    best: dict[UUID, Fact] = {}
    for row in last:
        assert row.session_id and row.event_id and row.event_at  # noqa: S101 - a constraint: applied rows have them
        is_api = row.source == DeliverySource.API
        event = Fact(row.pk, row.event_id, row.event_at, SessionState(row.session_state), is_api=is_api)
        if row.session_id not in best or event.order > best[row.session_id].order:
            best[row.session_id] = event
    return {session_id: event.delivery for session_id, event in best.items()}


def sessions_of(delivery: Delivery, *, most: int) -> QuerySet[Session]:
    """Return the newest sessions of the subject that a record event is about."""
    found = Session.objects.none()
    if delivery.user_id:
        found = found | Session.objects.filter(user_id=delivery.user_id)
    if delivery.related_party_id:
        found = found | Session.objects.filter(related_party_id=delivery.related_party_id)
    return found.order_by("-last_event_at")[:most]
