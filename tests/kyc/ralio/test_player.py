"""How events are posted: again after what Ralio retries, and never after a 4xx."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest

from kyc.ralio.signature import verify
from kyc.ralio.simulator import Event, Player, Ralio, disturbed
from tests.kyc.ralio.receiver import Answers, Receiver

NOW = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)


def some_events(number: int) -> list[Event]:
    ralio = Ralio(1)
    return [ralio.next(NOW) for _ in range(number)]


def play(url: str, events: list[Event], *, n_connections: int = 1, **options: float) -> Player:
    with Player(url, "a secret", first_wait=0.01, **options) as player:  # type: ignore[arg-type]
        player.play(events, n_connections=n_connections)
    return player


def test_each_event_is_posted_once_and_signed(receiver: Callable[[Answers], Receiver]) -> None:
    ralio = receiver(lambda n: (200, b'{"received": true}'))
    events = some_events(12)
    tally = play(ralio.url, events, n_connections=3).tally
    assert sorted(body for body, _ in ralio.posts) == sorted(event.body for event in events)
    assert all(verify(header, body, ["a secret"]) for body, header in ralio.posts)
    assert (tally.n_sent, tally.n_accepted, tally.n_unacknowledged) == (12, 12, 0)


@pytest.mark.parametrize("status", [500, 503, 302])
def test_it_tries_again_with_the_same_bytes(receiver: Callable[[Answers], Receiver], status: int) -> None:
    ralio = receiver(lambda n: (status, b"") if n < 3 else (200, b"{}"))
    tally = play(ralio.url, some_events(1)).tally
    assert len(ralio.posts) == 3 and len(set(ralio.posts)) == 1
    assert (tally.n_accepted, tally.n_retries) == (1, 2)


@pytest.mark.parametrize("status", [400, 401, 413, 429])
def test_it_never_tries_again_after_a_4xx(receiver: Callable[[Answers], Receiver], status: int) -> None:
    ralio = receiver(lambda n: (status, b""))
    tally = play(ralio.url, some_events(1)).tally
    assert len(ralio.posts) == 1
    assert tally.n_refused == Counter({status: 1}) and tally.n_unacknowledged == 1


def test_it_gives_up_in_the_end(receiver: Callable[[Answers], Receiver]) -> None:
    ralio = receiver(lambda n: (500, b""))
    tally = play(ralio.url, some_events(1), n_tries=4).tally
    assert len(ralio.posts) == 4
    assert (tally.n_given_up, tally.n_retries, tally.n_unacknowledged) == (1, 3, 1)


def test_an_address_where_nobody_listens_is_tried_again_too() -> None:
    tally = play("http://127.0.0.1:1/", some_events(1), n_tries=2).tally
    assert (tally.n_given_up, tally.n_retries) == (1, 1)


def test_answers_are_counted_by_what_they_say(receiver: Callable[[Answers], Receiver]) -> None:
    said = [b'{"received": true}', b'{"duplicate": true}', b'{"quarantined": "id_conflict"}', b"<html>"]
    ralio = receiver(lambda n: (200, said[n - 1]))
    tally = play(ralio.url, some_events(4)).tally
    assert (tally.n_accepted, tally.n_duplicates, tally.n_quarantined) == (2, 1, 1)


def test_a_wait_ends_when_it_is_stopped(receiver: Callable[[Answers], Receiver]) -> None:
    stop = threading.Event()
    ralio = receiver(lambda n: (stop.set(), (500, b""))[1])  # type: ignore[func-returns-value]
    with Player(ralio.url, "s", first_wait=600, stop=stop) as player:
        player.play(some_events(5))
    assert (player.tally.n_sent, player.tally.n_given_up) == (1, 1)


def test_disturbing_loses_nothing_and_keeps_its_shares() -> None:
    events = some_events(1000)
    told = list(disturbed(iter(events), Random(1), duplicates=0.2, reordering=0.3))
    times = Counter(event.id for event in told)
    assert set(times) == {event.id for event in events}
    assert 150 < sum(n == 2 for n in times.values()) < 250
    assert told != sorted(told, key=events.index)
    assert list(disturbed(iter(events), Random(1), duplicates=0, reordering=0)) == events
