"""A session is given back by whoever holds it, and given to somebody by a supervisor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import User
from tests.factories import SessionFactory, UserFactory
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


# --- Release -------------------------------------------------------------------------------------
def test_the_holder_gives_it_back(officer: User, other: User) -> None:
    session = claimed(SessionFactory(), officer, asked_by=other, asked_at=timezone.now())

    review.release(session.pk, by=officer)
    now = now_is(session)
    assert (now.assignee, now.claimed_until, now.asked_by, now.asked_at) == (None, None, None, None)
    assert now.version == session.version + 1
    assert said(session)[-1] == ("session.released", officer.pk, {"before": officer.pk})


def test_a_supervisor_releases_what_another_holds_and_nobody_else_does(
    officer: User, other: User, supervisor: User
) -> None:
    session = claimed(SessionFactory(), officer)

    with pytest.raises(ActForbidden, match="officer holds this session, and can release it"):
        review.release(session.pk, by=other)
    review.release(session.pk, by=supervisor)
    assert now_is(session).assignee is None
    assert said(session) == [("session.released", supervisor.pk, {"before": officer.pk})]


@pytest.mark.parametrize("minutes", [None, -1])
def test_what_nobody_holds_is_not_released(officer: User, minutes: int | None) -> None:
    session = SessionFactory()
    if minutes:
        session = claimed(session, officer, minutes=minutes)

    with pytest.raises(ActRefused, match="Nobody holds this session"):
        review.release(session.pk, by=officer)
    assert (now_is(session).version, said(session)) == (session.version, [])


# --- Assign --------------------------------------------------------------------------------------
def test_a_supervisor_assigns_it_to_somebody_whoever_holds_it(
    officer: User, other: User, supervisor: User
) -> None:
    session = claimed(SessionFactory(), officer, asked_by=supervisor, asked_at=timezone.now())

    review.assign(session.pk, by=supervisor, to=other)
    now = now_is(session)
    assert (review.holder(now), now.asked_by, now.version) == (other, None, session.version + 1)
    assert said(session)[-1] == ("session.assigned", supervisor.pk, {"to": other.pk, "before": officer.pk})


def test_officers_do_not_assign(officer: User, other: User) -> None:
    session = SessionFactory()

    with pytest.raises(ActForbidden, match="Only supervisors assign"):
        review.assign(session.pk, by=officer, to=other)
    assert now_is(session).assignee is None


def closed() -> User:
    return UserFactory(username="closed", role="officer", is_active=False)


@pytest.mark.parametrize(
    "unfit", [closed, lambda: UserFactory(role="auditor"), lambda: UserFactory(role="admin")]
)
def test_it_is_assigned_only_to_people_who_decide(supervisor: User, unfit: Callable[[], User]) -> None:
    session, person = SessionFactory(), unfit()

    with pytest.raises(ActRefused, match="may not decide this session") as refusal:
        review.assign(session.pk, by=supervisor, to=person)
    assert list(refusal.value.message_dict) == ["to"]
    assert said(session) == []


def test_what_waits_for_supervisors_is_assigned_to_one(officer: User, supervisor: User) -> None:
    session = SessionFactory(escalated_at=timezone.now())

    assert list(review.people_to_assign(session)) == [supervisor]
    with pytest.raises(ActRefused):
        review.assign(session.pk, by=supervisor, to=officer)
    assert review.assign(session.pk, by=supervisor, to=supervisor).assignee == supervisor


def test_a_proposal_is_not_assigned_to_who_made_it(officer: User, other: User, supervisor: User) -> None:
    session = SessionFactory(proposed_by=officer)

    assert list(review.people_to_assign(session)) == [other, supervisor]
    with pytest.raises(ActRefused):
        review.assign(session.pk, by=supervisor, to=officer)


def test_who_holds_it_is_not_given_it_again(officer: User, supervisor: User) -> None:
    session = claimed(SessionFactory(), officer)

    with pytest.raises(ActRefused, match="officer holds this session already"):
        review.assign(session.pk, by=supervisor, to=officer)
    assert now_is(session).version == session.version
