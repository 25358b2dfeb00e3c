"""What the desk's templates ask about notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django import template
from django.db.models import QuerySet
from django.urls import reverse

from kyc.languages import day_words
from kyc.models import Session
from notifications import notices
from notifications.choices import Kind
from notifications.folder import mail_folder
from notifications.models import Notification

register = template.Library()


@register.filter
def session_notices(session: Session) -> list[notices.Notice]:
    return notices.about_session(session)


@register.filter
def notice(notification: Notification) -> notices.Notice | None:
    return notices.about(notification)


@register.filter
def reader(notification: Notification) -> str:
    return notices.reader(notification)


@register.filter
def day_of(notification: Notification) -> str:
    """Return the day that a digest is about, in words."""
    try:
        return day_words(date.fromisoformat(notification.occasion))
    except ValueError:
        return notification.occasion


@register.filter
def mail_page(notification: Notification) -> str:
    """Return the address at which a demo shows a session's message that was sent, or an empty text."""
    if mail_folder() is None or notification.sent_at is None or notification.session_id is None:
        return ""
    return f"{reverse('mail', args=[notification.session_id])}#mail-{notification.pk}"


@register.simple_tag
def seal_mails(rows: Sequence[Any]) -> dict[str, list[Notification]]:
    """Return the messages that carry these seals out of the house, by seal. One query."""
    found: dict[str, list[Notification]] = {}
    for message in _carrying([row.seal.number for row in rows]):
        found.setdefault(message.occasion, []).append(message)
    return found


@register.simple_tag
def seal_mails_of(number: int) -> list[Notification]:
    return list(_carrying([number]))


@register.filter
def of_seal(mails: dict[str, list[Notification]], number: int) -> list[Notification]:
    return mails.get(f"seal {number}", [])


def _carrying(numbers: Iterable[int]) -> QuerySet[Notification]:
    occasions = [f"seal {number}" for number in numbers]
    return Notification.objects.filter(kind=Kind.LEDGER_SEALED, occasion__in=occasions).order_by("pk")
