"""What messages tell of the inbox, of the day, and of the ledger's seals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, pgettext

from kyc.languages import whole_day_words
from kyc.models import EventName, InboxAlarm, ReasonCode, Seal
from notifications import digest
from notifications.choices import Kind
from notifications.facts import LONGEST_CODE, Facts, NothingToSay, told
from notifications.models import Notification
from notifications.recipients import who
from notifications.wording import instant, one_line


def inbox_alarm(notification: Notification) -> dict[str, Any]:
    """Return what the alarm says: as it was when it opened, and, once it is closed, as it was then."""
    alarm = notification.about_alarm
    since = alarm.detail.get("since")
    times = {
        "since": instant(datetime.fromisoformat(since)) if since else "",
        "opened": instant(alarm.opened_at),
        "closed": instant(alarm.closed_at),
    }
    facts = _of_unwell if notification.kind == Kind.INBOX_UNWELL else _of_well
    return {
        "title": alarm.get_kind_display(),
        "facts": told(facts(alarm, times)),
        "figure": alarm.figure,
        "after": alarm.figure_after,
        "names": _names(alarm),
        "is_over": alarm.closed_at is not None,
        "link": f"{settings.DESK_URL}{reverse('deliveries')}",
    }


def _of_unwell(alarm: InboxAlarm, times: dict[str, str]) -> Facts:
    return [
        (pgettext("alarm", "What"), alarm.get_kind_display()),
        (gettext("Since"), times["since"]),
        (gettext("Noticed"), times["opened"]),
        (gettext("Well again"), times["closed"]),
    ]


def _of_well(alarm: InboxAlarm, times: dict[str, str]) -> Facts:
    return [
        (gettext("What it was"), alarm.get_kind_display()),
        (gettext("Noticed"), times["opened"]),
        (gettext("Well again"), times["closed"]),
        (pgettext("alarm", "Then"), alarm.figure.get("says")),
        (pgettext("alarm", "Now"), alarm.figure_after.get("says")),
    ]


def _names(alarm: InboxAlarm) -> list[str]:
    """Return the newest event names and codes that the alarm is about; the alarm itself holds their ids only."""
    names = EventName.objects.filter(pk__in=alarm.detail.get("event_names", ())).order_by("-pk")
    codes = ReasonCode.objects.filter(pk__in=alarm.detail.get("codes", ())).order_by("-pk")
    said = [*names.values_list("name", flat=True), *codes.values_list("code", flat=True)]
    return [one_line(name, limit=LONGEST_CODE) for name in said]


def daily_digest(notification: Notification) -> dict[str, Any]:
    day = date.fromisoformat(notification.occasion)
    found = digest.facts(who(notification.recipient), day)
    return {
        "digest": found,
        "day": whole_day_words(day),
        "since": instant(found.since),
        "news": [(news, [(line, instant(line.at)) for line in news.lines]) for news in found.news],
        "link": found.queue_link,
    }


def ledger_sealed(notification: Notification) -> dict[str, Any]:
    _, _, number = notification.occasion.partition(" ")
    seal = Seal.objects.filter(number=number).first()
    if seal is None:
        raise NothingToSay
    at = instant(seal.at)
    facts: Facts = [
        (gettext("Seal"), seal.number),
        (gettext("Made"), at),
        (pgettext("seal", "For"), whole_day_words(seal.day) if seal.day else gettext("out of turn")),
        (gettext("Chains that grew"), str(seal.n_chains)),
        (gettext("New entries"), str(seal.n_entries)),
    ]
    return {
        "seal": seal,
        "at": at,
        "day": whole_day_words(seal.day) if seal.day else "",
        "facts": told(facts),
        "at_the_desk": f"manage.py verify_ledger --seal {seal.number}={seal.hash}",
        "alone": f"python -I verify.py --seal {seal.number}={seal.hash}",
        "desk": settings.DESK_URL,
    }
