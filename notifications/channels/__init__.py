"""How messages leave. A channel is one small class, named in settings; what goes wrong comes back as one of four exceptions."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from notifications.messages import Message


class NotSent(Exception):
    """This message did not leave; another try may succeed. The text is the answer, without addresses."""


class Refused(NotSent):
    """This message will never be taken as it is: a person has to mend something first."""


class Silent(NotSent):
    """No answer came in time. Whether to this message or to any, those that are sent meanwhile tell."""


class Unreachable(NotSent):
    """The channel takes nothing at all just now: no other message need be tried through it."""


class Channel(Protocol):
    """One connection for a batch of messages. It opens itself at the first one, in the thread that sends."""

    # Seconds that one message may take in all; then `cut` is called.
    longest: float

    @staticmethod
    def takes(kind: str, recipient: str) -> bool:
        """Return whether what is of this kind is told to this recipient this way."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, message: Message) -> str:
        """Hand the message over and return the answer; raise one of the above. No database here."""
        ...

    def cut(self) -> None:
        """Make the `send` that another thread is in come to an end, as if the other side had hung up."""
        ...


def configured() -> dict[str, type[Channel]]:
    """Return the channels that NOTIFICATION_CHANNELS names, by the name that a notification's row bears."""
    return {name: import_string(path) for name, path in settings.NOTIFICATION_CHANNELS.items()}


def taking(kind: str, recipient: str) -> list[str]:
    """Return the names of the channels by which this recipient is told of this kind."""
    return [name for name, channel in configured().items() if channel.takes(kind, recipient)]
