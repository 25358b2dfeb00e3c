"""A mail server that takes, refuses, drops or stalls, as a test wishes; and one that hardly speaks SMTP at all."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Runs while the block does. `refused` maps an address to the answer its RCPT gets."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refused: dict[str, str] = {}
        self.n_connections = 0
        # Recipients whose message is cut off: in the middle of it, or when it is there, with or without having taken it.
        self.drops_in: set[str] = set()
        self.drops_at: set[str] = set()
        self.drops_after: set[str] = set()
        # Recipients whose message is never answered.
        self.stalls_at: set[str] = set()
        # After so many messages through one connection it says that it is going away.
        self.most_per_connection = 1_000_000
        self.answer = "250 OK"
        self.is_stalled = False
        self.is_holding = False
        self.stalls_at_hello = False
        self.delay = 0.0
        # Set while a message is being taken in, so that a test can act in that very moment.
        self.has_message = threading.Event()
        # Called when one has been taken.
        self.on_taken: Callable[[], object] = lambda: None
        self.port = _free_port()
        self._controller: Controller | None = None

    @property
    def mailers(self) -> dict[str, Any]:
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 30}
        return {"default": {"BACKEND": "notifications.channels.smtp.EmailBackend", "OPTIONS": options}}

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- What aiosmtpd asks of a handler ---------------------------------------------------------
    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        self.n_connections += 1
        if self.stalls_at_hello:
            await asyncio.sleep(60)
        session.host_name = hostname
        return answers

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        n_before = getattr(session, "n_taken", 0)
        if n_before >= self.most_per_connection:
            return "421 4.7.0 Too many messages, goodbye"
        session.n_taken = n_before + 1  # type: ignore[attr-defined]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        if address in self.drops_in:
            _hang_up_when_asked_for_the_message(server)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        to = set(envelope.rcpt_tos)
        self.has_message.set()
        while self.is_holding:
            await asyncio.sleep(0.02)
        await asyncio.sleep(60 if self.is_stalled or to & self.stalls_at else self.delay)
        is_taken = self.answer.startswith("250") and not to & self.drops_at
        if is_taken:
            content = envelope.original_content or b""
            self.messages.append(email.message_from_bytes(content, EmailMessage, policy=email.policy.default))
            self.recipients += envelope.rcpt_tos
            self.on_taken()
        if to & (self.drops_at | self.drops_after):
            server.transport.abort()
            return "451 Dropped"
        return self.answer


class Mute:
    """Takes every connection and says nothing, or letter after letter of a greeting that never ends."""

    def __init__(self, says: str = "", every: float = 0.05) -> None:
        self.n_connections = 0
        self._says = says.encode()
        self._every = every
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.n_connections += 1
                thread = threading.Thread(target=self._mumble, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _mumble(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not self._is_over.wait(self._every):
                connection.sendall(self._says)


def _hang_up_when_asked_for_the_message(server: SMTP) -> None:
    push = server.push

    async def push_and_go(status: str) -> None:
        await push(status)
        if status.startswith("354"):
            server.transport.abort()

    server.push = push_and_go


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
