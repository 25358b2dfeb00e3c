"""A claim ends: with its lease unless that is renewed, and at once when its holder may not decide any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone

from kyc import review
from kyc.exceptions import ClaimedByAnother
from kyc.models import Session, User
from kyc.review import claims
from tests.factories import SessionFactory, UserFactory
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


# --- Who lost the right to hold ------------------------------------------------------------------
def close(person: User) -> None:
    person.is_active = False
    person.save()


def take_away_the_role(person: User) -> None:
    person.groups.clear()


def make_auditor(person: User) -> None:
    person.groups.set([Group.objects.get(name="auditor")])


@pytest.mark.parametrize("lose", [close, take_away_the_role, make_auditor])
def test_what_somebody_holds_is_free_once_they_may_not_decide(officer: User, other: User, lose) -> None:
    session = claimed(SessionFactory(), other)
    lose(User.objects.get(pk=other.pk))

    assert review.holder(session) is None
    assert list(Session.objects.filter(review.free(timezone.now()))) == [session]
    assert review.renew(session.pk, by=other) is None
    assert review.claim(session.pk, by=officer).assignee == officer
    assert said(session) == [("session.claimed", officer.pk, {"before": other.pk})]


@pytest.mark.parametrize("columns", [{"escalated_at": timezone.now()}, {"is_disputed": True}])
def test_what_an_officer_holds_is_free_for_supervisors_once_it_is_theirs(
    officer: User, other: User, supervisor: User, columns: dict
) -> None:
    session = claimed(SessionFactory(decided_by=other), officer, **columns)
    now = timezone.now()

    assert review.holder(session) is None
    assert list(Session.objects.filter(review.free(now))) == [session]
    assert not Session.objects.filter(review.held(now)).exists()
    assert review.claim(session.pk, by=supervisor).assignee == supervisor
    assert Session.objects.filter(review.held(now)).exists()


def test_a_superuser_holds_too(officer: User) -> None:
    boss = UserFactory(is_superuser=True)
    session = claimed(SessionFactory(escalated_at=timezone.now()), boss)

    assert review.holder(session) == boss
    assert not Session.objects.filter(review.free(timezone.now())).exists()


# --- Renewing ------------------------------------------------------------------------------------
def test_a_claim_is_renewed_while_its_page_is_in_use(officer: User) -> None:
    session = claimed(SessionFactory(), officer, minutes=1)
    until = review.renew(session.pk, by=officer)

    assert now_is(session).claimed_until == until
    assert timedelta() <= timezone.now() + settings.KYC_CLAIM - until < timedelta(seconds=10)
    assert (now_is(session).version, said(session)) == (session.version, [])


def test_nobody_renews_what_they_do_not_hold(officer: User, other: User) -> None:
    free, theirs = SessionFactory(), claimed(SessionFactory(), other)
    ended = claimed(SessionFactory(), officer, minutes=-0.01)

    assert [review.renew(session.pk, by=officer) for session in (free, theirs, ended)] == [None, None, None]
    assert now_is(theirs).claimed_until == theirs.claimed_until
    assert now_is(ended).claimed_until == ended.claimed_until


# --- As part of another act ----------------------------------------------------------------------
def test_another_act_takes_a_free_session_and_leaves_ones_own(officer: User, other: User) -> None:
    now, session = timezone.now(), SessionFactory()

    assert claims.take(session, officer, now) is True
    assert claims.take(session, officer, now) is False
    with pytest.raises(ClaimedByAnother):
        claims.take(session, other, now)
    assert now_is(session).assignee == officer
    assert said(session) == [("session.claimed", officer.pk, {})]
