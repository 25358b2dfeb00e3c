"""A change of state writes rows into the outbox, inside the transaction that made the change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc import ingestion, ledger
from kyc.choices import DeliveryStatus
from kyc.models import Contact, Delivery, LedgerEntry, Session, User
from notifications import receivers
from notifications.choices import HoldCause, Kind, Status
from notifications.models import Notification
from tests import wire
from tests.factories import ContactFactory
from tests.notifications.conftest import told

Act = Callable[..., Session]


def test_a_review_is_told_to_each_address_of_the_team_once(review: Act, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = ["one@example.test", "two@example.test", "One@Example.test"]

    session = review()

    rows = session.notifications.order_by("recipient")
    assert [row.kind for row in rows] == [Kind.REVIEW_OPENED] * 2
    assert {row.recipient.lower() for row in rows} == {"one@example.test", "two@example.test"}
    assert {row.status for row in rows} == {Status.PENDING}


def test_a_rejection_is_told_to_the_user(reject: Act, contact: Contact) -> None:
    session = reject(user_id=contact.subject_id)

    row = session.notifications.get()
    assert (row.kind, row.recipient) == (Kind.VERIFICATION_FAILED, f"user:{contact.subject_id}")
    assert row.status == Status.PENDING


def test_a_rejection_is_told_to_the_related_party(reject: Act) -> None:
    party = uuid4()
    ContactFactory(entity_type="related-party", subject_id=party)

    session = reject(user_id=None, related_party_id=party, entityType="related-party")

    row = session.notifications.get()
    assert (row.recipient, row.status) == (f"related-party:{party}", Status.PENDING)


def test_a_subject_without_a_contact_waits(reject: Act) -> None:
    assert reject().notifications.get().status == Status.WAITING


def test_a_subject_that_nobody_named_is_told_nothing(reject: Act) -> None:
    assert not reject(user_id=None, related_party_id=None).notifications.exists()


@pytest.mark.parametrize(
    ("name", "kind"), [("kyc_session_verified", Kind.VERIFIED), ("kyc_session_expired", Kind.EXPIRED)]
)
def test_the_other_ends_of_a_session_are_told_to_its_subject_unless_they_are_not_to_be(
    contact: Contact, settings: Any, name: str, kind: Kind
) -> None:
    told(name, user_id=contact.subject_id)
    row = Notification.objects.get()
    assert (row.kind, row.recipient, row.status) == (kind, f"user:{contact.subject_id}", Status.PENDING)

    settings.KYC_SUBJECT_MAILS -= {kind}
    told(name, user_id=contact.subject_id)
    assert Notification.objects.count() == 1


@pytest.mark.parametrize("name", ["kyc_state_updated", "kyc_expiration_warning", "payin_completed"])
def test_what_is_about_no_session_is_told_to_nobody(supervisor: User, name: str) -> None:
    assert wire.post(wire.payload(name, at=timezone.now())).status_code == 200

    assert not Notification.objects.exists()


def test_without_team_addresses_there_are_no_rows(review: Act, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []

    assert not review().notifications.exists()


def test_a_late_event_is_withheld(review: Act, reject: Act, days_ago: Callable[[float], datetime]) -> None:
    late, early = review(at=days_ago(1.01)), review(at=days_ago(0.99))
    subject = reject(at=days_ago(30))

    assert late.notifications.get().withheld_because == HoldCause.LATE
    assert early.notifications.get().status == Status.PENDING
    assert subject.notifications.get().status == Status.WITHHELD


def test_what_rolls_back_leaves_no_row(
    db: None, monkeypatch: pytest.MonkeyPatch, payload: Callable[..., Any], post_event: Callable[..., Any]
) -> None:
    """The rows are part of the effects: with them gone, the delivery is `failed` and nothing is told."""
    append = ledger.append

    def broken(chain: str, action: str, **detail: Any) -> LedgerEntry:
        if action == "notification.created":
            raise RuntimeError("The ledger is full.")
        return append(chain, action, **detail)

    monkeypatch.setattr(ledger, "append", broken)
    event = payload("kyc_session_manual_review.g1", at=timezone.now())
    post_event(event)
    assert not Notification.objects.exists()
    assert Delivery.objects.get().status == DeliveryStatus.FAILED

    monkeypatch.undo()
    ingestion.take_again(Delivery.objects.get().pk)
    assert Notification.objects.get().session_id


def test_a_webhook_pays_at_most_two_statements_and_one_ledger_entry(db: None, contact: Contact) -> None:
    event = wire.payload("kyc_session_failed", user_id=contact.subject_id, at=timezone.now())

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        wire.post(event)

    ours = [query["sql"] for query in captured if "notifications_notification" in query["sql"]]
    assert len(ours) == 2
    entries = LedgerEntry.objects.filter(action="notification.created")
    assert entries.count() == 1
    assert contact.email not in entries.get().detail


def test_a_new_review_pays_one_statement(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        wire.post(wire.payload("kyc_session_manual_review.g1", at=timezone.now()))

    assert len([query for query in captured if "notifications_notification" in query["sql"]]) == 1


def test_connecting_twice_tells_once(review: Act) -> None:
    receivers.connect()

    assert review().notifications.count() == 1
