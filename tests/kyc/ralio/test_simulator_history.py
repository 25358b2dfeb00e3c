"""The played weeks: believable when they end, and what is told afterwards keeps them so."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from kyc.choices import SessionState
from kyc.ralio.events import SessionEvent, read
from kyc.ralio.simulator import Event, Ralio
from kyc.ralio.simulator.history import history, long_waits

NOW = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
SINCE = NOW - timedelta(weeks=3)
DAY = timedelta(hours=24)


def some_weeks(ralio: Ralio, n_sessions: int = 400) -> list[Event]:
    return history(ralio, n_sessions, since=SINCE, until=NOW, n_waiting=40)


@pytest.fixture(scope="module")
def ralio() -> Ralio:
    return Ralio(11)


@pytest.fixture(scope="module")
def told(ralio: Ralio) -> list[Event]:
    return some_weeks(ralio)


def sessions(events: list[Event]) -> list[SessionEvent]:
    return [said for event in events if isinstance(said := read(event.body).event, SessionEvent)]


def test_the_same_seed_has_the_same_history() -> None:
    assert some_weeks(Ralio(5), 50) == some_weeks(Ralio(5), 50)


def test_it_is_told_oldest_first_and_ends_now(told: list[Event]) -> None:
    instants = [event.at for event in told]
    assert all(
        later - earlier > -timedelta(milliseconds=1)
        for earlier, later in zip(instants, instants[1:], strict=False)
    )
    assert SINCE <= instants[0] < SINCE + 3 * DAY
    assert NOW - timedelta(hours=2) < instants[-1] <= NOW


def test_it_has_about_the_sessions_asked_for(told: list[Event]) -> None:
    assert 350 < len({event.session_id for event in sessions(told)}) <= 403


def test_most_sessions_are_verified_and_each_other_end_comes(told: list[Event]) -> None:
    ends = Counter({event.session_id: event.state for event in sessions(told)}.values())
    assert ends.most_common(1)[0][0] == SessionState.VERIFIED
    assert ends[SessionState.REJECTED] > 40
    assert ends[SessionState.EXPIRED] > 3


def test_the_queue_is_left_with_sessions_of_all_ages(ralio: Ralio, told: list[Event]) -> None:
    states = {event.session_id: event.state for event in sessions(told)}
    ages = [
        NOW - event.at
        for event in sessions(told)
        if event.state == SessionState.REVIEW and states[event.session_id] == SessionState.REVIEW
    ]
    assert 30 <= len(ages) <= 50
    assert 1 <= sum(age > DAY for age in ages) <= 10
    assert any(timedelta(hours=20) < age <= DAY for age in ages)
    assert any(age < timedelta(hours=4) for age in ages)


def test_some_who_fail_try_again(told: list[Event]) -> None:
    tries: dict[UUID, set[UUID]] = {}
    for event in sessions(told):
        if event.user_id:
            tries.setdefault(event.user_id, set()).add(event.session_id)
    assert max(len(attempts) for attempts in tries.values()) >= 3


def test_what_comes_next_keeps_the_queue_believable() -> None:
    ralio, lengths = Ralio(2), []
    some_weeks(ralio)
    for n in range(3000):
        ralio.next(NOW + timedelta(seconds=4 * n))
        lengths.append(len(ralio.waiting))
    assert min(lengths) >= 20 and max(lengths) <= 65


def test_sessions_that_were_left_open_are_settled_later() -> None:
    ralio, left = Ralio(3), [uuid4() for _ in range(30)]
    for session_id in left:
        ralio.adopt(session_id, uuid4(), is_related_party=False, is_in_review=True, since=NOW - 4 * DAY)
    told = history(ralio, 20, since=NOW - 3 * DAY, until=NOW, n_waiting=25)
    settled = {event.session_id for event in told} & set(left)
    assert len(settled) > 20
    assert len(ralio.waiting) == 25
    assert min(event.at for event in told) >= NOW - 3 * DAY


def test_what_people_decided_is_left_to_them() -> None:
    ralio = Ralio(4)
    some_weeks(ralio)
    decided = frozenset(attempt.session_id for attempt in ralio.waiting[::2])
    ralio.left_to_people = decided
    later = {ralio.next(NOW + timedelta(hours=n / 10)).session_id for n in range(3000)}
    assert not later & decided

    session_id = min(decided)
    told = ralio.tell_of(session_id, "failed", NOW)
    assert told is not None and told.session_id == session_id
    assert ralio.tell_of(session_id, "failed", NOW) is None


def test_a_few_sessions_have_waited_for_days_and_one_ran_out() -> None:
    ralio = Ralio(6)
    waits = sorted(NOW - event.at for event in long_waits(ralio, until=NOW))
    assert waits[0] > 3 * DAY and waits[-2] < 7 * DAY < waits[-1]
    assert len(ralio.waiting) == len(waits)
