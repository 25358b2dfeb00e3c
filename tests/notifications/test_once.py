"""Nothing is told twice: not by repeats, late or unordered events, a rebuild or a replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.utils import timezone

from kyc.models import Contact, Session
from notifications.choices import Kind, Status
from notifications.models import Notification
from tests import wire

Act = Callable[..., Session]
Ago = Callable[[float], datetime]
HOUR = 1 / 24


def kinds(session: Session) -> list[tuple[str, int]]:
    return sorted(session.notifications.values_list("kind", "round"))


def test_the_same_delivery_again_tells_nothing(db: None) -> None:
    event = wire.payload("kyc_session_manual_review.g1", at=timezone.now())
    for _ in range(3):
        wire.post(event)

    assert Notification.objects.count() == 1


def test_another_event_of_the_same_state_tells_nothing(review: Act, days_ago: Ago) -> None:
    session = review(at=days_ago(3 * HOUR))
    review(session_id=session.pk, at=days_ago(2 * HOUR))

    assert kinds(session) == [(Kind.REVIEW_OPENED, 1)]


def test_an_older_event_that_changes_nothing_tells_nothing(reject: Act, review: Act, days_ago: Ago) -> None:
    session = reject(at=days_ago(HOUR))
    review(session_id=session.pk, at=days_ago(2 * HOUR))

    assert kinds(session) == [(Kind.VERIFICATION_FAILED, 1)]


def test_a_new_round_is_told_anew(review: Act, verify: Act, days_ago: Ago) -> None:
    session = review(at=days_ago(3 * HOUR))
    verify(session_id=session.pk, at=days_ago(2 * HOUR))
    review(session_id=session.pk, at=days_ago(HOUR))

    assert kinds(session) == [(Kind.REVIEW_OPENED, 1), (Kind.REVIEW_OPENED, 2), (Kind.VERIFIED, 1)]


def test_coming_back_to_review_in_the_same_round_is_no_news(review: Act, days_ago: Ago) -> None:
    session = review(at=days_ago(HOUR))
    # A late event, but a newer instant: STARTED, then REVIEW once more.
    Session.objects.filter(pk=session.pk).update(state="STARTED", due_at=None)
    review(session_id=session.pk, at=timezone.now())

    assert kinds(session) == [(Kind.REVIEW_OPENED, 1)]


def test_a_round_that_a_late_event_adds_does_not_reject_the_subject_again(
    reject: Act, review: Act, verify: Act, days_ago: Ago
) -> None:
    session = reject(at=days_ago(HOUR))
    verify(session_id=session.pk, at=days_ago(3 * HOUR))
    review(session_id=session.pk, at=days_ago(2 * HOUR))

    session.refresh_from_db()
    assert session.round == 2
    assert [kind for kind, _ in kinds(session)] == [Kind.VERIFICATION_FAILED]


def test_a_rebuild_and_a_replay_tell_nothing(review: Act, reject: Act) -> None:
    session = review()
    reject(session_id=session.pk, at=timezone.now() + timedelta(seconds=1))
    before = list(Notification.objects.order_by("pk").values())

    call_command("rebuild_sessions")

    assert list(Notification.objects.order_by("pk").values()) == before


def test_a_rejection_that_comes_back_revives_what_was_cancelled(
    reject: Act, verify: Act, contact: Contact, days_ago: Ago
) -> None:
    session = reject(user_id=contact.subject_id, at=days_ago(3 * HOUR))
    session.notifications.update(status=Status.CANCELLED, next_attempt_at=None)
    verify(session_id=session.pk, user_id=contact.subject_id, at=days_ago(2 * HOUR))
    failed = session.notifications.filter(kind=Kind.VERIFICATION_FAILED)
    assert failed.get().status == Status.CANCELLED

    reject(session_id=session.pk, user_id=contact.subject_id, at=days_ago(HOUR))

    assert failed.get().status == Status.PENDING


def test_the_database_refuses_a_second_one(review: Act) -> None:
    row = review().notifications.get()
    row.pk = uuid4()

    with pytest.raises(IntegrityError):
        row.save(force_insert=True)
