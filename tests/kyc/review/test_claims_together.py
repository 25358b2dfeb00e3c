"""Several people claim at the same instant: each gets another session, one session goes to one of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils import timezone

from kyc import ledger, review
from kyc.exceptions import ClaimedByAnother, SessionChanged
from kyc.models import LedgerEntry, Session, User
from kyc.review import acts
from tests import locks
from tests.chaos.chains import broken_claims
from tests.factories import SessionFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.record import claimed, now_is

pytestmark = pytest.mark.django_db(transaction=True)
postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite locks the whole database, not rows."
)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of these in the same instant and return what each came to, a refusal's class among it."""
    start, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def do(place: int, act: Callable[[], Any]) -> None:
        connection.ensure_connection()
        start.wait()
        try:
            answers[place] = act()
        except (PermissionDenied, ValidationError) as refusal:
            answers[place] = type(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[place, act]) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def queue() -> Any:
    return Session.objects.in_review().due_first()


def is_sound() -> bool:
    """Whether the record holds, and tells of each session what its row says."""
    for session in Session.objects.all():
        entries = LedgerEntry.objects.filter(chain=ledger.session_chain(session.pk)).order_by("seq")
        assert list(broken_claims(session, entries)) == []
    return list(ledger.verify()) == []


def test_everybody_gets_another_session_and_the_last_ones_get_none() -> None:
    people = [UserFactory(role="officer") for _ in range(8)]
    ended = [claimed(SessionFactory(), people[0], minutes=-1) for _ in range(2)]
    free = [*ended, *SessionFactory.create_batch(4)]

    given = at_once(*[lambda person=person: review.claim_next(queue(), by=person) for person in people])
    assert Counter(session and session.pk for session in given) == {
        None: 2,
        **{session.pk: 1 for session in free},
    }
    for person, session in zip(people, given, strict=True):
        assert session is None or now_is(session).assignee == person
    assert LedgerEntry.objects.filter(action="session.claimed").count() == len(free)
    assert list(ledger.verify()) == []


def test_one_session_goes_to_one_person() -> None:
    session, people = SessionFactory(), [UserFactory(role="officer") for _ in range(6)]

    answers = at_once(*[lambda person=person: review.claim(session.pk, by=person) for person in people])
    (won,) = [person for person, answer in zip(people, answers, strict=True) if isinstance(answer, Session)]
    assert answers.count(ClaimedByAnother) == len(people) - 1
    assert now_is(session).assignee == won
    assert is_sound()


@pytest.mark.parametrize("n", range(3))
def test_what_the_holder_answers_while_it_is_taken_away_is_one_or_the_other(n: int, supervisor: User) -> None:
    session, (holder, asker, other) = SessionFactory(), [UserFactory(role="officer") for _ in range(3)]
    review.claim(session.pk, by=holder)
    review.ask(session.pk, by=asker)

    at_once(
        lambda: review.hand_over(session.pk, by=holder),
        lambda: review.keep(session.pk, by=holder),
        lambda: review.release(session.pk, by=supervisor),
        lambda: review.assign(session.pk, by=supervisor, to=other),
        lambda: review.renew(session.pk, by=holder),
    )
    assert is_sound()


def test_a_claim_at_the_instant_of_ralios_verdict_leaves_nobody_holding_what_is_over(officer: User) -> None:
    session = scene.in_review()
    (answer, _) = at_once(
        lambda: review.claim(session.pk, by=officer), lambda: scene.again(session, "kyc_session_failed")
    )

    assert answer is SessionChanged or isinstance(answer, Session)
    assert now_is(session).assignee is None
    assert list(ledger.verify()) == []


@postgresql_only
def test_claim_next_passes_by_what_somebody_is_at_work_on(officer: User) -> None:
    now = timezone.now()
    first, second = SessionFactory(due_at=now), SessionFactory(due_at=now + timedelta(hours=1))
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        acts.lock(first.pk)
        given = threads.submit(at_once, lambda: review.claim_next(queue(), by=officer))
        while not given.done():
            assert not locks.somebody_waits()
        assert given.result() == [second]

    assert review.claim_next(queue(), by=officer) == first


@postgresql_only
def test_it_waits_for_who_is_at_work_on_the_last_one_before_it_says_that_there_is_none(officer: User) -> None:
    session = SessionFactory()
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            acts.lock(session.pk)
            given = threads.submit(at_once, lambda: review.claim_next(queue(), by=officer))
            while not locks.somebody_waits():
                assert not given.done()
        assert given.result() == [session]
