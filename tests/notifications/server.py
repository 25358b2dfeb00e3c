"""A mail server that takes, refuses, drops or stalls, as a test wishes."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
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
        self.drops_at: set[str] = set()
        self.answer = "250 OK"
        self.is_stalled = False
        self.delay = 0.0
        # Set while a message is being taken in, so that a test can act in that very moment.
        self.has_message = threading.Event()
        self.port = _free_port()
        self._controller: Controller | None = None

    @property
    def mailers(self) -> dict[str, Any]:
        backend = "django.core.mail.backends.smtp.EmailBackend"
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 2}
        return {"default": {"BACKEND": backend, "OPTIONS": options}}

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
        session.host_name = hostname
        return answers

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.has_message.set()
        await asyncio.sleep(60 if self.is_stalled else self.delay)
        if set(envelope.rcpt_tos) & self.drops_at:
            server.transport.abort()
            return "451 Dropped"
        if self.answer.startswith("250"):
            content = envelope.original_content or b""
            self.messages.append(email.message_from_bytes(content, EmailMessage, policy=email.policy.default))
            self.recipients += envelope.rcpt_tos
        return self.answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
