"""How messages leave. A channel is one small class; what goes wrong comes back as one of three exceptions."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from notifications.messages import Message


class NotSent(Exception):
    """This message did not leave; another try may succeed. The text is the answer, without addresses."""


class Refused(NotSent):
    """This message will never be taken as it is: a person has to mend something first."""


class Unreachable(NotSent):
    """The channel takes nothing at all just now: no other message need be tried through it."""


class Channel(Protocol):
    """One connection for a batch of messages. It opens itself at the first one."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, message: Message) -> str:
        """Hand the message over and return the answer; raise NotSent, Refused or Unreachable."""
        ...
