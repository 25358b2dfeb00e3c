"""What the message of each kind tells, for its templates. Written in the language that is active."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from notifications import contents_desk, contents_sessions, contents_subjects, disclosure
from notifications.choices import Kind
from notifications.models import Notification


def of(notification: Notification, *, is_preview: bool = False) -> dict[str, Any]:
    """Return what the kind's templates ask for. A preview's personal link is None."""
    kind = Kind(notification.kind)
    if kind == Kind.SESSION_CREATED:
        return contents_subjects.session_created(notification, is_preview=is_preview)
    return _CONTENTS[kind](notification)


def read_ahead(notifications: Iterable[Notification]) -> None:
    """Ask once for many what `of` asks for each of the commonest kinds. It holds for these very objects."""
    about = defaultdict(list)
    for notification in notifications:
        if notification.session:
            about[notification.kind].append(notification.session)
    contents_sessions.read_ahead(about[Kind.REVIEW_OPENED])
    disclosure.read_ahead(about[Kind.VERIFICATION_FAILED])


_CONTENTS: dict[Kind, Callable[[Notification], dict[str, Any]]] = {
    Kind.REVIEW_OPENED: contents_sessions.review_opened,
    Kind.DUE_SOON: contents_sessions.due,
    Kind.OVERDUE: contents_sessions.due,
    Kind.ESCALATED: contents_sessions.escalated,
    Kind.SECOND_REVIEW: contents_sessions.second_review,
    Kind.DISPUTED: contents_sessions.disputed,
    Kind.DAILY_DIGEST: contents_desk.daily_digest,
    Kind.INBOX_UNWELL: contents_desk.inbox_alarm,
    Kind.INBOX_WELL: contents_desk.inbox_alarm,
    Kind.LEDGER_SEALED: contents_desk.ledger_sealed,
    Kind.VERIFICATION_FAILED: contents_subjects.verification_failed,
    Kind.VERIFIED: contents_subjects.state,
    Kind.EXPIRED: contents_subjects.state,
}
