"""One act on many sessions: a result for each, and what is refused for one does not stop the rest."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone

from kyc import ledger, review
from kyc.choices import SessionState
from kyc.exceptions import ActRefused
from kyc.models import Session, User
from kyc.review import BulkAct, Result, claims
from tests.factories import SessionFactory
from tests.kyc import scene
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def test_approving_and_rejecting_are_not_among_the_acts() -> None:
    assert BulkAct.values == ["claim", "release", "assign", "escalate"]


def test_each_session_has_its_own_answer_in_the_order_asked(officer: User, other: User) -> None:
    first, last = SessionFactory(), SessionFactory()
    theirs, unknown = claimed(SessionFactory(), other), uuid4()
    verified, escalated = (
        SessionFactory(state=SessionState.VERIFIED),
        SessionFactory(escalated_at=timezone.now()),
    )
    wanted = [first.pk, theirs.pk, unknown, verified.pk, escalated.pk, last.pk]

    assert review.each(BulkAct.CLAIM, wanted, by=officer) == [
        Result(first.pk, True),
        Result(theirs.pk, False, "other holds this session."),
        Result(unknown, False, "This session does not exist."),
        Result(verified.pk, False, "This session is not in review any more. It is VERIFIED."),
        Result(escalated.pk, False, "This session waits for a supervisor."),
        Result(last.pk, True),
    ]
    assert set(Session.objects.filter(assignee=officer)) == {first, last}
    assert said(last) == [("session.claimed", officer.pk, {})]


def test_a_session_named_twice_is_done_once(officer: User) -> None:
    session = claimed(SessionFactory(), officer)

    assert review.each(BulkAct.RELEASE, [session.pk] * 3, by=officer) == [Result(session.pk, True)]


def test_a_supervisor_assigns_many(officer: User, other: User, supervisor: User) -> None:
    free, held = SessionFactory(), claimed(SessionFactory(), officer)
    escalated = SessionFactory(escalated_at=timezone.now())
    results = review.each(BulkAct.ASSIGN, [s.pk for s in (free, escalated, held)], by=supervisor, to=other)

    assert [result.is_done for result in results] == [True, False, True]
    assert results[1].words == "other may not decide this session."
    assert set(Session.objects.filter(assignee=other)) == {free, held}


def test_somebody_has_to_be_named_to_assign_to(supervisor: User) -> None:
    with pytest.raises(ActRefused, match="Choose who gets these sessions"):
        review.each(BulkAct.ASSIGN, [SessionFactory().pk], by=supervisor)


def test_many_are_escalated_as_they_are_now(officer: User, other: User) -> None:
    first, theirs, second = scene.in_review(), scene.in_review(), scene.again(scene.in_review())
    claimed(theirs, other)
    results = review.each(
        BulkAct.ESCALATE,
        [s.pk for s in (first, theirs, second)],
        by=officer,
        rationale="The same face in each.",
    )

    assert [result.is_done for result in results] == [True, False, True]
    for session in (first, second):
        now = now_is(session)
        decision = now.decisions.get()
        assert now.escalated_at is not None
        assert decision.basis == session.deliveries.order_by("event_at").last()
        assert decision.version == session.version
    assert now_is(theirs).escalated_at is None
    assert list(ledger.verify()) == []


def test_to_escalate_needs_words(officer: User) -> None:
    session = scene.in_review()
    (result,) = review.each(BulkAct.ESCALATE, [session.pk], by=officer)

    assert not result.is_done and "Say why" in result.words
    assert not now_is(session).decisions.exists()


def test_a_failure_of_one_leaves_nothing_of_it_and_the_rest_done(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, broken, last = SessionFactory(), SessionFactory(), SessionFactory()
    write = claims.acts.record

    def record(session: Session, *args: object, **detail: object) -> None:
        if session == broken:
            raise DatabaseError("deadlock detected")
        write(session, *args, **detail)

    monkeypatch.setattr(claims.acts, "record", record)
    results = review.each(BulkAct.CLAIM, [s.pk for s in (sound, broken, last)], by=officer)

    assert [(result.is_done, result.words) for result in results] == [
        (True, ""),
        (False, "This session could not be changed. Try again."),
        (True, ""),
    ]
    assert now_is(broken).assignee is None
    assert set(Session.objects.filter(assignee=officer)) == {sound, last}


def test_there_is_a_most(officer: User) -> None:
    ids: list[UUID] = [uuid4() for _ in range(review.MOST)]

    assert len(review.each(BulkAct.CLAIM, [*ids, ids[0]], by=officer)) == review.MOST == 200
    with pytest.raises(ActRefused, match="At most 200 sessions are changed at once. You chose 201"):
        review.each(BulkAct.CLAIM, [*ids, uuid4()], by=officer)
