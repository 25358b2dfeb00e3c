"""A session is claimed by one person at a time, for a while: by whoever comes first, and by nobody for ever."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from kyc import ledger, review
from kyc.choices import SessionState
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Session, User
from tests.factories import SessionFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def test_a_free_session_is_claimed_for_the_length_of_a_lease(officer: User) -> None:
    session = scene.in_review()
    before = timezone.now()

    assert review.claim(session.pk, by=officer).pk == session.pk
    now = now_is(session)
    assert now.assignee == officer == review.holder(now)
    assert before < now.claimed_until - settings.KYC_CLAIM <= timezone.now()
    assert now.version == session.version + 1
    assert said(session)[-1] == ("session.claimed", officer.pk, {})
    assert list(ledger.verify()) == []


def test_what_another_holds_is_refused_by_their_name(officer: User, other: User) -> None:
    session = claimed(SessionFactory(), other)

    with pytest.raises(ClaimedByAnother, match="other holds this session"):
        review.claim(session.pk, by=officer)
    assert now_is(session).assignee == other
    assert said(session) == []


def test_to_claim_ones_own_renews_it_and_says_nothing(officer: User) -> None:
    session = claimed(SessionFactory(), officer, minutes=1)

    review.claim(session.pk, by=officer)
    assert now_is(session).claimed_until > session.claimed_until + timedelta(minutes=50)
    assert now_is(session).version == session.version
    assert said(session) == []


def test_an_ended_claim_is_free_and_the_record_says_whose_it_was(officer: User, other: User) -> None:
    session = claimed(SessionFactory(), other, minutes=-0.01, asked_by=officer, asked_at=timezone.now())

    assert review.holder(session) is None
    review.claim(session.pk, by=officer)
    now = now_is(session)
    assert (now.assignee, now.asked_by, now.asked_at) == (officer, None, None)
    assert said(session) == [("session.claimed", officer.pk, {"before": other.pk})]


def test_the_last_instant_of_a_lease_is_not_part_of_it(officer: User) -> None:
    session = claimed(SessionFactory(), officer)

    assert review.holder(session, session.claimed_until - timedelta(microseconds=1)) == officer
    assert review.holder(session, session.claimed_until) is None
    for at, is_held in (
        (session.claimed_until - timedelta(microseconds=1), True),
        (session.claimed_until, False),
    ):
        assert Session.objects.filter(review.held(at)).exists() is is_held
        assert Session.objects.filter(review.free(at)).exists() is not is_held


def test_ones_own_ended_claim_is_claimed_anew(officer: User) -> None:
    session = claimed(SessionFactory(), officer, minutes=-1)

    review.claim(session.pk, by=officer)
    assert now_is(session).version == session.version + 1
    assert said(session) == [("session.claimed", officer.pk, {})]


@pytest.mark.parametrize("role", ["auditor", "admin", None])
def test_who_does_not_decide_does_not_claim(role: str | None) -> None:
    session, person = SessionFactory(), UserFactory(role=role)

    with pytest.raises(ActForbidden, match="Your role can read sessions and not decide them"):
        review.claim(session.pk, by=person)
    assert not review.may_claim(session, person, timezone.now())
    assert now_is(session).assignee is None


@pytest.mark.parametrize("columns", [{"escalated_at": timezone.now()}, {"is_disputed": True}])
def test_what_waits_for_a_supervisor_is_claimed_by_one(
    officer: User, supervisor: User, columns: dict
) -> None:
    session = SessionFactory(decided_by=officer, **columns)

    with pytest.raises(ActForbidden, match="waits for a supervisor"):
        review.claim(session.pk, by=officer)
    assert review.claim(session.pk, by=supervisor).assignee == supervisor


@pytest.mark.parametrize("state", [SessionState.VERIFIED, SessionState.STARTED])
def test_only_what_is_in_review_is_claimed(officer: User, state: SessionState) -> None:
    session = SessionFactory(state=state)

    with pytest.raises(SessionChanged, match=f"It is {state}"):
        review.claim(session.pk, by=officer)
    assert not review.may_claim(session, officer, timezone.now())


def test_who_proposed_a_decision_does_not_claim_it_to_check_it(officer: User, other: User) -> None:
    session = SessionFactory(proposed_by=officer)

    with pytest.raises(ActForbidden, match="You proposed"):
        review.claim(session.pk, by=officer)
    assert review.claim(session.pk, by=other).assignee == other


def test_an_unknown_session_is_refused(officer: User) -> None:
    with pytest.raises(ActRefused, match="does not exist"):
        review.claim(uuid4(), by=officer)


def test_it_says_who_may_claim(officer: User, other: User, supervisor: User) -> None:
    now = timezone.now()
    free, held = SessionFactory(), claimed(SessionFactory(), other)

    assert [review.may_claim(free, person, now) for person in (officer, other)] == [True, True]
    assert [review.may_claim(held, person, now) for person in (officer, other)] == [False, True]


def test_the_holders_of_a_page_are_one_query(officer: User, other: User, queries) -> None:
    mine, theirs = claimed(SessionFactory(), officer), claimed(SessionFactory(), other)
    ended, escalated = claimed(SessionFactory(), other, minutes=-1), claimed(SessionFactory(), other)
    escalated.escalated_at = timezone.now()
    escalated.save()
    page = [SessionFactory(), mine, theirs, ended, escalated]

    with queries(1):
        assert review.holders(page, timezone.now()) == {mine.pk: officer, theirs.pk: other}
    assert [review.holder(session) for session in page] == [None, officer, other, None, None]
    with queries(0):
        assert review.holders([ended], timezone.now()) == {}
