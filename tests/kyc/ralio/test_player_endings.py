"""How a post ends that is not simply taken: too late, in turn, followed by another, or abandoned."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from kyc.ralio.simulator import Event, Player
from kyc.ralio.simulator.promises import Outcome, Promise
from kyc.ralio.simulator.tally import Settled
from tests.kyc.ralio.receiver import Answers, Receiver
from tests.kyc.ralio.test_player import play, some_events

Start = Callable[[Answers], Receiver]
TAKEN = (200, b'{"received": true}')


def test_an_answer_that_takes_too_long_is_no_answer(receiver: Start) -> None:
    is_over = threading.Event()
    slow = receiver(lambda n: TAKEN if n > 1 or is_over.wait(60) else TAKEN)
    tally = play(slow.url, some_events(1), timeout=2).tally
    is_over.set()
    assert len(slow.posts) == 2 and slow.posts[0] == slow.posts[1]
    assert (tally.n_accepted, tally.n_retries, tally.n_retried.total()) == (1, 1, 0)


def test_several_addresses_are_posted_to_in_turn(receiver: Start) -> None:
    first, second = receiver(lambda n: TAKEN), receiver(lambda n: TAKEN)
    with Player([first.url, second.url], "s") as player:
        player.play(some_events(10))
    assert (len(first.posts), len(second.posts)) == (5, 5)


@pytest.mark.parametrize(("status", "n_posts"), [(200, 2), (400, 1)])
def test_what_follows_an_event_is_posted_once_that_was_acknowledged(
    receiver: Start, status: int, n_posts: int
) -> None:
    ralio = receiver(lambda n: (status, b"{}"))
    first, second = some_events(2)
    play(ralio.url, [replace(first, then=(second,))])
    assert [body for body, _ in ralio.posts] == [first.body, second.body][:n_posts]


def test_a_chunked_body_arrives_whole_and_padded(receiver: Start) -> None:
    ralio = receiver(lambda n: TAKEN)
    (event,) = some_events(1)
    play(ralio.url, [replace(event, is_chunked=True, n_padding=200_000)])
    assert ralio.posts[0][0] == event.body + b" " * 200_000


@pytest.mark.parametrize(
    ("promise", "answers", "n_wrong", "n_unacknowledged"),
    [
        (Promise.UNTRUSTED, [(401, b"{}")], 0, 0),
        (Promise.UNTRUSTED, [TAKEN], 1, 0),
        (Promise.TOO_LARGE, [(413, b"{}")], 0, 0),
        (Promise.TOO_LARGE, [(400, b"{}")], 1, 0),
        (Promise.UNREADABLE, [(400, b'{"errors": [{"path": "id"}]}')], 0, 0),
        (Promise.UNREADABLE, [(400, b'{"errors": []}')], 0, 1),
        (Promise.UNREADABLE, [TAKEN], 1, 0),
        (Promise.CONFLICT, [(200, b'{"quarantined": "id_conflict"}')], 0, 0),
        (Promise.CONFLICT, [TAKEN], 1, 0),
        (Promise.TAKEN, [(400, b'{"errors": [{"path": "id"}]}')], 0, 1),
        (Promise.TAKEN, [(503, b""), TAKEN], 0, 0),
        (Promise.TAKEN, [(500, b""), TAKEN], 1, 0),
        (Promise.UNTRUSTED, [(500, b"")] * 2, 1, 0),
        (Promise.UNTRUSTED, [(503, b"")] * 2, 0, 0),
        (Promise.UNREADABLE, [(503, b"")] * 2, 0, 1),
    ],
)
def test_an_odd_post_is_held_against_what_was_promised(
    receiver: Start,
    promise: Promise,
    answers: list[tuple[int, bytes]],
    n_wrong: int,
    n_unacknowledged: int,
) -> None:
    ralio = receiver(lambda n: answers[n - 1])
    (event,) = some_events(1)
    tally = play(ralio.url, [replace(event, promise=promise, trial="odd")], n_tries=2).tally
    assert (tally.n_wrong, tally.n_unacknowledged) == (n_wrong, n_unacknowledged)


def test_stopping_does_not_wait_for_a_receiver_that_never_answers() -> None:
    settled: list[Settled] = []
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        dead.listen()
        player = Player(f"http://127.0.0.1:{dead.getsockname()[1]}/", "s", record=settled.append)
        # What has called is kept: nobody hangs up.
        called: list[socket.socket] = []

        def stop_when_all_have_called() -> None:
            called.extend(dead.accept()[0] for _ in range(3))
            player.stop.set()

        threading.Thread(target=stop_when_all_have_called).start()
        start = time.monotonic()
        player.play(iter(lambda: some_events(1)[0], Event), n_connections=3)
        took = time.monotonic() - start
        for one in called:
            one.close()
    assert took < 45
    assert [one.outcome for one in settled] == [Outcome.GIVEN_UP] * 3
    assert (player.tally.n_sent, player.tally.n_unacknowledged) == (3, 3)


def test_an_error_in_the_source_ends_the_play(receiver: Start) -> None:
    ralio = receiver(lambda n: TAKEN)
    with pytest.raises(ZeroDivisionError):
        play(ralio.url, (1 // 0 for _ in range(1)), n_connections=3)  # type: ignore[arg-type]
