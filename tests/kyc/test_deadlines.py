"""Due times: each is warned of once before and once after, by whoever looks first; nobody is warned while it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from kyc import folding, ledger, review
from kyc.deadlines import warn
from kyc.models import LedgerEntry, Session, User
from kyc.rebuilding import rebuild
from kyc.signals import session_due
from tests import wire
from tests.factories import SessionFactory
from tests.kyc.scene import again

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
type Told = list[tuple[str, bool]]


@pytest.fixture
def session(db: None) -> Session:
    """In REVIEW since now; the fold says when it is due."""
    event = wire.payload("kyc_session_manual_review", at=timezone.now())
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["sessionId"])


@pytest.fixture
def told() -> Iterator[Told]:
    """What the signal says, and whether that was inside the transaction."""
    found: Told = []

    def receiver(*, session: Session, kind: str, **kwargs: Any) -> None:
        found.append((kind, connection.in_atomic_block))

    session_due.connect(receiver)
    yield found
    session_due.disconnect(receiver)


def kinds(now: datetime) -> list[str]:
    return [kind for _, kind in warn(now)]


def due(session: Session) -> datetime:
    due_at = Session.objects.values_list("due_at", flat=True).get(pk=session.pk)
    assert due_at
    return due_at


def test_it_warns_once_before_and_once_after(session: Session, told: Told) -> None:
    soon = due(session) - settings.KYC_DUE_SOON
    assert kinds(soon - MINUTE) == []
    assert (kinds(soon), kinds(soon + MINUTE)) == (["due_soon"], [])
    assert (kinds(due(session)), kinds(due(session) + HOUR)) == (["overdue"], [])
    assert told == [("due_soon", True), ("overdue", True)]
    session.refresh_from_db()
    assert (session.warned_for, session.breached_for) == (session.due_at, session.due_at)


def test_it_is_in_the_ledger_and_changes_no_version(session: Session) -> None:
    warn(due(session) - MINUTE)
    warn(due(session))
    entries = LedgerEntry.objects.filter(action__in=["session.due_soon", "session.overdue"]).order_by("seq")

    assert [(entry.action, entry.actor) for entry in entries] == [
        ("session.due_soon", None),
        ("session.overdue", None),
    ]
    assert json.loads(entries[0].detail) == {
        "due_at": due(session).isoformat(), "state": "REVIEW", "round": 1, "version": session.version,
    }  # fmt: skip
    assert Session.objects.get(pk=session.pk).version == session.version
    assert not list(ledger.verify())
    assert rebuild(session.pk, is_dry_run=True) == []


@pytest.mark.parametrize("late", [timedelta(), timedelta(days=30)])
def test_seen_too_late_it_is_overdue_only(session: Session, late: timedelta) -> None:
    assert kinds(due(session) + late) == ["overdue"]
    assert kinds(due(session) + late) == []


def test_another_due_time_is_warned_of_anew(session: Session, admin: User) -> None:
    warn(due(session))
    session.refresh_from_db()
    change = review.Change(session, "due_at", due(session) + 10 * HOUR)
    review.correct(session, by=admin, changes=[change], reason="More time.")

    assert kinds(due(session) - HOUR) == ["due_soon"]
    assert kinds(due(session)) == ["overdue"]


def test_a_new_round_is_warned_of_anew(session: Session) -> None:
    warn(due(session))
    again(again(session, "kyc_session_verified"))

    assert kinds(due(session)) == ["overdue"]


def test_one_that_left_review_is_not_warned_of(session: Session) -> None:
    when = due(session)
    again(session, "kyc_session_verified")

    assert kinds(when) == []


def test_while_it_waits_nobody_is_warned(session: Session) -> None:
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(due_at=now - HOUR, snoozed_until=now + HOUR)

    assert kinds(now) == []
    assert kinds(now + HOUR) == ["overdue"]


def test_a_wait_moves_the_due_time_and_its_warnings(session: Session, officer: User) -> None:
    before, until = due(session), timezone.now() + 30 * HOUR
    seen = review.Seen(session.version, folding.basis(session))
    review.wait(session.pk, by=officer, seen=seen, until=until, rationale="A letter is on its way.")
    moved = due(session)

    assert moved > before + 29 * HOUR
    assert kinds(before) == kinds(until) == []
    assert (kinds(moved - HOUR), kinds(moved)) == (["due_soon"], ["overdue"])


def test_the_most_pressing_come_first_and_the_rest_next_time(db: None) -> None:
    now = timezone.now()
    late = [SessionFactory(due_at=now - n * HOUR) for n in (1, 3, 2)]
    SessionFactory(due_at=now + HOUR)
    later = SessionFactory(due_at=now + 20 * HOUR)

    found = warn(now, limit=2)
    assert [session for session, _ in found] == [late[1], late[2]]
    assert [kind for _, kind in warn(now, limit=2)] == ["overdue", "due_soon"]
    assert warn(now) == []
    assert Session.objects.get(pk=later.pk).warned_for is None


def test_the_holder_is_named_to_whoever_listens(session: Session, officer: User) -> None:
    holders: list[User | None] = []

    def receiver(*, holder: User | None, **kwargs: Any) -> None:
        holders.append(holder)

    session_due.connect(receiver)
    now = timezone.now()
    review.claim(session.pk, by=officer)
    for due_at in (now + HOUR, now):
        Session.objects.update(due_at=due_at)
        warn(now)
    Session.objects.update(due_at=now - HOUR, claimed_until=now)
    warn(now)
    session_due.disconnect(receiver)

    assert holders == [officer, officer, None]


def test_what_can_not_be_told_is_not_marked(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(ledger, "append", broken)
    with pytest.raises(RuntimeError):
        warn(due(session))

    assert Session.objects.get(pk=session.pk).breached_for is None
