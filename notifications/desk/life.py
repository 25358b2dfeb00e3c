"""The life of one message: when it was written, each try and the answer, and what people did about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kyc import ledger
from kyc.desk.ledger_details import members
from kyc.models import LedgerEntry, LedgerHead
from notifications.models import Attempt, Notification

# The system's chain tells of all messages that are about no session: so much of its end is looked through.
MOST_LOOKED_THROUGH = 5_000
WORDS: Mapping[str, str | Promise] = {
    "notification.withheld": _("Withheld until a person releases it"),
    "notification.released": _("Released"),
    "notification.retried": _("Put back, to be tried again"),
    "notification.revived": _("Due again: the session came back to what it tells of"),
    "notification.cancelled": _("Cancelled"),
    "notification.gave_up": _("Gave up: no further try by itself"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a message: a try, or an act in `words`, of a person's if one did it."""

    at: datetime
    words: str = ""
    by: str = ""
    attempt: Attempt | None = None


def life(message: Notification) -> list[Event]:
    """Return what happened to a message after it was written, oldest first. Two queries."""
    tries = [Event(attempt.at, attempt=attempt) for attempt in message.attempts.all()]
    return sorted([*tries, *_acts(message)], key=lambda event: event.at)


def _acts(message: Notification) -> Iterator[Event]:
    chain = ledger.session_chain(message.session_id) if message.session_id else ledger.SYSTEM
    head = LedgerHead.objects.filter(pk=chain).values("seq")
    since = Coalesce(head[:1], Value(0)) - MOST_LOOKED_THROUGH
    entries = LedgerEntry.objects.filter(chain=chain, seq__gt=since, action__in=WORDS).order_by("seq")
    for action, at, text, by in entries.values_list("action", "at", "detail", F("actor__username")):
        if _is_about(members(text) or {}, message):
            yield Event(at, str(WORDS[action]), by or "")


def _is_about(detail: Mapping[str, Any], message: Notification) -> bool:
    """Return True for an act on this message, or on all of its kind in its round."""
    if "notification" in detail:
        return bool(detail["notification"] == str(message.pk))
    return (detail.get("kind"), detail.get("round")) == (message.kind, message.round)
