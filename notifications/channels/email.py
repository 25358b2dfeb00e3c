"""E-mail through Django's mailers, by one connection to the mail server per batch."""

from __future__ import annotations

import re
import smtplib
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.mail import mailers
from django.core.validators import validate_email
from django.utils.translation import gettext_noop

from notifications.channels import NotSent, Refused, Silent, Unreachable
from notifications.channels.mime import Mail
from notifications.messages import Message

# Kept as it is, and translated where it is shown; what a server answers is in nobody's catalogue.
TAKEN = gettext_noop("The mail server took it.")
LONGEST_ANSWER = 500
# Answers to RCPT about the mailbox itself. 5.7 is the server's policy, which may be about us and pass.
NO_SUCH_MAILBOX = frozenset({550, 551, 553})
GOING_AWAY = 421


class EmailChannel:
    """The mailer named "default"."""

    longest = 60.0

    def __init__(self) -> None:
        self._was_cut = False

    @staticmethod
    def takes(kind: str, recipient: str) -> bool:
        return True

    @cached_property
    def mailer(self) -> Any:
        return mailers.default

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, message: Message) -> str:
        mail = mail_of(message)
        is_new = self._open(message)
        try:
            try:
                self.mailer.send_messages([mail])
            except smtplib.SMTPSenderRefused as error:
                # It says goodbye after so many messages, or so much time: this one has not begun.
                if is_new or error.smtp_code != GOING_AWAY:
                    raise
                self._close()
                self._open(message)
                self.mailer.send_messages([mail])
        except OSError as error:
            raise self._fault(error, message) from None
        return TAKEN

    def cut(self) -> None:
        self._was_cut = True
        mailer: Any = self.__dict__.get("mailer")
        if hasattr(mailer, "cut"):
            mailer.cut()

    def _open(self, message: Message) -> bool:
        """Return whether the connection is a new one."""
        self._was_cut = False
        try:
            return bool(self.mailer.open())
        except OSError as error:
            self._close()
            raise Unreachable(_answer(error, message)) from None

    def _fault(self, error: OSError, message: Message) -> NotSent:
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, answer = next(iter(error.recipients.values()))
            text = _answer(smtplib.SMTPResponseException(code, answer), message)
            if code == GOING_AWAY:
                self._close()
            return Refused(text) if code in NO_SUCH_MAILBOX and " 5.7." not in text else NotSent(text)
        if not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code == GOING_AWAY:
            # The connection is gone or in an unknown state; the next message gets a new one.
            self._close()
        text = _answer(error, message)
        return Silent(text) if self._was_cut or _is_silence(error) else NotSent(text)

    def _close(self) -> None:
        mailer = self.__dict__.get("mailer")
        with suppress(OSError):
            if mailer:
                mailer.close()


def mail_of(message: Message) -> Mail:
    """Return Django's message, or raise Refused: neither its address nor a header can break out of its line."""
    mail = Mail(
        subject=message.subject,
        body=message.text,
        to=[message.address],
        headers={
            "Message-ID": message.message_id,
            "In-Reply-To": message.thread_id,
            "References": message.thread_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": message.language,
        },
    )
    mail.attach_alternative(message.html, "text/html")
    try:
        validate_email(message.address)
    except ValidationError:
        raise Refused("The address is not a valid e-mail address.") from None
    return mail


def _is_silence(error: OSError) -> bool:
    # smtplib says of a time-out, too, that the connection was closed.
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _answer(error: OSError, message: Message) -> str:
    """Return what went wrong in one line, without the address that a mail server may repeat."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        text = f"{error.smtp_code} {text}"
    else:
        text = f"{type(error).__name__}: {error}"
    return without_addresses(text, message.address)


def without_addresses(text: str, address: str) -> str:
    """Return the text on one line, with every e-mail address and both parts of `address` taken out."""
    text = re.sub(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+", "[address]", text)
    for part in (address, address.partition("@")[0]):
        if part:
            text = re.sub(re.escape(part), "[address]", text, flags=re.IGNORECASE)
    return " ".join(text.split())[:LONGEST_ANSWER]
