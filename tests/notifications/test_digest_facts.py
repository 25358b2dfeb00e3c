"""What the day's digest says: counts and a few lines that its reader has a part in, and nothing personal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings

from kyc.choices import Outcome, SessionState
from kyc.models import Session, User
from notifications import digest, preferences
from notifications.choices import Choice, Kind, Status
from notifications.digest import Digest, Line
from notifications.models import Notification
from notifications.waiting import Place
from tests.factories import DecisionFactory, InboxAlarmFactory, SessionFactory, UserFactory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 18, 8, 0, 20, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def at_eight(settings: Any) -> Iterator[None]:
    settings.KYC_DIGEST_TIME, settings.TIME_ZONE = time(8), "UTC"
    settings.DESK_URL = "https://desk.example.test"
    with time_machine.travel(NOW, tick=False):
        yield


def session(due: timedelta = 3 * DAY, **columns: Any) -> Session:
    """Return a session that came to review two days ago, and is due then."""
    return SessionFactory(**{"state_since": NOW - 2 * DAY, "due_at": NOW + due, **columns})


def held_by(person: User) -> dict[str, Any]:
    return {"assignee": person, "claimed_until": NOW + HOUR}


def counts(found: Digest) -> dict[Place, int]:
    return {waiting.place: waiting.n for waiting in found.waiting}


def news(found: Digest) -> dict[Kind, int]:
    return {each.kind: each.n for each in found.news}


@pytest.fixture
def desk(officer: User, supervisor: User) -> None:
    """One session for each place at least."""
    session(-HOUR)
    session(5 * HOUR)
    session(**held_by(officer))
    session(snoozed_until=NOW + DAY)
    session(**held_by(UserFactory(role="officer", is_active=False)))
    session(escalated_at=NOW - 2 * DAY)
    session(is_disputed=True, decided_by=officer)
    session(proposed_by=officer)
    session(proposed_by=officer, escalated_at=NOW - 2 * DAY)
    session(proposed_by=officer, **held_by(supervisor))
    SessionFactory(state=SessionState.VERIFIED, state_since=NOW)
    for status in (Status.WITHHELD, Status.GAVE_UP, Status.CANCELLED):
        Notification.objects.create(
            session=session(state=SessionState.REJECTED, due_at=None), round=1, event_at=NOW,
            kind=Kind.VERIFICATION_FAILED, recipient="user:x", status=status,
            withheld_because="late" if status == Status.WITHHELD else "",
        )  # fmt: skip


def test_each_reads_what_waits_for_them(desk: None, officer: User, supervisor: User) -> None:
    everybodys = {Place.OVERDUE: 1, Place.DUE_TODAY: 1, Place.DISPUTED: 1}
    for_supervisors = {Place.SUPERVISORS: 3, Place.NOTIFICATIONS: 2}
    other = UserFactory(role="officer")

    assert counts(digest.facts(officer, TODAY)) == {**everybodys, Place.FREE: 3, Place.YOURS: 1}
    assert counts(digest.facts(other, TODAY)) == {**everybodys, Place.FREE: 3, Place.SECOND: 1}
    assert counts(digest.facts(supervisor, TODAY)) == {
        **everybodys, **for_supervisors, Place.FREE: 5, Place.YOURS: 1, Place.SECOND: 3,
    }  # fmt: skip
    assert counts(digest.facts(None, TODAY)) == {
        **everybodys,
        **for_supervisors,
        Place.FREE: 5,
        Place.SECOND: 2,
    }


@pytest.mark.parametrize("who", ["officer", "supervisor", "team"])
def test_it_is_read_in_few_queries_however_much_there_is(
    desk: None,
    officer: User,
    supervisor: User,
    who: str,
    queries: Callable[[int], AbstractContextManager[None]],
) -> None:
    person = {"officer": officer, "supervisor": supervisor}.get(who)
    everything(supervisor)
    reader = User.objects.get(pk=person.pk) if person else None

    # The last digest and the counts; for a person what they may and want, and the lines of each kind of theirs.
    with queries({"team": 2, "officer": 8, "supervisor": 12}[who]):
        digest.facts(reader, TODAY)


def everything(person: User) -> None:
    """Let this happen since yesterday's digest, and be for the person's next one."""
    kinds = [kind for kind, choice in preferences.choices_of(person).items() if kind != Kind.DAILY_DIGEST]
    preferences.choose(person, dict.fromkeys(kinds, Choice.DIGEST))
    session(-HOUR)
    session(HOUR)
    session(queued_at=NOW - HOUR)
    session(escalated_at=NOW - HOUR)
    session(is_disputed=True, decided_by=UserFactory(), queued_at=NOW - HOUR)
    DecisionFactory(
        session=session(is_second_review=True), outcome=Outcome.SECOND_REVIEW, proposed_at=NOW - HOUR
    )
    InboxAlarmFactory(opened_at=NOW - HOUR, closed_at=NOW)


def test_what_came_of_each_kind_is_counted_with_the_most_urgent_first(supervisor: User) -> None:
    everything(supervisor)
    first = session(-2 * HOUR)
    found = digest.facts(supervisor, TODAY)

    assert news(found) == {
        Kind.OVERDUE: 2, Kind.DUE_SOON: 1, Kind.ESCALATED: 1, Kind.DISPUTED: 1, Kind.SECOND_REVIEW: 1,
        Kind.REVIEW_OPENED: 2, Kind.INBOX_UNWELL: 1, Kind.INBOX_WELL: 1,
    }  # fmt: skip
    link = f"https://desk.example.test/sessions/{first.pk}/"
    assert found.news[0].lines[0] == Line(str(first.pk)[:8], "", link, first.due_at)
    assert [line.title for line in found.news[-1].lines] == ["Silence"]


def test_only_the_most_urgent_few_have_a_line(officer: User) -> None:
    sessions = [session(timedelta(minutes=n), queued_at=NOW - HOUR) for n in (9, 5, 7, 3, 8)]
    found = {each.kind: each for each in digest.facts(officer, TODAY).news}[Kind.REVIEW_OPENED]

    assert [line.short_id for line in found.lines] == [str(sessions[n].pk)[:8] for n in (3, 1, 2)]
    assert (found.n, found.n_more) == (5, 2)


def test_what_a_person_did_themselves_or_has_at_once_is_no_news(supervisor: User, officer: User) -> None:
    own = {"maker": supervisor, "proposed_at": NOW - HOUR}
    DecisionFactory(session=session(escalated_at=NOW - HOUR), outcome=Outcome.ESCALATE, **own)
    DecisionFactory(session=session(is_second_review=True), outcome=Outcome.SECOND_REVIEW, **own)
    asked = session(is_second_review=True)
    DecisionFactory(session=asked, outcome=Outcome.SECOND_REVIEW, addressee=officer, proposed_at=NOW - HOUR)
    session(-HOUR)
    preferences.choose(supervisor, {Kind.ESCALATED: Choice.DIGEST, Kind.SECOND_REVIEW: Choice.DIGEST})

    assert digest.facts(supervisor, TODAY).news == ()


def test_to_an_officer_nothing_is_news_that_waits_for_supervisors(officer: User) -> None:
    session(-HOUR, escalated_at=NOW - HOUR, queued_at=NOW - HOUR)

    assert digest.facts(officer, TODAY).news == ()


def test_news_is_what_came_since_the_last_one(officer: User) -> None:
    session(queued_at=NOW - 30 * HOUR)
    assert digest.facts(officer, TODAY).since == NOW.replace(second=0) - DAY
    assert news(digest.facts(officer, TODAY)) == {}

    last = Notification.objects.create(
        kind=Kind.DAILY_DIGEST, occasion=(TODAY - 2 * DAY).isoformat(), recipient=f"person:{officer.pk}",
        event_at=NOW - 2 * DAY, next_attempt_at=NOW,
    )  # fmt: skip
    assert digest.facts(officer, TODAY).since == last.event_at
    assert news(digest.facts(officer, TODAY)) == {Kind.REVIEW_OPENED: 1}
    assert digest.facts(None, TODAY).since == NOW.replace(second=0) - DAY


def test_today_ends_where_the_desk_is(officer: User, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    session(6 * HOUR), session(8 * HOUR)

    assert counts(digest.facts(officer, TODAY))[Place.DUE_TODAY] == 1


def test_every_link_is_a_whole_address_that_opens(
    desk: None, supervisor: User, supervisor_client: Any
) -> None:
    everything(supervisor)
    found = digest.facts(supervisor, TODAY)
    links = {each.link for each in (*found.waiting, *found.news)} | {found.queue_link, found.preferences_link}

    for link in links:
        path = link.removeprefix(django_settings.DESK_URL)
        assert path.startswith("/")
        assert supervisor_client.get(path).status_code == 200, path


def test_a_count_stops_at_the_cap(officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from kyc import querysets

    monkeypatch.setattr(querysets, "CAP", 2)
    monkeypatch.setattr(digest, "CAP", 2)
    [session() for _ in range(4)]
    (free,) = digest.facts(officer, TODAY).waiting

    assert (free.n, free.number) == (3, "2+")
