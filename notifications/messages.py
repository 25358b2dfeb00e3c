"""From a notification to the message that its recipient reads: subject line, text and HTML from three templates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext

from kyc.choices import CheckState
from kyc.models import Check, EventName, InboxAlarm, ReasonCode, Session
from notifications import disclosure
from notifications.choices import Kind
from notifications.models import Notification
from notifications.outbox import message_domain
from notifications.recipients import Addressee, of_person

# A mail is read at a glance; the session page has the rest.
MOST_CHECKS = 10
MOST_REASONS = 5
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. `thread_id` is the same for all messages about one session, or one alarm."""

    address: str
    subject: str
    text: str
    html: str
    message_id: str
    thread_id: str


def compose(notification: Notification, addressee: Addressee) -> Message:
    """Write the message as things stand now."""
    about = notification.about_alarm if notification.alarm_id else notification.about_session
    context = {
        "notification": notification,
        "name": one_line(addressee.name),
        **_FACTS[Kind(notification.kind)](notification),
    }
    with translation.override(settings.LANGUAGE_CODE):
        return Message(
            address=addressee.address,
            subject=one_line(_render(notification, "subject.txt", context)),
            text=_render(notification, "body.txt", context).strip() + "\n",
            html=_render(notification, "body.html", context),
            message_id=notification.message_id,
            thread_id=thread_id(about),
        )


def thread_id(about: Session | InboxAlarm) -> str:
    name = f"inbox-alarm-{about.pk}" if isinstance(about, InboxAlarm) else about.pk.hex
    return f"<{name}@{message_domain()}>"


def one_line(text: str, *, limit: int = LONGEST_TEXT) -> str:
    """Return text from outside as one short line: no control character, no line break, nothing that turns the direction."""
    visible = "".join(
        " " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char for char in text
    )
    line = re.sub(r"\s+", " ", visible).strip()
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _render(notification: Notification, part: str, context: dict[str, Any]) -> str:
    return render_to_string(f"notifications/{notification.kind}/{part}", context)


def _review_opened(notification: Notification) -> dict[str, Any]:
    session = notification.about_session
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
        "session": session,
        "short_id": str(session.pk)[:8],
        "due": _with_zone(session.due_at),
        "checks": checks,
        "n_more": max(0, session.n_refused - MOST_CHECKS),
        "link": f"{settings.DESK_URL}{session.get_absolute_url()}",
    }


def _due(notification: Notification) -> dict[str, Any]:
    """Return what a warning says: when, and whether somebody has the session in hand, but nothing of its subject."""
    session = notification.about_session
    return {
        "session": session,
        "short_id": str(session.pk)[:8],
        "since": _with_zone(session.state_since),
        "due": _with_zone(notification.event_at),
        "held_by": _holder(notification),
        "link": f"{settings.DESK_URL}{session.get_absolute_url()}",
    }


def _holder(notification: Notification) -> str:
    session = notification.about_session
    if session.claimed_until is None or session.claimed_until <= now():
        return gettext("nobody")
    is_reader = notification.recipient in of_person(session.assignee)
    return gettext("you") if is_reader else gettext("an officer")


def _with_zone(at: datetime | None) -> str:
    if at is None:
        return ""
    try:
        return f"{date_format(localtime(at), 'j M Y, H:i')} {settings.TIME_ZONE}"
    except OverflowError:
        # The last hours of the calendar do not exist in every zone.
        return f"{date_format(at.astimezone(UTC), 'j M Y, H:i')} UTC"


def _verification_failed(notification: Notification) -> dict[str, Any]:
    session = notification.about_session
    return {"session": session, "reasons": _lines(disclosure.disclosed(session))}


def _alarm(notification: Notification) -> dict[str, Any]:
    """Return what the alarm says: as it was when it opened, and, once it is closed, as it was then."""
    alarm = notification.about_alarm
    since = alarm.detail.get("since")
    return {
        "alarm": alarm,
        "title": alarm.get_kind_display(),
        "figure": alarm.detail,
        "names": _names(alarm),
        "after": alarm.detail.get("after"),
        "since": _with_zone(datetime.fromisoformat(since)) if since else "",
        "opened": _with_zone(alarm.opened_at),
        "closed": _with_zone(alarm.closed_at),
        "link": f"{settings.DESK_URL}{reverse('deliveries')}",
    }


def _names(alarm: InboxAlarm) -> list[str]:
    """Return the newest event names and codes that the alarm is about; the alarm itself holds their ids only."""
    names = EventName.objects.filter(pk__in=alarm.detail.get("event_names", ())).order_by("-pk")
    codes = ReasonCode.objects.filter(pk__in=alarm.detail.get("codes", ())).order_by("-pk")
    said = [*names.values_list("name", flat=True), *codes.values_list("code", flat=True)]
    return [one_line(name, limit=60) for name in said]


def _lines(texts: Iterable[str]) -> list[str]:
    return [one_line(text, limit=1000) for text in texts]


_FACTS: dict[Kind, Callable[[Notification], dict[str, Any]]] = {
    Kind.REVIEW_OPENED: _review_opened,
    Kind.VERIFICATION_FAILED: _verification_failed,
    Kind.DUE_SOON: _due,
    Kind.OVERDUE: _due,
    Kind.INBOX_UNWELL: _alarm,
    Kind.INBOX_WELL: _alarm,
}
