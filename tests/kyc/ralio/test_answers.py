"""Ralio's API in our words: its answers, kept in envelopes, read as events again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.choices import CheckState, EntityType, SessionState
from kyc.ralio import answers
from kyc.ralio.answers import Malformed
from kyc.ralio.events import Reading, SessionEvent
from kyc.ralio.jsontext import Members, parse

SESSION, USER = UUID(int=7, version=4), UUID(int=8, version=4)
NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
LINK = "https://verify.example/secret"
CHECK = {
    "id": 1,
    "type": "face-matching",
    "state": "Refused",
    "data": {"provider": "MOCK", "score": 1.50, "hostedUrl": LINK},
    "refused_reasons": [
        {
            "id": 3,
            "type": "face-match",
            "code": "LOW",
            "message": "Too low",
            "mappedError": {"category": "FACE"},
        },
        {"id": 4, "type": "face-match", "code": "OLD"},
    ],
    "updated_at": "2026-03-17T11:59:00Z",
}


def document(said: Any) -> Any:
    return parse(json.dumps(said).encode())


def body(*checks: Any, state: str = "REVIEW") -> bytes:
    said = answers.checks(document({"session_id": str(SESSION), "checks": list(checks)}), SESSION)
    assert said is not None
    return answers.checks_body(said, session_id=SESSION, user_id=USER, state=SessionState(state), at=NOON)


def event(sent: bytes) -> SessionEvent:
    found = answers.read(sent).event
    assert isinstance(found, SessionEvent), answers.read(sent).faults
    return found


def test_checks_are_read_as_those_of_their_event() -> None:
    found = event(body(CHECK, {"type": "document-verification", "state": 1}))

    assert (found.session_id, found.user_id, found.entity_type) == (SESSION, USER, EntityType.USER)
    assert (found.state, found.at, found.name) == (SessionState.REVIEW, NOON, "api_checks")
    face, paper = found.checks
    assert (face.state, face.provider, paper.state) == (CheckState.REFUSED, "MOCK", CheckState.VALIDATED)
    assert [(r.code, r.category) for r in face.reasons] == [("LOW", "FACE"), ("OLD", "")]
    assert face.checked_at == NOON - timedelta(minutes=1)


def test_an_answer_is_kept_as_it_was_said_but_for_the_personal_link() -> None:
    sent = body(CHECK)

    assert LINK.encode() not in sent and b"hostedUrl" not in sent
    assert json.loads(sent)["data"]["answer"]["checks"][0]["refused_reasons"] == CHECK["refused_reasons"]
    big = b'{"checks": [{"type": "t", "data": {"n": 1.50e400}}]}'
    said = answers.checks(parse(big), SESSION)
    assert said is not None
    kept = answers.checks_body(said, session_id=SESSION, user_id=USER, state=SessionState.REVIEW, at=NOON)
    assert b"1.50e400" in kept


def test_the_same_answer_has_the_same_event_id_and_another_one_has_not() -> None:
    assert body(CHECK) == body(CHECK)
    assert event(body(CHECK)).event_id != event(body(CHECK, state="REJECTED")).event_id
    assert event(body(CHECK)).event_id != event(body({**CHECK, "state": "Validated"})).event_id


@pytest.mark.parametrize("sent", ["Pending", 7, None, True, "1.0"])
def test_an_unknown_check_state_is_kept_and_never_passes(sent: Any) -> None:
    (check,) = event(body({"type": "t", "state": sent})).checks
    assert check.state == CheckState.UNKNOWN
    assert check.state_sent == ("" if sent is None else json.dumps(sent))


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("REVIEW", "REVIEW"),
        ("review", "REVIEW"),
        (4, "REVIEW"),
        ("5", "REJECTED"),
        ("not-started", "NOT_STARTED"),
    ],
)
def test_states_are_text_or_number(said: Any, state: str) -> None:
    logs = [{"id": 1, "newState": said, "createdAt": "2026-03-17T12:00:00Z"}]
    (log,) = answers.history(document({"sessionId": str(SESSION), "logs": logs}), SESSION)
    found = event(answers.state_body(log, session_id=SESSION, user_id=USER))
    assert (log.state, found.state, found.at) == (state, state, NOON)


def test_a_state_that_nobody_knows_is_kept_and_named() -> None:
    logs = [{"id": 1, "new_state": "FROZEN", "created_at": "2026-03-17T12:00:00Z"}]
    (log,) = answers.history(document({"session_id": str(SESSION), "logs": logs}), SESSION)
    assert log.state is None
    reading = answers.read(answers.state_body(log, session_id=SESSION, user_id=USER))
    assert [fault.path for fault in reading.faults] == ["data.state"]


def test_a_page_is_read_in_either_case() -> None:
    said = {
        "pagination": {"num_pages": 3},
        "sessions": [
            {"id": str(SESSION), "state": 3, "createdAt": "2026-03-17T12:00:00Z", "hostedUrl": LINK}
        ],
    }
    page = answers.page(document(said))
    assert (page.n_pages, page.sessions[0].state, page.sessions[0].at) == (3, "VERIFIED", NOON)
    assert LINK.encode() not in answers.session_body(page.sessions[0], user_id=USER)


OTHER = str(UUID(int=9))


@pytest.mark.parametrize(
    ("read", "said", "named"),
    [
        (answers.page, [], "not an object"),
        (answers.page, {"sessions": []}, "pagination: this is missing"),
        (answers.page, {"pagination": {"numPages": "many"}, "sessions": []}, "pagination.numPages"),
        (answers.page, {"pagination": {"numPages": 1}}, "sessions: this is missing"),
        (answers.page, {"pagination": {"numPages": 1}, "sessions": [{"id": "hunter2"}]}, r"sessions\[0\].id"),
        (answers.history, {"session_id": OTHER, "logs": []}, "session_id: this is another session"),
        (answers.history, {"logs": [{"new_state": "REVIEW"}]}, r"logs\[0\].created_at"),
        (answers.history, {"logs": [{"created_at": "2026-03-17T12:00:00Z"}]}, r"logs\[0\].new_state"),
        (answers.checks, {}, "checks: this is missing"),
        (answers.checks, {"checks": {"hunter2": 1}}, "checks: this is not a list"),
        (answers.checks, {"checks": ["hunter2"]}, r"checks\[0\]"),
    ],
)
def test_another_shape_is_named_and_no_value_is(read: Any, said: Any, named: str) -> None:
    arguments = [] if read is answers.page else [SESSION]
    with pytest.raises(Malformed, match=named) as refused:
        read(document(said), *arguments)
    assert "hunter2" not in str(refused.value)


def test_a_strangers_name_is_not_repeated_either() -> None:
    with pytest.raises(Malformed, match="a member: this member stands more than once") as refused:
        answers.checks(parse(b'{"checks": [{"hunter2": 1, "hunter2": 2}]}'), SESSION)
    assert "hunter2" not in str(refused.value)


def test_no_checks_is_no_answer() -> None:
    assert answers.checks(document({"checks": []}), SESSION) is None
    assert answers.checks(document({"checks": None}), SESSION) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "eventId": st.just(str(SESSION)) | json_values,
        "eventType": st.sampled_from(sorted(answers.NAMES)) | json_values,
        "timestamp": st.just("2026-03-17T12:00:00Z") | json_values,
        "data": json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "sessionId": st.just(str(SESSION)) | json_values,
                "userId": st.just(str(USER)) | json_values,
                "state": st.sampled_from(["REVIEW", 4]) | json_values,
                "answer": json_values | st.fixed_dictionaries({"checks": st.lists(json_values, max_size=2)}),
            },
        ),
    },
).map(lambda said: json.dumps(said).encode())


@given(st.binary(max_size=200) | envelopes)
def test_any_bytes_give_a_reading(sent: bytes) -> None:
    reading = answers.read(sent)
    assert isinstance(reading, Reading)
    assert (reading.event is None) == bool(reading.faults) == (reading.cause is not None)


@given(json_values)
def test_any_answer_is_read_or_refused(said: Any) -> None:
    for read in (answers.page, lambda d: answers.history(d, SESSION), lambda d: answers.checks(d, SESSION)):
        try:
            found = read(document(said))
        except Malformed:
            continue
        assert found is None or isinstance(found, list | Members | answers.Page)
