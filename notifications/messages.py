"""From a notification to the message that its recipient reads: subject line, text and HTML from three templates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime

from kyc.choices import CheckState
from kyc.models import Check, Session
from notifications import disclosure
from notifications.choices import Kind
from notifications.models import Notification
from notifications.outbox import message_domain
from notifications.recipients import Addressee

# A mail is read at a glance; the session page has the rest.
MOST_CHECKS = 10
MOST_REASONS = 5
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. `thread_id` is the same for all messages about one session."""

    address: str
    subject: str
    text: str
    html: str
    message_id: str
    thread_id: str


def compose(notification: Notification, addressee: Addressee) -> Message:
    """Write the message as things stand now."""
    session = notification.session
    facts = _FACTS[Kind(notification.kind)](session)
    context = {"notification": notification, "session": session, "name": one_line(addressee.name), **facts}
    with translation.override(settings.LANGUAGE_CODE):
        return Message(
            address=addressee.address,
            subject=one_line(_render(notification, "subject.txt", context)),
            text=_render(notification, "body.txt", context).strip() + "\n",
            html=_render(notification, "body.html", context),
            message_id=notification.message_id,
            thread_id=thread_id(session),
        )


def thread_id(session: Session) -> str:
    return f"<{session.pk.hex}@{message_domain()}>"


def one_line(text: str, *, limit: int = LONGEST_TEXT) -> str:
    """Return text from outside as one short line: no control character, no line break, nothing that turns the direction."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char for char in text
    )
    line = re.sub(r"\s+", " ", visible).strip()
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _render(notification: Notification, part: str, context: dict[str, Any]) -> str:
    return render_to_string(f"notifications/{notification.kind}/{part}", context)


def _review_opened(session: Session) -> dict[str, Any]:
    refused = Check.objects.filter(delivery=session.evidence_id, state=CheckState.REFUSED).order_by(
        "position"
    )
    checks = [
        {
            "type": one_line(check.type),
            "reasons": [
                {"code": one_line(reason.code), "message": one_line(reason.message)}
                for reason in check.reasons.all()[:MOST_REASONS]
            ],
            "n_more": max(0, len(check.reasons.all()) - MOST_REASONS),
        }
        for check in refused.prefetch_related("reasons")[:MOST_CHECKS]
    ]
    return {
        "short_id": str(session.pk)[:8],
        "due": _with_zone(session.due_at),
        "checks": checks,
        "n_more": max(0, session.n_refused - MOST_CHECKS),
        "link": f"{settings.DESK_URL}{session.get_absolute_url()}",
    }


def _with_zone(at: datetime | None) -> str:
    if at is None:
        return ""
    try:
        return f"{date_format(localtime(at), 'j M Y, H:i')} {settings.TIME_ZONE}"
    except OverflowError:
        # The last hours of the calendar do not exist in every zone.
        return f"{date_format(at.astimezone(UTC), 'j M Y, H:i')} UTC"


def _verification_failed(session: Session) -> dict[str, Any]:
    return {"reasons": _lines(disclosure.disclosed(session))}


def _lines(texts: Iterable[str]) -> list[str]:
    return [one_line(text, limit=1000) for text in texts]


_FACTS = {
    Kind.REVIEW_OPENED: _review_opened,
    Kind.VERIFICATION_FAILED: _verification_failed,
}
