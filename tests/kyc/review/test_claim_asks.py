"""Whoever holds a session is asked for it by one person at a time, and hands it over or keeps it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from kyc import ledger, review
from kyc.choices import SessionState
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Session, User
from tests.factories import SessionFactory
from tests.kyc import scene
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def asked(session: Session, holder: User, asker: User) -> Session:
    claimed(session, holder)
    review.ask(session.pk, by=asker)
    return now_is(session)


def test_the_holder_hands_it_to_whom_asks(officer: User, other: User) -> None:
    session = asked(scene.in_review(), officer, other)
    assert (session.asked_by, session.version) == (other, 1)
    assert session.asked_at <= timezone.now()

    review.hand_over(session.pk, by=officer)
    now = now_is(session)
    assert (review.holder(now), now.asked_by, now.version) == (other, None, session.version + 1)
    assert said(session)[-2:] == [
        ("session.asked", other.pk, {"holder": officer.pk}),
        ("session.handed_over", officer.pk, {"to": other.pk}),
    ]
    assert list(ledger.verify()) == []


def test_the_holder_keeps_it_and_may_be_asked_again(officer: User, other: User) -> None:
    session = asked(SessionFactory(), officer, other)

    review.keep(session.pk, by=officer)
    now = now_is(session)
    assert (review.holder(now), now.asked_by, now.version) == (officer, None, session.version)
    assert said(session)[-1] == ("session.kept", officer.pk, {"asked_by": other.pk})
    review.ask(session.pk, by=other)
    assert now_is(session).asked_by == other


def test_one_person_asks_at_a_time_and_is_named_to_the_next(
    officer: User, other: User, supervisor: User
) -> None:
    session = asked(SessionFactory(), officer, other)

    with pytest.raises(ActRefused, match="other has asked for this session already"):
        review.ask(session.pk, by=supervisor)
    review.ask(session.pk, by=other)
    assert now_is(session).asked_at == session.asked_at
    assert len(said(session)) == 1


def test_an_asker_who_may_not_decide_any_more_makes_room_for_the_next(
    officer: User, other: User, supervisor: User
) -> None:
    session = asked(SessionFactory(), officer, other)
    other.groups.clear()

    with pytest.raises(ActRefused, match="Nobody asks for this session any more"):
        review.hand_over(session.pk, by=officer)
    review.ask(session.pk, by=supervisor)
    assert now_is(session).asked_by == supervisor


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(None, "Nobody holds this session. You can claim it"), (-1, "Nobody"), (1, "You hold")],
)
def test_there_is_nobody_to_ask(officer: User, minutes: int | None, words: str) -> None:
    session = SessionFactory()
    if minutes:
        claimed(session, officer, minutes=minutes)

    with pytest.raises(ActRefused, match=words):
        review.ask(session.pk, by=officer)
    assert said(session) == []


def test_who_could_not_have_it_does_not_ask(officer: User, other: User, auditor: User) -> None:
    proposed = claimed(SessionFactory(proposed_by=officer), other)

    with pytest.raises(ActForbidden):
        review.ask(claimed(SessionFactory(), other).pk, by=auditor)
    with pytest.raises(ActForbidden, match="You proposed"):
        review.ask(proposed.pk, by=officer)


@pytest.mark.parametrize("answer", [review.hand_over, review.keep])
def test_only_the_holder_answers_and_only_when_asked(officer: User, other: User, answer) -> None:
    session = asked(SessionFactory(), officer, other)

    with pytest.raises(ClaimedByAnother, match="You do not hold this session any more"):
        answer(session.pk, by=other)
    with pytest.raises(ActRefused, match="Nobody asks for this session any more"):
        answer(claimed(SessionFactory(), officer).pk, by=officer)
    Session.objects.update(claimed_until=timezone.now())
    with pytest.raises(ActRefused, match="Nobody holds this session"):
        answer(session.pk, by=officer)


def test_a_newer_verdict_of_ralio_ends_claim_and_question(officer: User, other: User) -> None:
    session = asked(scene.in_review(), officer, other)

    now = scene.again(session, "kyc_session_failed")
    assert (now.state, now.assignee, now.asked_by) == (SessionState.REJECTED, None, None)
    for act in (review.release, review.ask, review.hand_over, review.keep):
        with pytest.raises(SessionChanged, match="It is REJECTED"):
            act(session.pk, by=officer)
