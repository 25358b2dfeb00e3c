"""The folder that mail lands in where no mail server is meant to be: a demo, or a developer's machine."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from kyc.models import Session
from notifications.messages import thread_id

FILE_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
# What the backend writes after each message.
BETWEEN = b"\n" + b"-" * 79 + b"\n"
HEADERS = ("From", "To", "Date", "Message-ID", "References", "Auto-Submitted")
MOST_FILES = 2000
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it lies in the folder."""

    id: str
    subject: str
    headers: list[tuple[str, str]]
    text: str


def mail_folder() -> Path | None:
    """Return the folder, or None: with debug off, or with mail that really leaves, there is nothing to look at."""
    mailer = settings.MAILERS["default"]
    if not settings.DEBUG or mailer["BACKEND"] != FILE_BACKEND:
        return None
    return Path(mailer["OPTIONS"]["file_path"])


def mails_about(session: Session, folder: Path) -> list[Mail]:
    """Return the session's messages among the newest files, newest first."""
    thread = thread_id(session)
    newest = sorted(folder.glob("*.log"), reverse=True)[:MOST_FILES]
    return [_mail(found) for file in newest for found in _messages(file, thread)]


def _messages(file: Path, thread: str) -> Iterator[EmailMessage]:
    content = file.read_bytes()
    # One look spares most files the parsing.
    if thread.encode() not in content:
        return
    for part in reversed(content.split(BETWEEN)):
        message = email.message_from_bytes(part, EmailMessage, policy=email.policy.default)
        if message["References"] == thread:
            yield message


def _mail(message: EmailMessage) -> Mail:
    body = message.get_body(("plain",))
    return Mail(
        id=str(message["Message-ID"]).strip("<>").partition("@")[0],
        subject=str(message["Subject"]),
        headers=[(name, str(message[name])) for name in HEADERS if message[name]],
        text=_veiled(body.get_content()) if body else "",
    )


def _veiled(text: str) -> str:
    """Return a mail's text without the subject's personal link: whoever opens it would be verified in their place."""
    words = _("(The personal link stands here. Only the person concerned is shown it.)")
    return _LINK.sub(lambda link: link[0] if link[0].startswith(settings.DESK_URL) else words, text)
