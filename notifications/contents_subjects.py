"""What messages tell the subject."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from kyc import invitations
from notifications import disclosure
from notifications.facts import NothingToSay
from notifications.models import Notification
from notifications.wording import one_line, plain_name, whole_instant

MOST_TOLD = 10
LONGEST_TOLD = 1000


def state(notification: Notification) -> dict[str, Any]:
    return {"reference": str(notification.about_session.pk)}


def verification_failed(notification: Notification) -> dict[str, Any]:
    told = disclosure.disclosed(notification.about_session, get_language() or settings.LANGUAGE_CODE)
    return {
        **state(notification),
        "reasons": [one_line(text, limit=LONGEST_TOLD) for text in told[:MOST_TOLD]],
    }


def session_created(notification: Notification, *, is_preview: bool) -> dict[str, Any]:
    """Return who asks, by which link, and how long it opens. Nobody else than the subject ever sees that link."""
    invitation = invitations.of_session(notification.about_session)
    if invitation is None and not is_preview:
        raise NothingToSay
    return {
        **state(notification),
        "business": plain_name(invitation.business) if invitation else "",
        "expires": whole_instant(invitation.expires_at) if invitation else "",
        "personal_link": None if is_preview or invitation is None else invitation.link,
    }
