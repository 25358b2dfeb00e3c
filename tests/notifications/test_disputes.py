"""What becomes of the subject's message when Ralio and the desk disagree, and of the team's when a session comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kyc import review as acts
from kyc.choices import Outcome, SessionState
from kyc.models import Contact, Session, User
from notifications import recording
from notifications.choices import Kind, Status
from notifications.judging import judge
from notifications.leases import claim
from notifications.models import Notification
from notifications.sending import send_due
from tests import locks
from tests.factories import ContactFactory, UserFactory
from tests.notifications import decisions
from tests.notifications.decisions import later, to_subject
from tests.notifications.test_worker import wait_for

Act = Callable[..., Session]


@pytest.fixture
def rejected(review: Act, contact: Contact, officer: User, settings: Any) -> Session:
    """Rejected by an officer a moment ago."""
    settings.COMPLIANCE_TEAM_EMAILS = []
    session = review(user_id=contact.subject_id)
    decisions.reject(session, officer)
    return session


def disputed(session: Session, verify: Act) -> None:
    """Ralio verifies it. Nobody at the desk has an address: here it is about the subject's message."""
    User.objects.update(email="")
    verify(session_id=session.pk, user_id=session.user_id)
    session.refresh_from_db()
    assert (session.state, session.is_disputed) == (SessionState.REVIEW, True)


def test_nothing_is_sent_while_they_disagree(rejected: Session, verify: Act) -> None:
    disputed(rejected, verify)

    with later():
        assert send_due() == {"cancelled": 1}


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_upheld_it_is_due_after_a_time_of_its_own(
    rejected: Session, verify: Act, supervisor: User, mailoutbox: list[Any], is_looked_at: bool
) -> None:
    disputed(rejected, verify)
    with later():
        if is_looked_at:
            send_due()
        decisions.settle(rejected, supervisor, Outcome.REJECT)
        assert send_due() == {}
        with later():
            assert send_due() == {"sent": 1}
            assert send_due() == {}


def test_upheld_it_is_not_sent_twice(
    rejected: Session, verify: Act, supervisor: User, mailoutbox: list[Any]
) -> None:
    with later():
        assert send_due() == {"sent": 1}
        disputed(rejected, verify)
        decisions.settle(rejected, supervisor, Outcome.REJECT)
        with later():
            assert send_due() == {}
    assert len(mailoutbox) == 1


def test_settled_the_other_way_it_is_cancelled_by_that(
    rejected: Session, verify: Act, supervisor: User
) -> None:
    disputed(rejected, verify)
    decisions.settle(rejected, supervisor, Outcome.APPROVE)

    assert to_subject(rejected).status == Status.CANCELLED


def test_a_settlement_that_is_undone_takes_its_message_back(
    rejected: Session, verify: Act, supervisor: User
) -> None:
    disputed(rejected, verify)
    settlement = decisions.settle(rejected, supervisor, Outcome.REJECT)
    acts.undo(settlement.pk, by=supervisor)

    assert to_subject(rejected).status == Status.CANCELLED
    assert Session.objects.get(pk=rejected.pk).is_disputed


def test_what_a_worker_took_up_before_a_settlement_is_put_off(
    rejected: Session, verify: Act, supervisor: User
) -> None:
    with later():
        (row,) = claim(1)
        disputed(rejected, verify)
        decisions.settle(rejected, supervisor, Outcome.REJECT)

        assert [put_off.pk for put_off in judge([row], recording.record).put_off] == [row.pk]
        assert send_due() == {}
    row.refresh_from_db()
    assert (row.status, row.lease_token) == (Status.PENDING, None)


def test_a_release_before_a_dispute_does_not_hold_after_it(
    rejected: Session, verify: Act, supervisor: User
) -> None:
    Notification.objects.filter(session=rejected).update(
        withheld_because="suspicion", released_at=timezone.now(), released_by=supervisor
    )
    disputed(rejected, verify)
    decisions.settle(rejected, supervisor, Outcome.REJECT)

    assert (to_subject(rejected).released_at, to_subject(rejected).withheld_because) == (None, "")


def test_a_corrected_subject_is_told_in_place_of_the_other(rejected: Session, admin: User) -> None:
    decision, other = rejected.decisions.get(), ContactFactory()
    acts.undo(decision.pk, by=decision.maker)
    rejected.refresh_from_db()
    change = acts.Change(rejected, "user_id", other.subject_id)
    acts.correct(rejected, by=admin, changes=[change], reason="A mix-up.")
    decisions.reject(rejected, decision.maker)

    rows = Notification.objects.filter(kind=Kind.VERIFICATION_FAILED)
    assert dict(rows.values_list("recipient", "status")) == {
        f"user:{rejected.user_id}": Status.CANCELLED,
        f"user:{other.subject_id}": Status.PENDING,
    }


def test_the_team_hears_of_each_round_once(review: Act, officer: User) -> None:
    session = review()
    acts.undo(decisions.reject(session, officer).pk, by=officer)
    opened = Notification.objects.filter(session=session, kind=Kind.REVIEW_OPENED)
    assert [row.round for row in opened] == [1]

    decisions.reject(session, officer)
    review(session_id=session.pk, at=timezone.now() + timedelta(seconds=1))

    assert sorted(row.round for row in opened.all()) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_worker_waits_for_who_undoes_at_the_last_moment(review: Act, settings: Any) -> None:
    """The undo has begun in time; before it ends the message becomes due, and a worker takes it up."""
    settings.COMPLIANCE_TEAM_EMAILS = []
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite who undoes holds the database.")
    officer = UserFactory(role="officer")
    session = review(user_id=ContactFactory().subject_id)
    decision = decisions.reject(session, officer)
    now = timezone.now()
    Notification.objects.filter(session=session).update(not_before=now, next_attempt_at=now)
    tallies: list[Any] = []

    def work() -> None:
        tallies.append(send_due())
        connection.close()

    worker = threading.Thread(target=work)
    with transaction.atomic():
        Session.objects.select_for_update().get(pk=session.pk)
        worker.start()
        wait_for(locks.somebody_waits)
        acts.undo(decision.pk, by=officer)
    worker.join()

    assert tallies == [{"cancelled": 1}]
    assert to_subject(session).status == Status.CANCELLED
