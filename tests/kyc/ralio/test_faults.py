"""What keeps a body from being an event, each named by its path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kyc.choices import QuarantineCause
from kyc.ralio.events import instant, read
from tests.kyc.ralio.test_events import EVENT, SESSION, USER, event

OTHER = "00000000-0000-4000-8000-000000000000"


def faults(document: Any) -> list[str]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    reading = read(body)
    assert reading.event is None
    assert reading.cause == QuarantineCause.INVALID
    return [fault.path for fault in reading.faults]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": None}, "id"),
        ({"id": "550e8400e29b41d4a716446655440000"}, "id"),
        ({"id": "{550e8400-e29b-41d4-a716-446655440000}"}, "id"),
        ({"id": "550e8400-e29b-41d4-a716-44665544000g"}, "id"),
        ({"id": "550e8400-e29b-41d4-a716-446655440000\n"}, "id"),
        ({"id": 7}, "id"),
        ({"eventId": OTHER}, "eventId"),
        ({"event": ""}, "event"),
        ({"event": 5}, "event"),
        ({"eventType": "kyc_session_verified"}, "eventType"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": 1773766177}, "timestamp"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"data": "x"}, "data"),
    ],
)
def test_the_envelope_is_sound(change: dict[str, Any], path: str) -> None:
    assert faults(event() | change) == [path]


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({"sessionId": None}, ["data.sessionId"]),
        ({"sessionId": 5}, ["data.sessionId"]),
        ({"session_id": OTHER}, ["data.session_id"]),
        ({"userId": "x"}, ["data.userId"]),
        ({"userId": ""}, ["data.userId"]),
        ({"relatedPartyId": 12}, ["data.relatedPartyId"]),
        ({"checks": {}}, ["data.checks"]),
        ({"checks": "none"}, ["data.checks"]),
        ({"checks": False}, ["data.checks"]),
        ({"checks": [1, None]}, ["data.checks[0]", "data.checks[1]"]),
        ({"checks": [{}]}, ["data.checks[0].type"]),
        ({"checks": [{"type": 1}]}, ["data.checks[0].type"]),
        ({"checks": [{"type": "a", "reasons": {}}]}, ["data.checks[0].reasons"]),
        ({"checks": [{"type": "a"}, {"type": "b", "reasons": ["x"]}]}, ["data.checks[1].reasons[0]"]),
        ({"sessionId": "x", "userId": 1, "checks": 2}, ["data.sessionId", "data.userId", "data.checks"]),
    ],
)
def test_the_data_of_a_session_event_is_sound(data: dict[str, Any], paths: list[str]) -> None:
    assert sorted(faults(event(**data))) == sorted(paths)


def test_every_fault_is_named_at_once() -> None:
    assert sorted(faults({"event": "kyc_session_failed", "data": {}})) == [
        "data.sessionId",
        "id",
        "timestamp",
    ]


def test_a_created_session_needs_its_id() -> None:
    assert faults(event("related_party.kyc_session_created", sessionId=None)) == ["data.kycSession.id"]
    assert faults(event("related_party.kyc_session_created", sessionId=None, kycSession={"id": 1})) == [
        "data.kycSession.id"
    ]
    assert faults(event("related_party.kyc_session_created", relatedParty={"id": 1234})) == [
        "data.relatedParty.id"
    ]


def test_the_subject_of_a_known_record_event_is_sound() -> None:
    assert faults(event("kyc_state_updated", userId=5)) == ["data.userId"]


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("top", "x"),
        ("data", "data.x"),
        ("check", "data.checks[0].x"),
        ("reason", "data.checks[0].reasons[0].x"),
    ],
)
def test_a_member_named_twice_is_a_fault_where_we_interpret(where: str, path: str) -> None:
    twice = dict.fromkeys(("top", "data", "check", "reason"), "") | {where: ',"x":1,"x":1'}
    body = (
        f'{{"id":"{EVENT}","event":"kyc_session_failed","timestamp":"2026-03-17T16:49:37Z"{twice["top"]},'
        f'"data":{{"sessionId":"{SESSION}","userId":"{USER}"{twice["data"]},'
        f'"checks":[{{"type":"t"{twice["check"]},"reasons":[{{"code":"c"{twice["reason"]}}}]}}]}}}}'
    )
    assert faults(body.encode()) == [path]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\x1f\x8b\x08\x00",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "\x00"}',
        b'{"a": 1} {}',
        b"[]",
        b"null",
        b'"text"',
        b"12",
        b"[" * 100_000,
        b'{"a":' * 201 + b"1" + b"}" * 201,
        b'"' + b'\\"' * 100_000,
    ],
)
def test_what_is_no_json_object_is_not_json(body: bytes) -> None:
    reading = read(body)

    assert (reading.event, reading.cause) == (None, QuarantineCause.NOT_JSON)
    assert len(reading.faults) == 1


def test_nesting_up_to_200_is_taken() -> None:
    body = json.dumps(event(checks=[{"type": "t", "data": "DEEP"}]))
    # The envelope, data, checks and the check are four levels.
    deep = "[" * 196 + "]" * 196
    assert read(body.replace('"DEEP"', deep).encode()).event is not None
    assert read(body.replace('"DEEP"', f"[{deep}]").encode()).cause == QuarantineCause.NOT_JSON


def test_brackets_in_text_are_not_nesting() -> None:
    assert read(json.dumps(event(note="[{" * 500)).encode()).event is not None


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("2026-03-17T16:49:37.314Z", True),
        ("2026-02-26T17:02:28.7667797-05:00", True),
        ("2026-03-17T12:40:24-04:00", True),
        ("2026-03-17t12:40:24z", True),
        ("20260317T124024+0000", True),
        ("2026-03-17T12:40+01", True),
        ("0001-01-01T00:00:00Z", True),
        ("9999-12-31T23:59:59.9999999Z", True),
        ("0001-01-01T00:00:00+00:01", False),
        ("9999-12-31T23:59:59-00:01", False),
        ("0000-12-31T23:59:59Z", False),
        ("2026-03-17T24:00:00Z", False),
        ("2026-03-17T12:40:60Z", False),
        ("2026-02-29T12:40:00Z", False),
        ("2026-03-17T12:40:24", False),
        ("2026-0317T12:40:24Z", False),
        ("2026-03-17", False),
        ("2026-03-17T12:40:24+24:00", False),
        ("2026-03-17T12:40:24+05:60", False),
        ("２０２６-03-17T12:40:24Z", False),
        (" 2026-03-17T12:40:24Z", False),
        ("", False),
    ],
)
def test_an_instant_has_its_offset_and_exists(text: str, is_taken: bool) -> None:
    assert (instant(text) is not None) == is_taken


def test_finer_than_a_microsecond_is_cut_off() -> None:
    assert instant("2026-02-26T17:02:28.7667799-05:00") == instant("2026-02-26T22:02:28.766779Z")
