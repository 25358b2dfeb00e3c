"""Django's SMTP backend, with a connection that another thread can cut: its time-out is for each answer, not for all."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.mail.backends import smtp

# What needs no parser to be told apart: a name that is nothing but words, if any, and an address that is nothing else.
PLAIN = re.compile(r"([\w ]+ <)?([\w.+-]+@[\w-]+(?:\.[\w-]+)*)(?(1)>)", re.ASCII)
# Nobody waits long for a mail server to say goodbye.
GOODBYE = 1.0


class EmailBackend(smtp.EmailBackend):
    """Knows its connection from the first moment on, while the mail server has not even greeted yet."""

    _under_way: smtplib.SMTP | None = None

    @property
    def connection_class(self) -> Callable[..., smtplib.SMTP]:  # type: ignore[override]
        return partial(_Encrypted if self.use_ssl else _Plain, known_to=self)

    def prep_address(self, address: str, force_ascii: bool = True) -> str:
        found = PLAIN.fullmatch(address)
        return found[2] if found else super().prep_address(address, force_ascii)

    def cut(self) -> None:
        """End the connection for whoever waits for it."""
        if connected := self._socket():
            with suppress(OSError):
                # The plain one's way: what encrypts belongs to the thread that uses it.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        if connected := self._socket():
            with suppress(OSError):
                connected.settimeout(GOODBYE)
        super().close()

    def _socket(self) -> socket.socket | None:
        return getattr(self._under_way, "sock", None)


class _Known(smtplib.SMTP):
    def __init__(self, *args: Any, known_to: EmailBackend, **options: Any) -> None:
        known_to._under_way = self
        super().__init__(*args, **options)


class _Plain(_Known):
    pass


class _Encrypted(_Known, smtplib.SMTP_SSL):
    pass
