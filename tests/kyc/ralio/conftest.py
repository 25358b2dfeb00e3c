"""Receivers for what is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kyc.ralio.receiver import Answers, Receiver


@pytest.fixture
def receiver() -> Iterator[Callable[[Answers], Receiver]]:
    started: list[Receiver] = []

    def start(answers: Answers) -> Receiver:
        started.append(Receiver(answers))
        return started[-1]

    yield start
    for one in started:
        one.server.shutdown()
        one.server.server_close()
