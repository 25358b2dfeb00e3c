"""No tipping off: a subject reads a disclosable code's own words for subjects, or a neutral text, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.models import Check, Contact, Reason, ReasonCode, RejectionReason, Session, User
from notifications import contents, outbox
from notifications.channels.email import mail_of
from notifications.choices import HoldCause, Status
from notifications.messages import Message, compose
from notifications.models import Notification
from notifications.recipients import Addressee
from notifications.sending import send_due
from tests import wire
from tests.factories import NoteFactory, ReasonCodeFactory
from tests.notifications import every_kind
from tests.notifications.rejections import MARK, Given, cleaned, of_a, rejected

Act = Callable[..., Session]
MARIA = Addressee("maria@example.test", "María")


# Each stands for something else that must not reach a subject, or must in its own words alone.
MARKS = ("none", "disclosable", "english only", "suspicion")
STORIES = ("rejected by Ralio", "rejected here", "verified", "expired")
marked = st.text(max_size=20).map(lambda text: f"{MARK}{text}")
reasons = st.lists(
    st.builds(Given, code=marked, words=marked, mark=st.sampled_from(MARKS)),
    max_size=4,
    unique_by=lambda reason: cleaned(reason.code),
)


def tell(code: str, text: str) -> None:
    ReasonCode.objects.filter(code=code).update(is_disclosable=True, subject_text=text)


def catalogue(found: list[Given]) -> None:
    """Write down what people think of each code, in words that may be anything."""
    for reason in found:
        code = ReasonCode.objects.get_or_create(code=cleaned(reason.code))[0]
        words = cleaned(reason.words)
        code.label = code.category = code.guidance = code.subject_text = code.subject_text_es = words
        code.is_disclosable, code.is_suspicion = reason.is_told, reason.mark == "suspicion"
        if reason.is_told:
            code.subject_text, code.subject_text_es = reason.english, reason.spanish
        code.save()


def strip(session: Session, found: list[Given], language: str) -> None:
    """Take away all but what a subject may read: the words of the codes that may be told, unless there is a suspicion."""
    column = "subject_text_es" if language == "es" else "subject_text"
    other = "subject_text" if language == "es" else "subject_text_es"
    codes, rejected = ReasonCode.objects.all(), RejectionReason.objects.filter(session=session)
    told = codes.filter(is_disclosable=True).exclude(**{column: ""})
    if any(reason.mark == "suspicion" for reason in found):
        told = told.none()
    rejected.exclude(code_digest__in=told.values("digest")).delete()
    rejected.update(code="", message="", category="", type="", check_type="")
    Reason.objects.filter(kyc_check__session=session).delete()
    Check.objects.filter(session=session).update(type="", data="", provider="")
    session.notes.all().delete()
    session.decisions.update(rationale="-", answer="-", codes=["-"])
    session.deliveries.update(body=b"{}", headers={})
    codes.filter(is_disclosable=False).delete()
    codes.update(label="", category="", guidance="", is_suspicion=False)
    # Where no reason is told in English, the database asks for a text all the same.
    codes.update(**{other: "-"})


def again(row: Notification) -> Notification:
    """Return the row and its session as the database has them now."""
    return Notification.objects.select_related("session").get(pk=row.pk)


@settings(max_examples=60)
@given(
    found=reasons,
    story=st.sampled_from(STORIES),
    language=st.sampled_from(["en-gb", "es"]),
    name=st.one_of(st.just("Ana"), st.text(max_size=30)),
    words=marked,
)
def test_nothing_varies_with_what_a_subject_must_not_read(
    supervisor: User, found: list[Given], story: str, language: str, name: str, words: str
) -> None:
    """The mail is the same, byte for byte, as of a session without a word of Ralio's or ours but those for subjects."""
    subject = Addressee("maria@example.test", name, language)
    with transaction.atomic():
        row = of_a(story, found, words, by=supervisor, catalogue=catalogue)
        NoteFactory(session=row.session, text=cleaned(words))
        message = compose(row, subject)
        ahead = again(row)
        contents.read_ahead([ahead])
        assert message == compose(ahead, subject), "So it is in a batch."
        strip(row.about_session, found, language)

        assert message == compose(again(row), subject), "What is not disclosed changes nothing."
        assert MARK not in f"{message.subject}{message.preview}{message.text}{message.html}"
        assert MARK not in str(mail_of(message).message())
        transaction.set_rollback(True)


def test_no_other_member_of_an_invitation_reaches_the_subject(db: None) -> None:
    event = wire.payload("related_party.kyc_session_created", at=timezone.now())
    party, created = event["data"]["relatedParty"], event["data"]["kycSession"]
    event["data"]["relatedParty"] = {**dict.fromkeys(party, MARK), "id": party["id"]}
    created["provider"] = MARK
    assert wire.post(event).status_code == 200
    session = Session.objects.get(pk=created["id"])
    row = session.notifications.select_related("session").get()
    message = compose(row, MARIA)
    session.deliveries.update(
        body=wire.encode(
            {"data": {"businessUser": {"name": "Acme Corp S.L."}, "kycSession": {**created, "provider": ""}}}
        )
    )

    assert message == compose(again(row), MARIA)
    assert "Acme Corp S.L." in message.text and MARK not in message.text + message.html


def test_a_disclosed_code_is_told_in_its_own_words_once(db: None) -> None:
    row = rejected([Given("A", "Ralio's words"), Given("B", "more words"), Given("A", "again")])
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


@pytest.mark.parametrize("name", ["kyc_session_failed", "kyc_session_verified", "kyc_session_expired"])
def test_a_session_that_ever_had_a_suspicion_tells_its_subject_nothing(
    review: Act, contact: Contact, supervisor: User, mailoutbox: list[Any], settings: Any, name: str
) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    User.objects.update(email="")
    session = review(user_id=contact.subject_id)
    ReasonCode.objects.filter(code="LOW_CONFIDENCE").update(is_suspicion=True)
    every_kind.told(name, session_id=session.pk, user_id=contact.subject_id, checks=[])

    assert send_due() == {"withheld": 1}
    assert outbox.release(session.notifications.get(status=Status.WITHHELD), by=supervisor)
    assert send_due() == {"sent": 1}
    assert [mail.to for mail in mailoutbox] == [[contact.email]]


def test_nor_does_a_related_party_s_new_session(mailoutbox: list[Any], db: None, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    session = every_kind.invited()
    ReasonCodeFactory(code="LOW_CONFIDENCE", is_suspicion=True)
    before = timezone.now() - timedelta(hours=1)
    party = {"user_id": None, "related_party_id": session.related_party_id}
    every_kind.told("kyc_session_manual_review", session_id=session.pk, at=before, **party)

    assert send_due() == {"withheld": 1}
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
