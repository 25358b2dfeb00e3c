"""A session that waits: its clock stands still until its time comes, somebody ends it, or Ralio says more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother
from kyc.models import Decision, Session, User
from tests import wire
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, is_sound, refused, seen
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def arrived() -> Session:
    """A session whose review began now."""
    event = wire.payload("kyc_session_manual_review", checks=scene.CHECKS, at=timezone.now())
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["sessionId"])


def wait(session: Session, by: User, until: datetime, words: str = WORDS) -> Decision:
    return review.wait(session.pk, by=by, seen=seen(session), until=until, rationale=words)


def test_it_is_put_aside_and_its_clock_stands_still(officer: User) -> None:
    session = claimed(arrived(), officer)
    until = timezone.now() + 10 * HOUR
    decision = wait(session, officer, until, f" {WORDS} ")

    now = now_is(session)
    assert (now.state, now.snoozed_until, now.assignee) == ("REVIEW", until, None)
    assert now.due_at - session.due_at == until - decision.confirmed_at
    assert (decision.wait_until, decision.rationale, decision.status) == (until, WORDS, "confirmed")
    ((_, actor, detail),) = said(session, "session.waited")
    assert (actor, detail["until"], detail["rationale"]) == (
        officer.pk,
        until.isoformat(),
        review.digest(WORDS),
    )
    assert is_sound(session)


def test_who_resumes_it_has_it_and_the_clock_goes_on(officer: User) -> None:
    session = arrived()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        wait(session, officer, timezone.now() + 10 * HOUR)
        clock.shift(2 * HOUR)
        other = UserFactory(role="officer")
        review.resume(session.pk, by=other, seen=seen(session))

    now = now_is(session)
    assert (now.snoozed_until, now.assignee, now.due_at - session.due_at) == (None, other, 2 * HOUR)
    assert [act for act, *_ in said(session)][-2:] == ["session.claimed", "session.resumed"]
    assert is_sound(session)


def test_ralios_next_review_ends_it(officer: User) -> None:
    session = arrived()
    wait(session, officer, timezone.now() + 10 * HOUR)
    waiting = now_is(session)
    assert waiting.snoozed_until is not None
    assert scene.again(waiting).snoozed_until is None
    assert is_sound(session)


def test_it_can_be_decided_or_made_to_wait_longer_meanwhile(officer: User) -> None:
    session = arrived()
    later = timezone.now() + 20 * HOUR
    wait(session, officer, timezone.now() + 10 * HOUR)
    wait(session, officer, later)
    assert now_is(session).snoozed_until == later

    review.reject(session.pk, by=officer, seen=seen(session), codes=["LOW_CONFIDENCE"], rationale=WORDS)
    assert (now_is(session).state, now_is(session).snoozed_until) == ("REJECTED", None)
    assert is_sound(session)


def test_only_to_a_time_to_come_and_sixty_days_ahead_at_most(officer: User) -> None:
    session = arrived()
    with time_machine.travel(timezone.now(), tick=False):
        now = timezone.now()
        for until in (now, now - HOUR, now + timedelta(days=60, seconds=1)):
            error = refused(lambda until=until: wait(session, officer, until), session, ActRefused)
            assert list(error.message_dict) == ["until"]
        assert wait(session, officer, now + timedelta(days=60))


@pytest.mark.parametrize("words", ["", "  a  ", "x" * 5001])
def test_only_with_words(words: str, officer: User) -> None:
    session = arrived()
    error = refused(lambda: wait(session, officer, timezone.now() - HOUR, words), session, ActRefused)
    assert list(error.message_dict) == ["rationale", "until"]


def test_nothing_is_resumed_that_does_not_wait(officer: User) -> None:
    session = arrived()
    refused(
        lambda: review.resume(session.pk, by=officer, seen=seen(session)),
        session,
        ActRefused,
        "does not wait for anything",
    )


@pytest.mark.parametrize("act", ["wait", "resume"])
def test_not_by_a_role_that_does_not_decide_nor_over_anothers_claim(act: str, officer: User) -> None:
    session, holder = arrived(), UserFactory(role="officer")
    wait(session, officer, timezone.now() + HOUR)

    def do(by: User) -> Decision:
        if act == "wait":
            return wait(session, by, timezone.now() + HOUR)
        return review.resume(session.pk, by=by, seen=seen(session))

    refused(lambda: do(UserFactory(role="auditor")), session, ActForbidden)
    claimed(session, holder)
    refused(lambda: do(officer), session, ClaimedByAnother)
