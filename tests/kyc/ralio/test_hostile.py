"""Odd and forged posts: each is what its promise says, told here by the code that reads and verifies."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from kyc.ralio.events import read
from kyc.ralio.signature import verify
from kyc.ralio.simulator import Event, Forger, Hostile, Ralio, disturbed, mixed
from kyc.ralio.simulator.forged import FORGERIES
from kyc.ralio.simulator.hostile import TAKEN, UNREADABLE
from kyc.ralio.simulator.promises import Promise

NOW = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
LIMIT = 8 * 1024 * 1024


def hostile(number: int, *, seed: int = 1, limit: int = LIMIT) -> list[Event]:
    source = Hostile(Random(seed), limit=limit)
    return [source.next(NOW) for _ in range(number)]


def forged(number: int, *, limit: int = 10_000) -> list[Event]:
    source = Forger(Random(1), limit=limit)
    return [source.next(NOW) for _ in range(number)]


def test_each_hostile_body_reads_as_promised() -> None:
    events = hostile(1_500)
    for event in events:
        is_taken = read(event.content).event is not None
        assert is_taken == (event.promise == Promise.TAKEN), (event.trial, event.content[:300])
    assert {event.trial for event in events} > set(TAKEN) | set(UNREADABLE)


def test_a_conflict_is_another_content_under_the_same_id() -> None:
    pairs = [(event, following) for event in hostile(200) for following in event.then]
    assert len(pairs) > 10
    for event, following in pairs:
        first, second = read(event.content), read(following.content)
        assert first.event_id == second.event_id == event.id == following.id
        assert first.meaning != second.meaning and following.promise == Promise.CONFLICT


def test_a_hostile_body_over_the_limit_is_promised_to_be_too_large() -> None:
    for event in hostile(300, limit=5_000):
        assert (len(event.content) > 5_000) == (event.promise == Promise.TOO_LARGE)


def test_no_forged_post_is_well_signed_and_within_the_limit() -> None:
    events = forged(400)
    assert {event.promise for event in events} == {Promise.UNTRUSTED, Promise.TOO_LARGE}
    for event in events:
        if event.promise == Promise.TOO_LARGE:
            assert len(event.content) == 10_001 and event.forge is None
        else:
            assert event.forge is not None
            assert not verify(event.forge("a secret", event.content), event.content, ["a secret"])
    assert {event.trial for event in events} > set(FORGERIES)


def test_the_same_seed_makes_the_same() -> None:
    assert hostile(50) == hostile(50) != hostile(50, seed=2)
    assert [event.body for event in forged(50)] == [event.body for event in forged(50)]


def test_sources_are_mixed_by_their_shares() -> None:
    events = hostile(3)
    sources = [(0.2, lambda: events[1]), (0.1, lambda: events[2])]
    stream = mixed(Random(1), lambda: events[0], sources)
    counted = Counter(next(stream).id for _ in range(2_000))
    shares = [counted[event.id] / 2_000 for event in events]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_late_events_come_long_after_later_ones_and_none_is_lost() -> None:
    events = hostile(2_000)
    told = list(disturbed(iter(events), Random(1), duplicates=0, reordering=0, late=0.1))
    place = {id(event): n for n, event in enumerate(events)}
    delays = [n - place[id(event)] for n, event in enumerate(told)]
    assert sorted(place[id(event)] for event in told) == list(range(2_000))
    assert 120 < sum(delay > 20 for delay in delays) < 260


def test_old_events_are_of_the_past_and_of_sessions_that_have_ended() -> None:
    ralio = Ralio(1)
    ended = {ralio.next(NOW).session_id for _ in range(200)}
    old = [ralio.old(NOW + timedelta(days=1)) for _ in range(200)]
    assert 60 < sum(event.session_id in ended for event in old) < 180
    assert sum(event.at < NOW for event in old) > 60
    for event in old:
        assert event.at <= NOW and json.loads(event.body)
