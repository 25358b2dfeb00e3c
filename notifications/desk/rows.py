"""Messages as the desk shows them: to whom in words, and what a person can do about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from kyc.models import User
from notifications import notices, recipients
from notifications.choices import Status
from notifications.models import Notification


@dataclass(frozen=True, slots=True)
class Row:
    """One message. `reader` names a person at the desk, and never a subject."""

    message: Notification
    reader: str

    @property
    def why(self) -> str:
        return notices.why(self.message)

    @property
    def is_held(self) -> bool:
        """Return True while a worker has it in hand."""
        until = self.message.leased_until
        return until is not None and until > timezone.now()

    @property
    def may_be_undone(self) -> bool:
        """Return True while the decision that it tells of may be taken back."""
        until = self.message.not_before
        return until is not None and until > timezone.now()

    @property
    def is_overdue(self) -> bool:
        """Return True when its turn has come."""
        at = self.message.next_attempt_at
        return at is not None and at <= timezone.now()

    @property
    def is_releasable(self) -> bool:
        return self.message.status == Status.WITHHELD

    @property
    def is_retriable(self) -> bool:
        """Return True for what `outbox.try_again` takes."""
        if self.may_be_undone or self.message.lease_token:
            return False
        waits = self.message.status == Status.PENDING and not self.is_overdue
        return waits or self.message.status == Status.GAVE_UP

    @property
    def is_tickable(self) -> bool:
        """Return True for what a person may want to do something about, be it to learn why nothing can be done."""
        return self.message.status not in (Status.SENT, Status.CANCELLED)


def rows(messages: Sequence[Notification]) -> list[Row]:
    """Return the messages as rows, in their order. At most one query."""
    ids = {key for message in messages if (key := _person_id(message)) is not None}
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}
    return [Row(message, _reader(message, names)) for message in messages]


def _reader(message: Notification, names: dict[int, str]) -> str:
    key = _person_id(message)
    if key is None:
        return notices.reader(message)
    return names.get(key) or _("a person who has left")


def _person_id(message: Notification) -> int | None:
    if not recipients.is_person(message.recipient):
        return None
    text = message.recipient.partition(":")[2]
    return int(text) if text.isascii() and text.isdecimal() else None
