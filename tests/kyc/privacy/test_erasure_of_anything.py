"""Whatever Ralio sent of a subject, in whichever spelling and order: nothing personal of it survives their erasure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kyc import ingestion, ledger
from kyc.choices import EntityType
from kyc.models import Delivery, RefusedRequest, Session
from kyc.rebuilding import rebuild
from kyc.subjects import Subject
from tests import wire
from tests.kyc.drawn import NOON, SPELLINGS
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import said

USER, PARTY = UUID(int=0xB1), UUID(int=0xB2)
SESSIONS = (UUID(int=0xA1), UUID(int=0xA2))
NAMES = (
    "kyc_session_failed",
    "kyc.session_manual_review",
    "kyc_session_verified",
    "related_party.kyc_session_created",
)
RECORDS = ("kyc_state_updated", "kyc_whatever_comes")

personal: st.SearchStrategy[Any] = st.sampled_from(
    [said("text"), said("Ñ \ud800"), {"name": said("deep"), "url": said("link")}, [said("listed"), 7], None]
)
# Members that nobody has heard of, at any place.
more = st.dictionaries(
    st.sampled_from(["note", "fullName", "hostedUrl", said("member")]), personal, max_size=2
)


def also(known: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(more, known).map(lambda both: {**both[0], **both[1]})


reasons = st.lists(
    also(
        st.fixed_dictionaries(
            {"code": st.sampled_from(["A", "KYC.DOC.B", "Ñ" * 90]), "message": personal},
            optional={
                "type": st.sampled_from(["face-match", {"name": said("type")}]),
                "category": st.just("DOC"),
            },
        )
    ),
    max_size=2,
)
checks = st.lists(
    also(
        st.fixed_dictionaries(
            {
                "type": st.just("face"),
                "state": st.sampled_from([1, "Refused", 3, None, {"of": said("state")}]),
            },
            optional={"data": personal, "reasons": reasons, "seenBy": personal},
        )
    ),
    max_size=2,
)
subjects = st.sampled_from(
    [
        {"userId": str(USER)},
        {"relatedPartyId": str(PARTY)},
        {"userId": str(USER), "relatedPartyId": str(PARTY)},
    ]
)
data = st.tuples(
    subjects,
    also(
        st.fixed_dictionaries(
            {}, optional={"checks": checks, "entityType": st.sampled_from(["user", said("kind")])}
        )
    ),
).map(lambda both: {**both[1], **both[0]})
events = st.tuples(
    st.sampled_from(NAMES + RECORDS),
    # Few ids: some are used twice.
    st.integers(0, 3),
    st.sampled_from(SESSIONS),
    st.sampled_from(list(SPELLINGS)),
    data,
    more,
)


def body(event: tuple[Any, ...]) -> bytes:
    name, number, session_id, spelling, told, beside = event
    members = dict(told)
    if name == NAMES[-1]:
        party = {"id": str(PARTY), "firstName": said("Ana"), "email": f"{lives.MARK}@example.test"}
        members = {
            **members,
            "kycSession": {"id": str(session_id), "url": f"https://x.test/{lives.MARK}"},
            "relatedParty": party,
        }
        members.pop("relatedPartyId", None)
    elif name in NAMES:
        members["sessionId"] = str(session_id)
    made = {
        "id": str(UUID(int=1000 + number)),
        "event": name,
        "timestamp": NOON.isoformat(),
        "data": _spelled(members, spelling),
    }
    return json.dumps({**beside, **_spelled(made, spelling)}).encode()


def _spelled(members: dict[str, Any], spelling: str) -> dict[str, Any]:
    return {SPELLINGS[spelling].get(name, name): value for name, value in members.items()}


def ended(session: Session) -> dict[str, Any]:
    """Return an event that ends a session: what is in REVIEW is not erased."""
    at = NOON + timedelta(hours=1)
    return wire.payload("kyc_session_verified", session_id=session.pk, user_id=USER, at=at, note=said("end"))


FIRST = (NAMES[0], 0, UUID(int=0xA1), "g1", {"userId": str(USER)}, {})
# Another content under its event id, about somebody of whom nothing else is known.
BESIDE = (NAMES[0], 0, UUID(int=0xA2), "g1", {"relatedPartyId": str(PARTY)}, {"note": said("beside")})


@pytest.mark.django_db
@hypothesis_settings(max_examples=8)
@example(drawn=[FIRST, BESIDE])
@given(drawn=st.lists(events, min_size=1, max_size=4))
def test_nothing_personal_survives_and_everything_agrees(settings: Any, drawn: list[Any]) -> None:
    settings.KYC_LEGAL_MINIMUM = timedelta()
    with transaction.atomic():
        _try(drawn)
        transaction.set_rollback(True)


def _try(drawn: list[Any]) -> None:
    bodies = [body(event) for event in drawn]
    for sent in bodies:
        ingestion.receive(sent, {"User-Agent": said("agent")})
    bodies += [wire.encode(ended(session)) for session in Session.objects.all()]
    for sent in bodies:
        ingestion.receive(sent, {})
    for subject in (Subject(EntityType.USER, USER), Subject(EntityType.RELATED_PARTY, PARTY)):
        if subject.is_known() or subject.is_mentioned():
            lives.erase(subject)
    assert lives.found() == set()
    _agrees()
    n_deliveries = Delivery.objects.count()
    for sent in bodies:
        ingestion.receive(sent, {"User-Agent": said("again")})
    assert (Delivery.objects.count(), lives.found()) == (n_deliveries, set())
    _agrees()


def _agrees() -> None:
    assert [
        found for session in Session.objects.all() for found in rebuild(session.pk, is_dry_run=True)
    ] == []
    assert list(ledger.verify()) == []
    assert not RefusedRequest.objects.exists()
