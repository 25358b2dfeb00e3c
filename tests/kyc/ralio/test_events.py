"""Ralio's words in ours: every event and generation, in every spelling."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from kyc.choices import CheckState, EntityType, SessionState
from kyc.ralio.events import OtherEvent, RecordEvent, SessionEvent, read
from tests import wire

SESSION = "43b972aa-88c2-4791-9a7b-7a338e182a3c"
USER = "15f8e008-d774-4a0f-bc39-a78c8e4859c9"
PARTY = "f6c8c8c8-1234-4abc-9def-0123456789ab"
EVENT = "c4f6d7a7-cf31-4ae4-af15-7571c0e7f743"


def event(name: str = "kyc_session_failed", **data: Any) -> dict[str, Any]:
    return {
        "id": EVENT,
        "event": name,
        "timestamp": "2026-03-17T16:49:37.314Z",
        "data": {"sessionId": SESSION, **data},
    }


def taken(document: dict[str, Any]) -> Any:
    reading = read(json.dumps(document).encode())
    assert reading.faults == ()
    return reading.event


@pytest.mark.parametrize("name", wire.names())
def test_every_example_is_an_event(name: str) -> None:
    assert isinstance(taken(wire.payload(name)), OtherEvent)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("kyc_session_failed", SessionState.REJECTED),
        ("kyc_session_manual_review", SessionState.REVIEW),
        ("kyc_session_verified", SessionState.VERIFIED),
        ("kyc_session_expired", SessionState.EXPIRED),
        ("kyc.session_failed", SessionState.REJECTED),
        ("kyc.session.manual.review", SessionState.REVIEW),
    ],
)
def test_the_event_name_is_the_state(name: str, state: SessionState) -> None:
    assert taken(event(name, userId=USER)).state == state


def test_a_created_session_brings_its_related_party_and_a_contact() -> None:
    created = taken(
        wire.payload("related_party.kyc_session_created", session_id=SESSION, related_party_id=PARTY)
    )

    assert (created.session_id, created.state) == (UUID(SESSION), SessionState.NOT_STARTED)
    assert (created.entity_type, created.related_party_id) == (EntityType.RELATED_PARTY, UUID(PARTY))
    assert created.user_id is None
    assert (created.contact.name, created.contact.email) == ("John Doe", "john.doe@example.com")


def test_a_created_session_is_read_in_snake_case_too() -> None:
    created = taken(
        {
            "event_id": EVENT,
            "event_type": "related_party_kyc_session_created",
            "timestamp": "2026-04-29T12:50:22Z",
            "data": {
                "kyc_session": {"id": SESSION},
                "related_party": {
                    "id": PARTY,
                    "first_name": "Zoë",
                    "last_name": "Doe",
                    "email": "z@example.com",
                },
            },
        }
    )
    assert (created.session_id, created.contact.name) == (UUID(SESSION), "Zoë Doe")


@pytest.mark.parametrize(
    ("envelope", "members"),
    [
        (("id", "event"), ("sessionId", "userId", "entityType")),
        (("eventId", "eventType"), ("session_id", "user_id", "entity_type")),
        (("event_id", "event_type"), ("sessionId", "user_id", "entityType")),
    ],
)
def test_it_takes_either_spelling_of_every_member(
    envelope: tuple[str, ...], members: tuple[str, ...]
) -> None:
    got = taken(
        {
            envelope[0]: EVENT,
            envelope[1]: "kyc_session_verified",
            "timestamp": "2026-03-17T16:35:12.501Z",
            "data": dict(zip(members, (SESSION, USER, "user"), strict=True)),
        }
    )
    assert isinstance(got, SessionEvent)
    assert (got.event_id, got.session_id, got.user_id) == (UUID(EVENT), UUID(SESSION), UUID(USER))
    assert got.entity_type == EntityType.USER


def test_the_same_value_in_both_spellings_is_no_fault() -> None:
    assert taken(event(userId=USER, user_id=USER, session_id=SESSION, relatedPartyId=None)).user_id == UUID(
        USER
    )


@pytest.mark.parametrize(
    ("data", "entity"),
    [
        ({"userId": USER}, EntityType.USER),
        ({"relatedPartyId": PARTY}, EntityType.RELATED_PARTY),
        ({"userId": USER, "entityType": "user"}, EntityType.USER),
        ({"relatedPartyId": PARTY, "entityType": "related-party"}, EntityType.RELATED_PARTY),
        ({"userId": USER, "relatedPartyId": PARTY, "entityType": "user"}, EntityType.UNKNOWN),
        ({"userId": USER, "entityType": "related-party"}, EntityType.UNKNOWN),
        ({"userId": USER, "entityType": "company"}, EntityType.UNKNOWN),
        ({"userId": USER, "entityType": 1}, EntityType.UNKNOWN),
        ({"userId": USER, "entityType": []}, EntityType.UNKNOWN),
        ({"entityType": "user"}, EntityType.UNKNOWN),
        ({}, EntityType.UNKNOWN),
    ],
)
def test_the_subject_is_known_only_when_all_agrees(data: dict[str, Any], entity: EntityType) -> None:
    got = taken(event(**data))

    assert got.entity_type == entity
    assert (got.user_id is not None, got.related_party_id is not None) == (
        "userId" in data,
        "relatedPartyId" in data,
    )


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        ("Validated", CheckState.VALIDATED),
        ("VALIDATED", CheckState.VALIDATED),
        (1, CheckState.VALIDATED),
        ("1", CheckState.VALIDATED),
        ("refused", CheckState.REFUSED),
        (2, CheckState.REFUSED),
        ("2", CheckState.REFUSED),
        *(
            (value, CheckState.UNKNOWN)
            for value in (3, 0, "Passed", "", True, False, 1.0, None, [], {}, "1.0", " 1")
        ),
    ],
)
def test_an_unknown_check_state_never_counts_as_passed(sent: Any, state: CheckState) -> None:
    (check,) = taken(event(checks=[{"type": "face-matching", "state": sent}])).checks

    assert check.state == state
    assert check.state_sent == ("" if sent is None else json.dumps(sent))


def test_checks_and_reasons_keep_what_was_sent() -> None:
    data = (
        '{"n":1e400,"big":'
        + "9" * 5000
        + ',"s":"\\ud800\\u0000é","twice":1,"twice":2,"timestamp":"2026-03-17T12:40:24-04:00","provider":"MOCK"}'
    )
    body = json.dumps(
        event(checks=[{"type": "a\ud800\0b", "reasons": [{"code": 7, "message": None, "category": ["x"]}]}])
    )
    body = body.replace('"reasons"', f'"data": {data}, "reasons"')
    (check,) = read(body.encode()).event.checks  # type: ignore[union-attr]

    assert check.data == data.replace("é", "\\u00e9")
    assert check.type == "a\ufffd\ufffdb"
    assert (check.provider, check.checked_at) == ("MOCK", datetime(2026, 3, 17, 16, 40, 24, tzinfo=UTC))
    assert (check.reasons[0].code, check.reasons[0].message, check.reasons[0].category) == ("7", "", '["x"]')


@pytest.mark.parametrize("checks", [None, [], "missing"])
def test_no_checks_are_no_fault(checks: Any) -> None:
    data = {} if checks == "missing" else {"checks": checks}
    assert taken(event(**data)).checks == ()


@pytest.mark.parametrize(
    "name",
    [
        "kyc_state_updated",
        "kyc.expiration_warning",
        "kyb_state_updated",
        "kyc_new_thing",
        "related_party.gone",
    ],
)
def test_record_events_concern_a_subject(name: str) -> None:
    got = taken(event(name, userId=USER))

    assert isinstance(got, RecordEvent)
    assert got.user_id == UUID(USER)


def test_an_unknown_kyc_event_has_no_faults_in_its_data() -> None:
    got = taken(event("kyc_new_thing", userId=12, checks="?"))
    assert (type(got), got.user_id) == (RecordEvent, None)


@pytest.mark.parametrize(
    "name", ["viban_failed", "payin_failed", "session_failed", "KYC_SESSION_FAILED", "xkyc_session_failed"]
)
def test_what_only_looks_like_a_session_event_is_none(name: str) -> None:
    assert type(taken(event(name, status="REJECTED", checks="?"))) is OtherEvent


def test_two_bodies_of_the_same_meaning_have_the_same_digest() -> None:
    first = b'{"a": [1.0, "\\u0041"], "b": {"x": 1, "y": null}}'
    second = b'\xef\xbb\xbf{"b":{"y":null,"x":1},"a":[1.0,"A"]}'
    other = b'{"b":{"y":null,"x":1},"a":[1,"A"]}'

    assert read(first).meaning == read(second).meaning
    assert read(first).meaning != read(other).meaning
