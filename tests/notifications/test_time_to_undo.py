"""A person's rejection is told to its subject only when it can no longer be undone, whoever would have it sooner."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from kyc import ledger, review
from kyc.models import Contact, LedgerEntry, Session, User
from notifications import outbox
from notifications.choices import HoldCause, Kind, Status
from notifications.models import Notification
from notifications.sending import send_due
from tests.notifications import decisions
from tests.notifications.decisions import later, to_subject

Act = Callable[..., Session]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def session(review: Act, contact: Contact, settings: Any) -> Session:
    """In REVIEW, its subject can be reached, and the team wants no mail."""
    settings.COMPLIANCE_TEAM_EMAILS = []
    return review(user_id=contact.subject_id)


def test_it_leaves_when_the_time_is_over(session: Session, officer: User, mailoutbox: list[Any]) -> None:
    decision = decisions.reject(session, officer)
    row, until = to_subject(session), review.undo_until(decision)
    assert until and row.not_before and until <= row.not_before < until + MINUTE
    assert row.next_attempt_at == row.not_before
    with later(settings.KYC_UNDO - MINUTE):
        assert send_due() == {}
    with later():
        assert send_due() == {"sent": 1}

    assert [mail.to for mail in mailoutbox] == [["subject@example.test"]]


def test_ralio_s_own_rejection_leaves_at_once(reject: Act, contact: Contact, mailoutbox: list[Any]) -> None:
    session = reject(user_id=contact.subject_id)

    assert to_subject(session).not_before is None
    assert send_due() == {"sent": 1}


def test_undone_in_time_it_is_cancelled_by_the_same_act(
    session: Session, officer: User, mailoutbox: list[Any]
) -> None:
    decision = decisions.reject(session, officer)
    review.undo(decision.pk, by=officer)

    assert to_subject(session).status == Status.CANCELLED
    entry = LedgerEntry.objects.get(action="notification.cancelled")
    assert json.loads(entry.detail)["notification"] == str(to_subject(session).pk)
    with later():
        assert send_due() == {}
    assert not list(ledger.verify())


def test_rejected_again_the_same_message_waits_anew(
    session: Session, officer: User, mailoutbox: list[Any]
) -> None:
    first = decisions.reject(session, officer)
    row = to_subject(session)
    with later(2 * MINUTE):
        review.undo(first.pk, by=officer)
        decisions.reject(session, officer)
        assert (again := to_subject(session)).pk == row.pk
        assert again.not_before and again.not_before > timezone.now() + settings.KYC_UNDO - MINUTE
    with later():
        assert send_due() == {}
    with later(settings.KYC_UNDO + 3 * MINUTE):
        assert send_due() == {"sent": 1}
        assert send_due() == {}
    actions = LedgerEntry.objects.filter(action__startswith="notification.").order_by("seq")
    assert [entry.action for entry in actions] == [
        f"notification.{act}" for act in ("created", "cancelled", "revived", "sent")
    ]


def test_approved_instead_the_subject_hears_of_that_alone_and_after_a_time_of_its_own(
    session: Session, officer: User, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.KYC_FOUR_EYES = "none"
    review.undo(decisions.reject(session, officer).pk, by=officer)
    decisions.approve(session, officer)

    assert send_due() == {}
    with later():
        assert send_due() == {"sent": 1}
    statuses = dict(Notification.objects.filter(session=session).values_list("kind", "status"))
    assert statuses == {Kind.VERIFICATION_FAILED: Status.CANCELLED, Kind.VERIFIED: Status.SENT}


def test_an_approval_undone_in_time_is_not_told(session: Session, officer: User, settings: Any) -> None:
    settings.KYC_FOUR_EYES = "none"
    review.undo(decisions.approve(session, officer).pk, by=officer)

    with later():
        assert send_due() == {}
    assert Notification.objects.get(session=session).status == Status.CANCELLED


def test_ralio_s_confirmation_tells_nobody_twice(
    session: Session, officer: User, reject: Act, mailoutbox: list[Any]
) -> None:
    decisions.reject(session, officer)
    reject(session_id=session.pk, user_id=session.user_id)
    assert send_due() == {}
    with later():
        assert send_due() == {"sent": 1}
        reject(session_id=session.pk, user_id=session.user_id)
        assert send_due() == {}


def test_a_contact_does_not_shorten_the_time(review: Act, officer: User, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    session = review()
    decisions.reject(session, officer)
    row = to_subject(session)
    assert (row.status, row.next_attempt_at) == (Status.WAITING, row.not_before)

    assert outbox.wake(row.recipient) == 1

    row.refresh_from_db()
    assert (row.status, row.next_attempt_at) == (Status.PENDING, row.not_before)


@pytest.mark.parametrize("status", [Status.PENDING, Status.GAVE_UP])
def test_nor_does_a_retry_by_hand(session: Session, officer: User, supervisor: User, status: str) -> None:
    decisions.reject(session, officer)
    Notification.objects.filter(kind=Kind.VERIFICATION_FAILED).update(
        status=status,
        next_attempt_at=None if status == Status.GAVE_UP else timezone.now() + timedelta(days=1),
    )

    assert not outbox.try_again(to_subject(session), by=supervisor)
    assert send_due() == {}
    with later():
        assert outbox.try_again(to_subject(session), by=supervisor)


def test_nor_does_a_release_by_hand(session: Session, officer: User, supervisor: User) -> None:
    decisions.reject(session, officer)
    Notification.objects.filter(kind=Kind.VERIFICATION_FAILED).update(
        status=Status.WITHHELD, withheld_because=HoldCause.SUSPICION, next_attempt_at=None
    )

    assert outbox.release(to_subject(session), by=supervisor)
    row = to_subject(session)
    assert (row.status, row.next_attempt_at) == (Status.PENDING, row.not_before)


def test_without_time_to_undo_it_leaves_at_once(
    session: Session, officer: User, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.KYC_UNDO = timedelta()
    decisions.reject(session, officer)

    assert send_due() == {"sent": 1}
