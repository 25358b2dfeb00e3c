"""For any bytes: an event or faults, never an exception, and always the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kyc.ralio.events import Reading, read
from kyc.ralio.jsontext import Members, Number, parse, write
from tests.kyc.ralio.test_events import EVENT, SESSION, USER

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
WORDS = st.sampled_from(
    [EVENT, SESSION, USER, "user", "related-party", "Refused", "2026-03-17T16:49:37Z", "", "1"]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["kyc_session_failed", "kyc.session_verified", "related_party.kyc_session_created", "kyc_x", "payin"]
)
REASONS = st.fixed_dictionaries({}, optional=dict.fromkeys(("type", "code", "message", "category"), VALUES))
CHECKS = st.fixed_dictionaries(
    {},
    optional={
        "type": VALUES | TEXT,
        "state": VALUES,
        "data": VALUES,
        "reasons": st.lists(REASONS | VALUES, max_size=3),
    },
)
PARTS = st.fixed_dictionaries({}, optional={"id": WORDS | VALUES, "firstName": VALUES, "email": VALUES})
DATA = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("sessionId", "session_id", "userId", "relatedPartyId", "entityType"), WORDS | VALUES
        ),
        "checks": st.lists(CHECKS | VALUES, max_size=3) | VALUES,
        "kycSession": PARTS | VALUES,
        "relatedParty": PARTS | VALUES,
    },
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "eventId", "timestamp"), WORDS | VALUES),
        "event": NAMES | VALUES,
        "eventType": NAMES,
        "data": DATA | VALUES,
    },
)


def sound(reading: Reading) -> None:
    if reading.event is None:
        assert reading.cause is not None
        assert reading.faults
    else:
        assert (reading.cause, reading.faults) == (None, ())
    stored = json.dumps([fault.as_dict() for fault in reading.faults]) + reading.name + repr(reading.event)
    assert "\\u0000" not in json.dumps([fault.as_dict() for fault in reading.faults])
    stored.encode("utf-8")


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_faults(body: bytes) -> None:
    sound(read(body))


@given(ENVELOPES)
def test_any_document_is_an_event_or_faults(document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    sound(read(body))
    assert read(body) == read(body)


@given(ENVELOPES, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_document_is_an_event_or_faults(document: dict[str, Any], at: int, junk: bytes) -> None:
    body = json.dumps(document).encode()
    place = at % (len(body) + 1)
    sound(read(body[:place] + junk + body[place + 1 :]))


@given(VALUES)
def test_json_is_written_as_it_was_read(value: Any) -> None:
    text = json.dumps(value, separators=(",", ":"))
    assert write(parse(text.encode())) == text


@given(ENVELOPES, st.randoms())
def test_the_order_of_members_and_white_space_change_no_meaning(
    document: dict[str, Any], random: Any
) -> None:
    shuffled = list(document.items())
    random.shuffle(shuffled)
    assert (
        read(json.dumps(document).encode()).meaning
        == read(json.dumps(dict(shuffled), indent=3).encode()).meaning
    )


def test_numbers_and_text_stay_apart() -> None:
    assert isinstance(parse(b"1"), Number)
    assert isinstance(parse(b"{}"), Members)
    assert read(b'{"a":1}').meaning != read(b'{"a":"1"}').meaning
