"""What the desk's templates ask about notifications."""

from __future__ import annotations

from datetime import date

from django import template
from django.urls import reverse

from kyc.languages import day_words
from kyc.models import Session
from notifications import notices
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
