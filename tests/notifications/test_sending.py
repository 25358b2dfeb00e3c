"""What is due leaves, once; what must not leave stays, and its row says why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from kyc.models import Contact, LedgerEntry, Session
from notifications.choices import AttemptOutcome, Kind, Status
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import ContactFactory

Act = Callable[..., Session]
Outbox = list[EmailMultiAlternatives]


def entries(action: str) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(action=action))


def test_a_due_message_is_sent_once(review: Act, mailoutbox: Outbox) -> None:
    row = review().notifications.get()

    assert send_due() == {"sent": 1}
    assert send_due() == {}

    row.refresh_from_db()
    assert (row.status, row.n_attempts, row.lease_token) == (Status.SENT, 1, None)
    assert [attempt.outcome for attempt in row.attempts.all()] == [AttemptOutcome.SENT]
    assert [mail.to for mail in mailoutbox] == [["compliance@example.test"]]
    assert len(entries("notification.sent")) == 1


def test_its_headers_say_what_it_is(review: Act, mailoutbox: Outbox) -> None:
    session = review()
    send_due()

    mail: EmailMessage = mailoutbox[0].message()
    assert mail["Message-ID"] == session.notifications.get().message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert session.pk.hex in mail["References"]
    assert mail["References"] == mail["In-Reply-To"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_messages_about_one_session_are_one_thread(
    review: Act, reject: Act, contact: Contact, mailoutbox: Outbox
) -> None:
    session = review(user_id=contact.subject_id)
    reject(session_id=session.pk, user_id=contact.subject_id, at=timezone.now() + timedelta(seconds=1))
    send_due()

    assert len(mailoutbox) == 2
    assert len({mail.extra_headers["References"] for mail in mailoutbox}) == 1
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 2


def test_a_waiting_message_leaves_when_a_contact_arrives(
    reject: Act, payload: Callable[..., Any], post_event: Callable[..., Any], mailoutbox: Outbox
) -> None:
    created = payload("related_party.kyc_session_created", at=timezone.now())
    party = created["data"]["relatedParty"]["id"]
    session = reject(user_id=None, related_party_id=party, entityType="related-party")
    send_due()
    assert session.notifications.get().status == Status.WAITING

    post_event(created)
    assert session.notifications.get().status == Status.PENDING
    send_due()

    assert [mail.to for mail in mailoutbox] == [["john.doe@example.com"]]
    assert "Hello John Doe," in mailoutbox[0].body


def test_a_contact_wakes_nothing_that_is_withheld(
    reject: Act,
    post_event: Callable[..., Any],
    payload: Callable[..., Any],
    days_ago: Callable[[float], datetime],
) -> None:
    created = payload("related_party.kyc_session_created", at=timezone.now())
    party = created["data"]["relatedParty"]["id"]
    session = reject(user_id=None, related_party_id=party, entityType="related-party", at=days_ago(2))

    post_event(created)
    send_due()

    assert session.notifications.get().status == Status.WITHHELD


def test_a_contact_that_nobody_announced_is_found_at_the_next_look(reject: Act, mailoutbox: Outbox) -> None:
    session = reject()
    assert session.user_id
    ContactFactory(subject_id=session.user_id)
    assert send_due() == {}

    session.notifications.update(next_attempt_at=timezone.now())
    assert send_due() == {"sent": 1}


def test_a_subject_is_not_told_of_a_rejection_that_is_over(
    reject: Act, verify: Act, contact: Contact, mailoutbox: Outbox
) -> None:
    session = reject(user_id=contact.subject_id)
    verify(session_id=session.pk, user_id=contact.subject_id, at=timezone.now() + timedelta(seconds=1))

    assert send_due() == {"cancelled": 1, "sent": 1}

    assert session.notifications.get(kind=Kind.VERIFICATION_FAILED).status == Status.CANCELLED
    assert session.notifications.get(kind=Kind.VERIFIED).status == Status.SENT
    assert len(mailoutbox) == 1


def test_a_message_for_somebody_who_is_no_longer_the_subject_is_cancelled(
    reject: Act, contact: Contact, mailoutbox: Outbox
) -> None:
    session = reject(user_id=contact.subject_id)
    Session.objects.filter(pk=session.pk).update(user_id=ContactFactory().subject_id)

    assert send_due() == {"cancelled": 1}
    assert mailoutbox == []


def test_one_message_that_cannot_be_written_stops_no_other(
    review: Act, mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = review(), review()
    from notifications import messages, sending

    def compose(row: Notification, addressee: Any) -> messages.Message:
        if row.session_id == broken.pk:
            raise TypeError("A secret of compliance@example.test")
        return messages.compose(row, addressee)

    monkeypatch.setattr(sending, "compose", compose)

    assert send_due() == {"failed": 1, "sent": 1}
    assert sound.notifications.get().status == Status.SENT
    assert broken.notifications.get().last_error == "Not sent: TypeError."


def test_a_stop_gives_the_rest_of_the_batch_back(review: Act, mailoutbox: Outbox) -> None:
    review(), review()

    assert send_due(is_wanted=lambda: not mailoutbox) == {"sent": 1}

    left = Notification.objects.get(status=Status.PENDING)
    assert (left.lease_token, left.attempts.count()) == (None, 0)
    assert send_due() == {"sent": 1}
