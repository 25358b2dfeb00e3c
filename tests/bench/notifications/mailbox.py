"""A real mail server in a process of its own: takes every message, stamps it, and keeps it when told to."""

from __future__ import annotations

import multiprocessing
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.postgres import free_port


@dataclass(slots=True)
class Taken:
    """What came since the last look: when each message did, on the clock that all processes share, and what it was."""

    at: list[float] = field(default_factory=list)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return (len(self.at) - 1) / (self.at[-1] - self.at[0])


class Mailbox:
    """Runs while the block does."""

    def __init__(self) -> None:
        self.port = free_port()
        spawning = multiprocessing.get_context("spawn")
        self._ours, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(self.port, theirs), daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._process.start()
        self.count()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def count(self) -> int:
        """Return how many messages came since the last `take`."""
        return int(self._ask("count"))

    def take(self, *, keeps: bool) -> Taken:
        """Return what came since the last time, and say whether to keep the messages that come next."""
        taken: Taken = self._ask(keeps)
        return taken

    def _ask(self, question: object) -> Any:
        self._ours.send(question)
        return self._ours.recv()


def send_bare(port: int, mails: Sequence[tuple[str, str, bytes]]) -> None:
    """Send these mails with nothing but smtplib, one after the other through one connection."""
    with smtplib.SMTP("127.0.0.1", port) as client:
        for sender, recipient, content in mails:
            client.sendmail(sender, recipient, content)


class _Handler:
    def __init__(self) -> None:
        self.taken = Taken()
        self.keeps = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        taken = self.taken
        if self.keeps:
            (recipient,) = envelope.rcpt_tos
            taken.mails.append((envelope.mail_from or "", recipient, envelope.original_content or b""))
        taken.at.append(time.monotonic())
        return "250 OK"


def _serve(port: int, asked: Connection) -> None:
    handler = _Handler()
    Controller(handler, hostname="127.0.0.1", port=port).start()
    while True:
        question = asked.recv()
        if question == "count":
            asked.send(len(handler.taken.at))
            continue
        taken, handler.taken, handler.keeps = handler.taken, Taken(), bool(question)
        asked.send(taken)
