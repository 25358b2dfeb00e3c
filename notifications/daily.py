"""When the day's digests are written: once, in the desk's time zone, by whichever worker is up."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from kyc import everyday
from notifications import digest, outbox, recipients
from notifications.models import Notification


def write(now: datetime | None = None) -> int:
    """Write today's digests once it is time to, if nobody has; return how many that were.

    Any number of workers may do so at once. Of days past none is written, however long no worker was up.
    """
    now = now or timezone.now()
    day = day_at(now)
    if day is None or cache.get(_key(day)):
        return 0
    told = [
        recipient
        for recipient in recipients.of_digest()
        if not digest.facts(recipients.who(recipient), day, now).is_empty
    ]
    n_written = outbox.put_digests(day, told, due_at=instant(day))
    # Where nobody had anything to read there is no row to tell that it was looked for. Losing this costs a second look.
    cache.set(_key(day), value=True, timeout=timedelta(days=2).total_seconds())
    return n_written


def day_at(now: datetime) -> date | None:
    """Return today in the desk's time zone, from the time of the digest on, if there is one."""
    return everyday.day_due(now, settings.KYC_DIGEST_TIME)


def instant(day: date) -> datetime:
    """Return when the day's digest is due."""
    return everyday.instant(day, settings.KYC_DIGEST_TIME or time.min)


def is_of_now(notification: Notification, now: datetime | None = None) -> bool:
    """Return True until the next digest is due, as long as it says anything: a late one does not come beside the next."""
    now = now or timezone.now()
    day = date.fromisoformat(notification.occasion)
    newest = day_at(now) or everyday.local_day(now) - timedelta(days=1)
    person = recipients.who(notification.recipient)
    return day >= newest and not digest.facts(person, day, now).is_empty


def _key(day: date) -> str:
    return f"digest-{day.isoformat()}"
