"""Events drawn at random: every name, generation and spelling, over few sessions, subjects, codes and hours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
SESSION_NAMES = (
    "kyc_session_failed",
    "kyc.session_manual_review",
    "kyc_session_verified",
    "kyc_session_expired",
    "related_party.kyc_session_created",
)
OTHER_NAMES = ("kyc_state_updated", "kyc_whatever_comes", "payin_completed")
IDS = [str(UUID(int=n)) for n in range(1, 4)]
SPELLINGS: dict[str, dict[str, str]] = {
    "g1": {},
    "g2": {},
    "g3": {"id": "eventId", "event": "eventType"},
    "snake": {
        "id": "event_id",
        "event": "event_type",
        "sessionId": "session_id",
        "userId": "user_id",
        "relatedPartyId": "related_party_id",
        "entityType": "entity_type",
    },
}

texts = st.sampled_from(["A", "B", "KYC.DOC.DETERIORATED", "Ñandú \x00 \ud800 𝛑", "C" * 90])
reasons = st.lists(
    st.fixed_dictionaries(
        {"code": texts, "message": texts},
        optional={"type": texts, "category": st.sampled_from(["DOC", None, 7])},
    ),
    max_size=3,
)
checks = st.lists(
    st.fixed_dictionaries(
        {"type": texts, "state": st.sampled_from([1, 2, "Refused", "validated", 3, None])},
        optional={
            "reasons": reasons,
            "data": st.sampled_from([{}, {"provider": "MOCK", "n": 10**30, "text": "\x00\ud800"}, [1, None]]),
        },
    ),
    max_size=3,
)
data = st.fixed_dictionaries(
    {"sessionId": st.integers(0, 2)},
    optional={
        "userId": st.sampled_from(IDS),
        "relatedPartyId": st.sampled_from(IDS),
        "entityType": st.sampled_from(["user", "related-party", "dog", None]),
        "checks": st.one_of(st.none(), checks),
    },
)
told = st.tuples(
    st.sampled_from(SESSION_NAMES + OTHER_NAMES), st.integers(0, 5), data, st.sampled_from(list(SPELLINGS))
)
streams = st.lists(told, min_size=1, max_size=6)

Told = tuple[str, int, dict[str, Any], str]


def bodies(drawn: Iterable[Told], *, sessions: int = 0xA0, first: int = 1000) -> list[bytes]:
    """Return each drawn event under an id of its own; `sessions` and `first` are where ids begin."""
    return [body(each, sessions=sessions, event_id=UUID(int=first + n)) for n, each in enumerate(drawn)]


def body(drawn: Told, *, sessions: int, event_id: UUID) -> bytes:
    name, hour, said, spelling = drawn
    members = said | {"sessionId": str(UUID(int=sessions + said["sessionId"]))}
    if name == SESSION_NAMES[-1]:
        party = {"id": members.pop("relatedPartyId", IDS[0]), "firstName": "Ana", "email": "ana@example.test"}
        members |= {"kycSession": {"id": members.pop("sessionId")}, "relatedParty": party}
        members.pop("entityType", None)
    event = {
        "id": str(event_id),
        "event": name,
        "timestamp": (NOON + timedelta(hours=hour)).isoformat(),
        "data": _spelled(members, spelling),
    }
    return json.dumps(_spelled(event, spelling)).encode()


def _spelled(members: dict[str, Any], spelling: str) -> dict[str, Any]:
    return {SPELLINGS[spelling].get(name, name): value for name, value in members.items()}
