"""Through a channel in threads of its own, so that the next message is written while one is on its way.

One connection sends one message after the other. While one of them hangs, another connection goes on with the rest. The
threads never touch the database, and each message that they are given comes back with what became of it.
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

from notifications.channels import Channel, Silent, Unreachable
from notifications.messages import Message
from notifications.models import Notification

logger = logging.getLogger(__name__)

# Enough that the threads go on while the outcomes of others are recorded, few enough that what they say is still so.
MOST_UNDER_WAY = 64
# Seconds that one message may keep the others waiting: then another connection takes them, up to so many at once.
LONGEST_ALONE = 2.0
MOST_CONNECTIONS = 4
# So many messages without any answer, and none with one between them: it is not these, the other side hangs.
MOST_SILENT = 3


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
    """Sends parcels while the block runs. What is still waiting at its end is not sent."""

    def __init__(self, channel: Callable[[], Channel], is_wanted: Callable[[], bool]) -> None:
        self.n_under_way = 0
        self._channel = channel
        self._is_wanted = is_wanted
        self._fault: Unreachable | None = None
        self._n_silent = 0
        self._may_help = True
        self._parcels: SimpleQueue[Parcel | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._is_over = False
        self._senders: list[_Sender] = []

    def __enter__(self) -> Self:
        self._start_another()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        for _ in self._senders:
            self._parcels.put(None)
        for sender in self._senders:
            while sender.thread.is_alive():
                sender.thread.join(1.0)
                self._cut_what_hangs()

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

    def look_after(self) -> None:
        """See to it that what hangs delays the others little, and itself not for ever. Call it now and then."""
        self._cut_what_hangs()
        is_stuck = all(sender.seconds > LONGEST_ALONE for sender in self._senders)
        has_more = self.n_under_way > len(self._senders)
        if is_stuck and has_more and self._may_help and len(self._senders) < MOST_CONNECTIONS:
            self._start_another()

    def _start_another(self) -> None:
        sender = _Sender(self._channel(), self._run)
        self._senders.append(sender)
        sender.thread.start()

    def _cut_what_hangs(self) -> None:
        for sender in self._senders:
            if sender.seconds > sender.channel.longest:
                sender.channel.cut()

    def _run(self, sender: _Sender) -> None:
        try:
            with sender.channel:
                self._answer_each(sender, self._sent)
                # Taking leave may hang, too.
                sender.since = time.monotonic()
        except Exception as error:  # noqa: BLE001 - as with a message: it must not end the worker
            logger.warning("A channel failed as a whole: %s.", type(error).__name__)
            failed = error
            self._answer_each(sender, lambda parcel, _: Answer(parcel.row, error=failed))
        finally:
            sender.since = None

    def _answer_each(self, sender: _Sender, answer: Callable[[Parcel, _Sender], Answer]) -> None:
        while not sender.has_ended:
            parcel = self._parcels.get()
            if parcel is None:
                sender.has_ended = True
            else:
                self._answers.put(answer(parcel, sender))

    def _sent(self, parcel: Parcel, sender: _Sender) -> Answer:
        if self._fault is not None:
            return Answer(parcel.row, error=self._fault)
        if self._is_over or time.monotonic() > parcel.until or not self._is_wanted():
            return Answer(parcel.row, error=Untried())
        sender.since = time.monotonic()
        try:
            answer = Answer(parcel.row, sender.channel.send(parcel.message))
        except Exception as error:  # noqa: BLE001 - one message that cannot be sent must not stop the others
            return self._failed(parcel, error, sender)
        else:
            self._n_silent = 0
            return answer
        finally:
            sender.since = None

    def _failed(self, parcel: Parcel, error: Exception, sender: _Sender) -> Answer:
        if isinstance(error, Unreachable) and sender is not self._senders[0]:
            # It may only have as many connections of ours as it wants.
            self._may_help, sender.has_ended = False, True
            return Answer(parcel.row, error=Untried())
        self._n_silent = self._n_silent + 1 if isinstance(error, Silent) else 0
        if isinstance(error, Unreachable):
            self._fault = error
        elif self._n_silent >= MOST_SILENT:
            self._fault = Unreachable(str(error))
        return Answer(parcel.row, error=error)


class _Sender:
    """One connection and the thread that sends through it; `since` when it has been at the message in hand."""

    def __init__(self, channel: Channel, run: Callable[[_Sender], None]) -> None:
        self.channel = channel
        self.since: float | None = None
        self.has_ended = False
        self.thread = threading.Thread(target=run, args=(self,), name="outgoing")

    @property
    def seconds(self) -> float:
        since = self.since
        return 0.0 if since is None else time.monotonic() - since
