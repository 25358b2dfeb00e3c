"""No tipping off: a subject reads a disclosable code's own words for subjects, or a neutral text, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from kyc.models import Check, Contact, Reason, ReasonCode, RejectionReason, Session, User
from notifications import outbox
from notifications.choices import HoldCause, Status
from notifications.messages import Message, compose
from notifications.models import Notification
from notifications.recipients import Addressee
from notifications.sending import send_due
from tests.notifications.rejections import MARK, Given, rejected

Act = Callable[..., Session]
MARIA = Addressee("maria@example.test", "María")


marked = st.text(max_size=20).map(lambda text: f"{MARK}{text}")
reasons = st.lists(st.builds(Given, code=marked, words=marked, is_told=st.booleans()), max_size=5)


def tell(code: str, text: str) -> None:
    ReasonCode.objects.filter(code=code).update(is_disclosable=True, subject_text=text)


def strip(session: Session) -> None:
    """Take out of the session's rows whatever a subject must not read."""
    disclosed = ReasonCode.objects.filter(is_disclosable=True).values("digest")
    RejectionReason.objects.filter(session=session).exclude(code_digest__in=disclosed).delete()
    RejectionReason.objects.filter(session=session).update(message="", category="", type="", check_type="")
    Reason.objects.filter(kyc_check__session=session).delete()
    Check.objects.filter(session=session).update(type="", data="", provider="")


@given(found=reasons, data=marked)
def test_no_other_word_of_a_reason_reaches_the_subject(db: None, found: list[Given], data: str) -> None:
    with transaction.atomic():
        row = rejected(found, data)
        for number, reason in enumerate(found):
            if reason.is_told:
                tell(reason.code, f"Words for subjects {number}.")
        message = compose(row, MARIA)
        strip(row.session)

        assert message == compose(row, MARIA), "What is not disclosed changes nothing."
        assert MARK not in message.subject + message.text + message.html
        transaction.set_rollback(True)


def test_a_disclosed_code_is_told_in_its_own_words_once(db: None) -> None:
    row = rejected(
        [Given("A", "Ralio's words", True), Given("B", "more words", False), Given("A", "again", True)]
    )
    tell("A", "The photo was <too dark> & blurred.")

    message = compose(row, MARIA)

    assert message.text.count("The photo was <too dark> & blurred.") == 1
    assert "The photo was &lt;too dark&gt; &amp; blurred." in message.html
    assert "Ralio" not in message.text


@pytest.fixture
def suspected(reject: Act, contact: Contact) -> Notification:
    session = reject(user_id=contact.subject_id)
    ReasonCode.objects.filter(code="KYC.DOC.DETERIORATED").update(is_suspicion=True)
    return session.notifications.get()


def test_under_suspicion_nothing_leaves(suspected: Notification, mailoutbox: list[Any]) -> None:
    assert send_due() == {"withheld": 1}

    suspected.refresh_from_db()
    assert (suspected.status, suspected.withheld_because) == (Status.WITHHELD, HoldCause.SUSPICION)
    assert mailoutbox == []


def test_released_by_a_person_it_leaves_with_the_neutral_text(
    suspected: Notification, supervisor: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    neutral = _neutral(suspected)
    ReasonCode.objects.create(code="TOLD", is_disclosable=True, subject_text="Words for subjects.")
    reason = suspected.session.rejection_reasons.get()
    reason.pk, reason.position, reason.code = None, 1, "TOLD"
    reason.code_digest = ReasonCode.objects.get(code="TOLD").digest
    reason.save()
    send_due()

    assert outbox.release(suspected, by=supervisor)
    assert send_due() == {"sent": 1}
    assert mailoutbox[0].body == neutral.text


def test_a_release_for_lateness_is_no_release_from_suspicion(
    reject: Act, contact: Contact, supervisor: User, days_ago: Callable[[float], Any], mailoutbox: list[Any]
) -> None:
    row = reject(user_id=contact.subject_id, at=days_ago(2)).notifications.get()
    ReasonCode.objects.update(is_suspicion=True)

    assert outbox.release(row, by=supervisor)
    assert send_due() == {"withheld": 1}

    row.refresh_from_db()
    assert (row.withheld_because, row.released_at) == (HoldCause.SUSPICION, None)
    assert outbox.release(row, by=supervisor)
    assert send_due() == {"sent": 1}


def test_a_suspicion_of_an_earlier_event_counts(
    review: Act, reject: Act, contact: Contact, days_ago: Callable[[float], Any]
) -> None:
    session = review(user_id=contact.subject_id, at=days_ago(0.1))
    ReasonCode.objects.filter(code="LOW_CONFIDENCE").update(is_suspicion=True)
    reject(session_id=session.pk, user_id=contact.subject_id)
    session.notifications.filter(kind="review_opened").delete()

    assert send_due() == {"withheld": 1}


def _neutral(row: Notification) -> Message:
    with transaction.atomic():
        RejectionReason.objects.filter(session=row.session).delete()
        message = compose(row, Addressee("subject@example.test", "Ana Pérez"))
        transaction.set_rollback(True)
    return message
