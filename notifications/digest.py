"""What the day's digest says: what waits at the desk, and what came since the last one. It names no subject and no person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from kyc.languages import whole
from kyc.models import Session, User
from kyc.querysets import CAP, CappedCount
from notifications import arrivals, preferences, recipients, waiting
from notifications.arrivals import Reader
from notifications.choices import ABOUT_ALARMS, Choice, Kind, Status
from notifications.models import IS_ABOUT_A_DAY, Notification
from notifications.waiting import Place

# Of each kind so many have a line of their own.
MOST_LINES = 3
# Who has had none for longer is told what came in the last day.
LONGEST_SINCE = timedelta(days=7)
# The pages that show what is counted, or what comes nearest to it.
PLACES = {
    Place.OVERDUE: ("queue", "?sla=overdue"),
    Place.DUE_TODAY: ("queue", ""),
    Place.YOURS: ("queue", "?view=mine"),
    Place.FREE: ("queue", "?view=free"),
    Place.SUPERVISORS: ("queue", "?view=supervisors"),
    Place.DISPUTED: ("queue", "?view=supervisors"),
    Place.SECOND: ("queue", "?view=second"),
    Place.NOTIFICATIONS: ("notifications", "?status=needs-a-person"),
}
KINDS = {
    Kind.OVERDUE: ("queue", "?sla=overdue"),
    Kind.DUE_SOON: ("queue", "?sla=soon"),
    Kind.ESCALATED: ("queue", "?view=supervisors"),
    Kind.DISPUTED: ("queue", "?view=supervisors"),
    Kind.SECOND_REVIEW: ("queue", "?view=second"),
    Kind.REVIEW_OPENED: ("queue", "?sort=newest"),
    Kind.INBOX_UNWELL: ("deliveries", ""),
    Kind.INBOX_WELL: ("deliveries", ""),
}


def counted(n: int) -> str:
    """Write a capped count: 12,345 as it is, and what is over the cap as "1,000+"."""
    return whole(n) if n <= CAP else f"{whole(CAP)}+"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait in one place now: never none. `link` is a whole address; `number` the count in words."""

    place: Place
    n: int
    link: str

    @property
    def title(self) -> str:
        return str(self.place.label)

    @property
    def number(self) -> str:
        return counted(self.n)

    @property
    def is_alarming(self) -> bool:
        return self.place == Place.OVERDUE


@dataclass(frozen=True, slots=True)
class Line:
    """One session, by its short id, or one alarm of the inbox, by its kind (`title`): where it opens, and when it is due.

    `at` is the session's due time, or when the alarm opened.
    """

    short_id: str
    title: str
    link: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class News:
    """How many of one kind came since the last digest and still stand: never none, and the most urgent few of them."""

    kind: Kind
    n: int
    link: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        return str(self.kind.label)

    @property
    def number(self) -> str:
        return counted(self.n)

    @property
    def n_more(self) -> int:
        """Return how many have no line; where `n` is over the cap, at least so many."""
        return self.n - len(self.lines)


@dataclass(frozen=True, slots=True)
class Digest:
    """What one recipient's digest says. Without a person it is the team's. All links are whole addresses."""

    day: date
    since: datetime
    waiting: tuple[Waiting, ...]
    news: tuple[News, ...]
    queue_link: str
    preferences_link: str

    @property
    def is_empty(self) -> bool:
        """Return True when it would say nothing: it is not written then."""
        return not self.waiting and not self.news


def facts(person: User | None, day: date, now: datetime | None = None) -> Digest:
    """Return what the day's digest says now to a person, or to the team.

    It is read in a dozen queries at most, one of which counts all there is to count; none costs more the more sessions
    there are.
    """
    reader = Reader(person, now or timezone.now(), _since(person, day))
    # The team hears of every kind at once.
    choices = preferences.choices_of(person) if person else {}
    places = waiting.places(reader)
    came = {kind: rows(reader) for kind, rows in arrivals.CAME.items() if choices.get(kind) == Choice.DIGEST}
    counts = _counts([*places.values(), *came.values()])
    return Digest(
        day=day,
        since=reader.since,
        waiting=tuple(
            Waiting(place, n, _link(*PLACES[place])) for place, n in zip(places, counts, strict=False) if n
        ),
        news=tuple(
            News(kind, n, _link(*KINDS[kind]), _lines(kind, came[kind]))
            for kind, n in zip(came, counts[len(places) :], strict=True)
            if n
        ),
        queue_link=_link("queue"),
        preferences_link=_link("notification-preferences"),
    )


def _since(person: User | None, day: date) -> datetime:
    """Return when the reader's last digest was due, or yesterday's would have been."""
    before = Notification.objects.filter(
        IS_ABOUT_A_DAY,
        recipient__in=recipients.of_person(person) if person else recipients.team(),
        occasion__lt=day.isoformat(),
        occasion__gte=(day - LONGEST_SINCE).isoformat(),
    ).exclude(status=Status.CANCELLED)
    last = before.order_by("-occasion").values_list("event_at", flat=True).first()
    yesterday = datetime.combine(
        day - timedelta(days=1), settings.KYC_DIGEST_TIME or time.min, timezone.get_default_timezone()
    )
    return last or yesterday.astimezone(UTC)


def _counts(rows: Sequence[QuerySet[Any]]) -> Sequence[int]:
    """Count each up to the cap, all in one query. Any row that is always there carries the subqueries."""
    found: Sequence[int] = ContentType.objects.order_by("pk").values_list(*map(CappedCount, rows))[0]
    return found


def _lines(kind: Kind, rows: QuerySet[Any]) -> tuple[Line, ...]:
    """Return the most urgent few."""
    if kind in ABOUT_ALARMS:
        newest, link = rows.order_by("-pk")[:MOST_LINES], _link("deliveries")
        return tuple(Line("", alarm.get_kind_display(), link, alarm.opened_at) for alarm in newest)
    if kind == Kind.REVIEW_OPENED:
        # In its index's order as far as the cap, and only those by urgency.
        rows = Session.objects.filter(pk__in=rows.order_by("-queued_at").values("pk")[:CAP])
    urgent = rows.order_by("due_at", "id")[:MOST_LINES]
    return tuple(
        Line(str(session.pk)[:8], "", f"{settings.DESK_URL}{session.get_absolute_url()}", session.due_at)
        for session in urgent
    )


def _link(page: str, query: str = "") -> str:
    return f"{settings.DESK_URL}{reverse(page)}{query}"
