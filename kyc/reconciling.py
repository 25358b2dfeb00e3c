"""Compare what this desk knows of users' sessions with what Ralio's API says, and bring in what is missing.

Ralio's clock for a state and the instant of the event about it may lie apart, so a state counts as heard when an event
says the same within TOLERANCE. States of which Ralio sends no event (NOT_STARTED, STARTED) are nothing to miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kyc import ingestion
from kyc.choices import DeliverySource, DeliveryStatus, SessionState
from kyc.models import Delivery, Session
from kyc.ralio import answers
from kyc.ralio.answers import Listed, Log
from kyc.ralio.client import Client, Refused

TOLERANCE = timedelta(minutes=10)
USERS_AT_ONCE = 500
_TOLD = frozenset({SessionState.REVIEW, SessionState.REJECTED, SessionState.VERIFIED, SessionState.EXPIRED})
_HAVE_CHECKS = frozenset({SessionState.REVIEW, SessionState.REJECTED})


class Kind(StrEnum):
    """What can differ."""

    UNKNOWN_SESSION = "unknown_session"
    MISSED_STATE = "missed_state"
    LACKING_CHECKS = "lacking_checks"
    UNKNOWN_WORD = "unknown_word"
    REOPENED = "reopened"


@dataclass(slots=True)
class Difference:
    """One thing that Ralio knows and this desk does not. `body` is what brings it in, empty where nothing does."""

    kind: Kind
    user_id: UUID
    session_id: UUID
    state: str
    at: datetime
    body: bytes = b""
    is_repaired: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of a session that this desk has."""

    state: SessionState
    at: datetime
    n_checks: int
    source: str


def users(since: datetime | None = None, *, after: UUID | None = None) -> Iterator[UUID]:
    """Yield every user that this desk has heard of, in the order of their ids, a page at a time.

    With `since`: only those of whom it heard from then on.
    """
    sessions = Session.objects.filter(user_id__isnull=False)
    records = Delivery.objects.filter(user_id__isnull=False, status=DeliveryStatus.RECORDED)
    if since is not None:
        sessions, records = sessions.filter(last_event_at__gte=since), records.filter(event_at__gte=since)
    while True:
        known: set[UUID] = set()
        for rows in (sessions, records):
            later = rows if after is None else rows.filter(user_id__gt=after)
            found = later.order_by("user_id").values_list("user_id", flat=True).distinct()
            known.update(pk for pk in found[:USERS_AT_ONCE] if pk)
        chosen = sorted(known)[:USERS_AT_ONCE]
        if not chosen:
            return
        yield from chosen
        after = chosen[-1]


def differences(
    client: Client, user_id: UUID, *, since: datetime | None = None, is_repairing: bool = False
) -> Iterator[Difference]:
    """Yield what differs of one user's sessions, each repaired first where that is wanted and can be done.

    Raises ApiError. What was repaired before stays so: each repair is a transaction of its own.
    """
    for listed in _listed(client, user_id):
        if since is not None and listed.at is not None and listed.at < since:
            continue
        for difference in _of_session(client, user_id, listed, since):
            if is_repairing and difference.body:
                difference.is_repaired = _repair(difference)
            yield difference


def _listed(client: Client, user_id: UUID) -> Iterator[Listed]:
    """Yield the user's sessions at Ralio; a user whom it does not know has none."""
    try:
        yield from client.sessions(user_id)
    except Refused as error:
        if error.status != 404:
            raise


def _of_session(
    client: Client, user_id: UUID, listed: Listed, since: datetime | None
) -> Iterator[Difference]:
    logs = client.history(user_id, listed.session_id)
    missed = list(_missed(user_id, listed, logs, heard(listed.session_id), since))
    yield from missed
    # What was repaired has been heard by now.
    known = heard(listed.session_id)
    newest = max(known, key=lambda event: event.at, default=None)
    if newest is not None and _lacks_checks(known, newest):
        yield from _checks(client, user_id, listed.session_id, newest)
    if all(difference.is_repaired for difference in missed):
        yield from _reopened(user_id, listed.session_id, logs)


def heard(session_id: UUID) -> list[Heard]:
    rows = Delivery.objects.filter(session=session_id, status=DeliveryStatus.APPLIED)
    found = rows.values_list("session_state", "event_at", "n_checks", "source")
    return [Heard(SessionState(state), at, n_checks, source) for state, at, n_checks, source in found if at]


def missed_logs(logs: Iterable[Log], known: Iterable[Heard]) -> list[Log]:
    """Return the states of which an event is due and none was heard. Each event answers for one state only."""
    left = list(known)
    missed = []
    for log in logs:
        near = [event for event in left if event.state == log.state and abs(event.at - log.at) <= TOLERANCE]
        if near:
            left.remove(min(near, key=lambda event: abs(event.at - log.at)))
        elif log.state in _TOLD:
            missed.append(log)
    return missed


def _missed(
    user_id: UUID,
    listed: Listed,
    logs: Sequence[Log],
    known: Sequence[Heard],
    since: datetime | None,
) -> Iterator[Difference]:
    kind = Kind.MISSED_STATE if known else Kind.UNKNOWN_SESSION
    for log in missed_logs(logs, known):
        if since is None or log.at >= since:
            body = answers.state_body(log, session_id=listed.session_id, user_id=user_id)
            yield Difference(kind, user_id, listed.session_id, str(log.state), log.at, body)
    for log in logs:
        if log.state is None:
            yield Difference(Kind.UNKNOWN_WORD, user_id, listed.session_id, "", log.at)
    # A history that leaves out what the list says: the list will do.
    is_in_history = any(log.state == listed.state for log in logs)
    if not is_in_history and listed.state in _TOLD and listed.at and not _says(known, listed):
        body = answers.session_body(listed, user_id=user_id)
        yield Difference(kind, user_id, listed.session_id, str(listed.state), listed.at, body)
    elif listed.state is None and not any(log.state is None for log in logs):
        yield Difference(
            Kind.UNKNOWN_WORD, user_id, listed.session_id, "", listed.at or datetime.min.replace(tzinfo=UTC)
        )


def _says(known: Iterable[Heard], listed: Listed) -> bool:
    return any(event.state == listed.state for event in known)


def _lacks_checks(known: Iterable[Heard], newest: Heard) -> bool:
    return newest.state in _HAVE_CHECKS and not any(
        event.n_checks and event.at >= newest.at - TOLERANCE and event.state == newest.state
        for event in known
    )


def _checks(client: Client, user_id: UUID, session_id: UUID, newest: Heard) -> Iterator[Difference]:
    said = client.checks(user_id, session_id)
    if said is not None:
        body = answers.checks_body(
            said, session_id=session_id, user_id=user_id, state=newest.state, at=newest.at
        )
        yield Difference(Kind.LACKING_CHECKS, user_id, session_id, str(newest.state), newest.at, body)


def _reopened(user_id: UUID, session_id: UUID, logs: Sequence[Log]) -> Iterator[Difference]:
    """Yield a REVIEW that only the API tells of: it is kept, but only a webhook brings a session back to the queue."""
    last = next((log for log in reversed(logs) if log.state in _TOLD), None)
    if last is None or last.state != SessionState.REVIEW:
        return
    session = Session.objects.filter(pk=session_id).first()
    if session is not None and session.provider_state != last.state and session.last_event_at < last.at:
        yield Difference(Kind.REOPENED, user_id, session_id, str(last.state), last.at)


def _repair(difference: Difference) -> bool:
    receipt = ingestion.receive(difference.body, {}, source=DeliverySource.API)
    return receipt.delivery.status == DeliveryStatus.APPLIED
