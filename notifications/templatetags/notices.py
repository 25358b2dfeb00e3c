"""What the desk's templates ask about notifications."""

from __future__ import annotations

from django import template
from django.urls import reverse

from kyc.models import Session
from notifications import notices
from notifications.choices import AttemptOutcome
from notifications.folder import mail_folder
from notifications.models import Attempt, Notification

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
def failed_tries(notification: Notification) -> list[Attempt]:
    return [attempt for attempt in notification.attempts.all() if attempt.outcome != AttemptOutcome.SENT]


@register.filter
def mail_page(notification: Notification) -> str:
    """Return the address at which a demo shows a session's message that was sent, or an empty text."""
    if mail_folder() is None or notification.sent_at is None or notification.session_id is None:
        return ""
    return f"{reverse('mail', args=[notification.session_id])}#mail-{notification.pk}"
