"""Pairs of deliveries that meet: what two processes post at the same instant, and what they are to hear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from kyc.ralio.simulator.promises import Outcome, Promise

NAMES = (
    "kyc_session_failed",
    "kyc_session_manual_review",
    "kyc_session_verified",
    "kyc_session_expired",
)
KINDS = {
    "two events of a new session": 36,
    "two events of a known session": 24,
    "the same new codes": 14,
    "the same event": 8,
    "the same event id": 6,
    "the same contact": 6,
    "the same unreadable bytes": 3,
    "two records": 3,
}
N_CODES = 7
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
_BOTH = (Outcome.ACCEPTED, Outcome.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Duel:
    """Two posts. `outcomes` is what they end as, in either order."""

    kind: str
    bodies: tuple[bytes, bytes]
    events: tuple[UUID, UUID]
    outcomes: tuple[Outcome, Outcome] = _BOTH
    promise: Promise = Promise.TAKEN


def duels(seed: int, number: int) -> Iterator[Duel]:
    """Yield so many duels, the same ones for the same seed."""
    rng = Random(seed)
    known: list[UUID] = []
    for _ in range(number):
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "two events of a known session" and known:
            session = rng.choice(known[-200:])
        else:
            session = _id(rng)
            known.append(session)
        yield _duel(rng, kind, session)


def _duel(rng: Random, kind: str, session: UUID) -> Duel:
    first, second = _id(rng), _id(rng)
    if kind == "the same event":
        body = _event(rng, first, session)
        return Duel(kind, (body, body), (first, first), (Outcome.ACCEPTED, Outcome.DUPLICATE))
    if kind == "the same event id":
        bodies = (_event(rng, first, session), _event(rng, first, _id(rng)))
        return Duel(kind, bodies, (first, first), (Outcome.ACCEPTED, Outcome.QUARANTINED))
    if kind == "the same unreadable bytes":
        body = json.dumps({"id": str(first)}).encode()
        refused = (Outcome.REFUSED, Outcome.REFUSED)
        return Duel(kind, (body, body), (first, first), refused, Promise.UNREADABLE)
    if kind == "the same contact":
        party = _id(rng)
        return Duel(kind, (_created(rng, first, party), _created(rng, second, party)), (first, second))
    if kind == "two records":
        user = _id(rng)
        return Duel(kind, (_record(rng, first, user), _record(rng, second, user)), (first, second))
    if kind == "the same new codes":
        codes = [f"KYC.NEW.{rng.getrandbits(48):x}" for _ in range(N_CODES)]
        other = session if rng.random() < 0.5 else _id(rng)
        backwards = codes[::-1] if rng.random() < 0.5 else rng.sample(codes, N_CODES)
        bodies = (_event(rng, first, session, codes), _event(rng, second, other, backwards))
        return Duel(kind, bodies, (first, second))
    return Duel(kind, (_event(rng, first, session), _event(rng, second, session)), (first, second))


def _event(rng: Random, event: UUID, session: UUID, codes: list[str] | None = None) -> bytes:
    name = rng.choice(NAMES[:2] if codes else NAMES)
    codes = codes or rng.choices(
        ("LOW_CONFIDENCE", "KYC.DOC.DETERIORATED", "KYC.DOC.EXPIRED"), k=rng.randrange(3)
    )
    reasons = [{"type": "document", "code": code, "message": "Seen in a race."} for code in codes]
    check = {"type": "document-verification", "state": 2 if reasons else 1, "data": {}, "reasons": reasons}
    data = {
        "sessionId": str(session),
        "userId": str(UUID(int=session.int ^ 1)),
        "entityType": "user",
        "checks": [check] if rng.random() < 0.8 or reasons else [],
    }
    return _body(rng, event, name, data)


def _created(rng: Random, event: UUID, party: UUID) -> bytes:
    data = {
        "relatedParty": {
            "id": str(party),
            "firstName": f"Ana {rng.randrange(9)}",
            "email": "ana@race.example",
        },
        "kycSession": {"id": str(_id(rng))},
    }
    return _body(rng, event, "related_party.kyc_session_created", data)


def _record(rng: Random, event: UUID, user: UUID) -> bytes:
    return _body(rng, event, "kyc_state_updated", {"kycId": 1, "userId": str(user), "state": "REGULAR"})


def _body(rng: Random, event: UUID, name: str, data: dict[str, Any]) -> bytes:
    # Few instants, so that many are the same.
    at = NOON + timedelta(seconds=rng.randrange(20))
    return json.dumps({"id": str(event), "event": name, "timestamp": at.isoformat(), "data": data}).encode()


def _id(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
