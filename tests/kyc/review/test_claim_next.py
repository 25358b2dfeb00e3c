"""Claim next: the first session of the view that is free for this person, in one statement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from kyc import folding, ledger, review
from kyc.choices import DecisionStatus, SessionState
from kyc.desk.filters import Filters
from kyc.exceptions import ActForbidden
from kyc.models import Session, User
from kyc.querysets import SessionQuerySet
from tests.factories import DecisionFactory, QueueFacetFactory, SessionFactory
from tests.kyc import scene
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def view(query: str = "") -> SessionQuerySet:
    """The sessions that the queue shows at this address."""
    filters = Filters.read(QueryDict(query))
    return filters.ordered(Session.objects.in_review(), timezone.now()).order_by(*filters.keys)


def waiting(hours: float, **columns: object) -> Session:
    return SessionFactory(state_since=timezone.now() - timedelta(hours=hours), **columns)


def test_it_claims_the_most_urgent_one_and_says_so(officer: User) -> None:
    young, old = waiting(1), waiting(30)

    claim = review.claim_next(view(), by=officer)
    assert claim == old
    now = now_is(old)
    assert (now.assignee, now.version) == (claim.assignee, claim.version) == (officer, old.version + 1)
    assert now.claimed_until == claim.claimed_until > timezone.now() + timedelta(minutes=59)
    assert said(old) == [("session.claimed", officer.pk, {})]
    assert now_is(young).assignee is None
    assert list(ledger.verify()) == []


def test_each_call_gives_another_one_until_none_is_left(officer: User, other: User) -> None:
    first, second, third = waiting(3), waiting(2), waiting(1)

    given = [review.claim_next(view(), by=person) for person in (officer, other, officer, other)]
    assert given == [first, second, third, None]


def test_it_leaves_what_is_held_and_takes_what_was(officer: User, other: User, auditor: User) -> None:
    claimed(waiting(9), other)
    claimed(waiting(8), officer)
    ended = claimed(waiting(7), other, minutes=-0.01, asked_by=officer, asked_at=timezone.now())
    lost = claimed(waiting(6), auditor)

    assert review.claim_next(view(), by=officer) == ended
    assert said(ended) == [("session.claimed", officer.pk, {"before": other.pk})]
    assert now_is(ended).asked_by is None
    assert review.claim_next(view(), by=officer) == lost
    assert review.claim_next(view(), by=officer) is None


def test_it_leaves_what_is_paused_until_then(officer: User) -> None:
    now = timezone.now()
    waiting(9, snoozed_until=now + timedelta(hours=1))
    over = waiting(8, snoozed_until=now - timedelta(seconds=1))

    assert [review.claim_next(view(), by=officer) for _ in range(2)] == [over, None]


def test_it_leaves_to_supervisors_what_is_theirs(officer: User, supervisor: User) -> None:
    escalated = waiting(9, escalated_at=timezone.now())
    disputed = waiting(8, is_disputed=True, decided_by=officer)
    plain, another = waiting(7), waiting(6)

    assert review.claim_next(view(), by=officer) == plain
    assert [review.claim_next(view(), by=supervisor) for _ in range(4)] == [
        escalated,
        disputed,
        another,
        None,
    ]


def test_a_proposal_is_for_another_person_who_asks_for_proposals(officer: User, other: User) -> None:
    mine, theirs = waiting(9, proposed_by=officer), waiting(8, proposed_by=other)

    assert review.claim_next(view(), by=officer) is None
    plain = waiting(10)
    assert review.claim_next(view(), by=officer, is_for_checking=True) == theirs
    assert review.claim_next(view(), by=officer, is_for_checking=True) is None
    assert review.claim_next(view(), by=other, is_for_checking=True) == mine
    assert now_is(plain).assignee is None


def test_a_proposal_is_left_out_until_a_newer_event_lets_it_lapse(officer: User, other: User) -> None:
    session = scene.in_review()
    DecisionFactory(
        session=session,
        basis=session.deliveries.get(),
        maker=other,
        needs_checker=True,
        status=DecisionStatus.PROPOSED,
        confirmed_at=None,
    )
    folding.refold(session)

    assert review.claim_next(view(), by=officer) is None
    scene.again(session)
    assert review.claim_next(view(), by=officer) == session


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "overdue"),
        ("sort=oldest", "overdue"),
        ("sort=newest", "fresh"),
        ("sort=refused", "refused"),
        ("reason=A", "coded"),
        ("reason=A&sort=newest", "recoded"),
        ("reason=A&reason=B&entity=user", "coded"),
        ("sla=ok", "coded"),
        ("reason=A&sla=overdue", None),
        ("age=0-4", "fresh"),
    ],
)
def test_it_keeps_to_the_view_and_its_order(officer: User, query: str, expected: str | None) -> None:
    sessions = {
        "overdue": waiting(30),
        "coded": waiting(10),
        "recoded": waiting(9),
        "refused": waiting(8, n_checks=3, n_refused=3),
        "fresh": waiting(1),
    }
    for name in ("coded", "recoded"):
        QueueFacetFactory(session=sessions[name], value="A")
        QueueFacetFactory(session=sessions[name], kind="entity", value="user")

    given = review.claim_next(view(query), by=officer)
    assert given == (sessions[expected] if expected else None)


def test_a_view_of_any_state_gives_only_what_is_in_review(officer: User) -> None:
    user = SessionFactory(state=SessionState.VERIFIED).user_id
    session = SessionFactory(user_id=user)
    every = Session.objects.filter(user_id=user).order_by("state_since")

    assert [review.claim_next(every, by=officer) for _ in range(2)] == [session, None]


def test_who_does_not_decide_or_check_is_refused(officer: User, auditor: User) -> None:
    session = waiting(1)
    with pytest.raises(ActForbidden, match="Your role can read sessions"):
        review.claim_next(view(), by=auditor)
    role = officer.groups.get()
    role.permissions.remove(role.permissions.get(codename="check_session"))
    with pytest.raises(ActForbidden, match="does not confirm"):
        review.claim_next(view(), by=User.objects.get(pk=officer.pk), is_for_checking=True)
    assert now_is(session).assignee is None


def test_the_claim_and_its_record_stand_or_fall_together(
    officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = waiting(1)
    monkeypatch.setattr(ledger, "append", lambda *a, **k: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        review.claim_next(view(), by=officer)
    assert now_is(session).assignee is None


def test_on_postgresql_it_is_one_statement_and_the_record(officer: User, queries) -> None:
    waiting(1)
    officer.has_perm("kyc.decide_session")

    # Two savepoints' statements, the claim, and the ledger's two: the session's chain begins with it.
    with queries(5 if connection.vendor == "postgresql" else 8):
        assert review.claim_next(view(), by=officer)
