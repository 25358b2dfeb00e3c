"""Nothing from outside breaks out of its header, and no answer of a mail server brings an address into our records."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from kyc.models import Session
from notifications import outbox
from notifications.channels import Refused
from notifications.channels.email import mail_of, without_addresses
from notifications.messages import Message, compose
from notifications.recipients import Addressee
from notifications.wording import one_line
from tests.notifications.rejections import Given, rejected

Act = Callable[..., Session]
HEADERS = [
    "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", "Content-Language", "MIME-Version", "Content-Type",
]  # fmt: skip
nasty = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["\r\nBcc: x@example.test", "x@example.test\nSubject: y", "a@b\x00c", "=?utf-8?q?=0d=0aBcc:_x?="]
    ),
)


def message(**columns: str) -> Message:
    fields = {
        "address": "someone@example.test", "subject": "Subject", "text": "Text", "html": "<p>Text</p>",
        "message_id": "<1@example.test>", "thread_id": "<2@example.test>",
    }  # fmt: skip
    return Message(**{**fields, **columns})


@given(address=nasty)
def test_an_address_is_one_recipient_or_refused(address: str) -> None:
    try:
        mail = mail_of(message(address=address))
    except Refused:
        return
    built: EmailMessage = mail.message()
    assert sorted(built.keys()) == sorted(HEADERS)
    assert [each.addr_spec for each in built["To"].addresses] == [address]


@given(subject=nasty)
def test_a_subject_line_stays_one_line(subject: str) -> None:
    built: EmailMessage = mail_of(message(subject=one_line(subject))).message()

    assert sorted(built.keys()) == sorted(HEADERS)


@given(name=nasty, words=nasty)
def test_names_and_reasons_add_no_header(db: None, name: str, words: str) -> None:
    with transaction.atomic():
        row = rejected([Given(words, words)])
        built = mail_of(compose(row, Addressee("someone@example.test", name))).message()
        transaction.set_rollback(True)

    assert sorted(built.keys()) == sorted(HEADERS)
    assert built["To"] == "someone@example.test"


def test_what_ralio_sends_is_one_line_in_the_team_smail_of(
    review: Act, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    reason = {"code": "A\r\nB", "message": "<script>alert(1)</script>\n\nDue: never \u202egnol", "type": ""}
    session = review(checks=[{"type": "x\ny", "state": 2, "reasons": [reason]}])
    mail = compose(session.notifications.get(), Addressee("team@example.test"))

    assert "    A B: <script>alert(1)</script> Due: never gnol" in mail.text.splitlines()
    assert "<script>" not in mail.html
    assert "- x y" in mail.text.splitlines()


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("KYC Desk <desk@example.test>", "example.test"),
        ("desk@bücher.example", "xn--bcher-kva.example"),
        ("desk@a-very-long-name-of-a-machine.in-a-department.example.test", "in-a-department.example.test"),
        ("desk", "localhost"),
    ],
)
def test_message_ids_are_whole_in_their_line(review: Act, settings: Any, sender: str, domain: str) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    row = review().notifications.get()
    built = mail_of(compose(row, Addressee("team@example.test"))).message().as_string()

    assert outbox.message_domain() == domain
    assert f"<{row.pk}@{domain}>" in built
    assert f"<{row.session_id.hex}@{domain}>" in built


@given(words=st.text(max_size=40), local=st.text("abcdef.+-_", min_size=1, max_size=12))
def test_an_answer_names_no_address(words: str, local: str) -> None:
    address = f"{local}@example.test"
    answer = without_addresses(
        f"550 <{address}> {words} {local.upper()}@EXAMPLE.TEST no {local} here", address
    )

    assert address not in answer.lower()
    assert "@example" not in answer.lower()
