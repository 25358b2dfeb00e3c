"""From a notification to the message that its recipient reads, in their language: what a channel sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from kyc.models import InboxAlarm, Session
from kyc.models.digests import text_digest
from notifications import contents, recipients
from notifications.choices import Kind
from notifications.models import Notification
from notifications.outbox import message_domain
from notifications.recipients import Addressee, language_of
from notifications.wording import one_line, plain_name

# What most mail programs show of them, and a little more.
LONGEST_SUBJECT = 120
LONGEST_PREVIEW = 160


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. `thread_id` is the same for all messages about one session, one alarm, the seals, or for one's digests.

    `preview` is what a mail program shows beside the subject line; the HTML begins with it.
    """

    address: str
    subject: str
    text: str
    html: str
    message_id: str
    thread_id: str
    language: str = "en-gb"
    preview: str = ""


def compose(
    notification: Notification, addressee: Addressee, *, is_preview: bool = False, is_masked: bool = False
) -> Message:
    """Write the message as things stand now; in a preview the personal link is not in it, in a masked one no name is.

    Raise NothingToSay where what it has to tell is not there any more.
    """
    language = language_of(addressee.language)
    with translation.override(language):
        context: dict[str, Any] = {
            "notification": notification,
            "name": plain_name(addressee.name),
            "is_preview": is_preview,
            "preferences_link": _preferences_link(notification),
            **contents.of(notification, is_preview=is_preview),
        }
        if is_masked:
            context |= {"name": "", "business": ""}
        subject = one_line(_render(notification, "subject.txt", context), limit=LONGEST_SUBJECT)
        preview = one_line(_render(notification, "preview.txt", context), limit=LONGEST_PREVIEW)
        context |= {"subject_line": subject, "preview_text": preview}
        return Message(
            address=addressee.address,
            subject=subject,
            text=_tidy(_render(notification, "body.txt", context)),
            html=_render(notification, "body.html", context),
            message_id=notification.message_id,
            thread_id=_thread_of(notification),
            language=language,
            preview=preview,
        )


def thread_id(about: Session | InboxAlarm) -> str:
    name = f"inbox-alarm-{about.pk}" if isinstance(about, InboxAlarm) else about.pk.hex
    return f"<{name}@{message_domain()}>"


def _thread_of(notification: Notification) -> str:
    if notification.kind == Kind.DAILY_DIGEST:
        # Not the recipient itself: that may be an address.
        return f"<digest-{text_digest(notification.recipient).hex}@{message_domain()}>"
    if notification.kind == Kind.LEDGER_SEALED:
        return f"<seals@{message_domain()}>"
    return thread_id(notification.about_alarm if notification.alarm_id else notification.about_session)


def _preferences_link(notification: Notification) -> str:
    """Return where its reader chooses what mail they get, or an empty text: subjects and the team's addresses do not."""
    is_persons = recipients.is_person(notification.recipient)
    return f"{settings.DESK_URL}{reverse('notification-preferences')}" if is_persons else ""


def _render(notification: Notification, part: str, context: dict[str, Any]) -> str:
    return render_to_string(f"notifications/{notification.kind}/{part}", context)


def _tidy(text: str) -> str:
    """Return the text without the empty lines that a template's conditions leave."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
