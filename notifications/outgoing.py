"""Through a channel in a thread of its own, so that the next message is written while one is on its way.

The thread never touches the database, and each message that it is given comes back with what became of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from django.utils import timezone

from notifications.channels import Channel, Unreachable
from notifications.messages import Message
from notifications.models import Notification

logger = logging.getLogger(__name__)

# Enough that the thread goes on while the outcomes of others are recorded, few enough that what they say is still so.
MOST_UNDER_WAY = 64


class Untried(Exception):
    """It was not handed over: the worker is to stop, or what the message says may have become untrue meanwhile."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to be sent, before the clock that only goes forward says `until`."""

    row: Notification
    message: Message
    until: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a parcel: the channel's words, or what went wrong."""

    row: Notification
    text: str = ""
    error: Exception | None = None
    at: datetime = field(default_factory=timezone.now)


class Outgoing:
    """Sends parcels one after the other while the block runs. What is still waiting at its end is not sent."""

    def __init__(self, channel: Channel, is_wanted: Callable[[], bool]) -> None:
        self.n_under_way = 0
        self._channel = channel
        self._is_wanted = is_wanted
        self._fault: Unreachable | None = None
        self._since: float | None = None
        self._parcels: SimpleQueue[Parcel | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._is_over = self._has_ended = False
        self._thread = threading.Thread(target=self._run, name="outgoing")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._parcels.put(None)
        while self._thread.is_alive():
            self._thread.join(1.0)
            self.cut_what_hangs()

    @property
    def has_room(self) -> bool:
        return self.n_under_way < MOST_UNDER_WAY

    def put(self, parcel: Parcel) -> None:
        self.n_under_way += 1
        self._parcels.put(parcel)

    def answer(self, within: float) -> Answer | None:
        """Return the next answer, or None when none comes within so many seconds."""
        try:
            answer = self._answers.get(timeout=within) if within else self._answers.get_nowait()
        except Empty:
            return None
        self.n_under_way -= 1
        return answer

    def cut_what_hangs(self) -> None:
        since = self._since
        if since is not None and time.monotonic() - since > self._channel.longest:
            self._channel.cut()

    def _run(self) -> None:
        try:
            with self._channel as channel:
                self._answer_each(lambda parcel: self._sent(parcel, channel))
                # Taking leave may hang, too.
                self._since = time.monotonic()
        except Exception as error:  # noqa: BLE001 - as with a message: it must not end the worker
            logger.warning("A channel failed as a whole: %s.", type(error).__name__)
            failed = error
            self._answer_each(lambda parcel: Answer(parcel.row, error=failed))

    def _answer_each(self, answer: Callable[[Parcel], Answer]) -> None:
        while not self._has_ended:
            parcel = self._parcels.get()
            if parcel is None:
                self._has_ended = True
            else:
                self._answers.put(answer(parcel))

    def _sent(self, parcel: Parcel, channel: Channel) -> Answer:
        if self._fault is not None:
            return Answer(parcel.row, error=self._fault)
        if self._is_over or time.monotonic() > parcel.until or not self._is_wanted():
            return Answer(parcel.row, error=Untried())
        self._since = time.monotonic()
        try:
            return Answer(parcel.row, channel.send(parcel.message))
        except Exception as error:  # noqa: BLE001 - one message that cannot be sent must not stop the others
            if isinstance(error, Unreachable):
                self._fault = error
            return Answer(parcel.row, error=error)
        finally:
            self._since = None
