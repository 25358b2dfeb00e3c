"""A mail's bytes as we write them say just what Django's own way of writing them says."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from django.core.mail.backends import smtp
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.email import mail_of
from notifications.channels.smtp import EmailBackend
from notifications.messages import Message
from notifications.wording import one_line

HEADERS = (
    "Subject",
    "From",
    "To",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Content-Language",
)
words = st.text(max_size=200) | st.text("=?utf-8?q?=0d ñ.<>@\t", max_size=80) | st.text("aé ", max_size=300)


def both(**said: str) -> tuple[EmailMessage, EmailMessage]:
    """Return one message as our bytes tell it, and as Django's do."""
    fields = {
        "address": "someone@example.test",
        "subject": "Subject",
        "text": "Text\n",
        "html": "<p>Text</p>\n",
    }
    mail = mail_of(Message(message_id="<1@example.test>", thread_id="<2@example.test>", **(fields | said)))
    ours = mail.message(policy=email.policy.SMTP).as_bytes()
    theirs = mail.message().as_bytes(policy=email.policy.SMTP)
    return _read(ours), _read(theirs)


def _read(content: bytes) -> EmailMessage:
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    read = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
    assert not read.defects
    return read


def bodies(message: EmailMessage) -> list[tuple[str, list[str]]]:
    return [(part.get_content_type(), part.get_content().splitlines()) for part in message.iter_parts()]


@given(subject=words, text=words, html=words)
def test_subject_line_and_bodies_are_the_same(subject: str, text: str, html: str) -> None:
    plain = {"text": text.replace("\r", "") + "\n", "html": html.replace("\r", "") + "\n"}
    ours, theirs = both(
        subject=one_line(subject), **{k: v.encode("utf-8", "replace").decode() for k, v in plain.items()}
    )

    assert {name: ours[name] for name in HEADERS} == {name: theirs[name] for name in HEADERS}
    assert sorted(ours.keys()) == sorted(theirs.keys())
    assert bodies(ours) == bodies(theirs)


@pytest.mark.parametrize("address", ["a.b+c@example.test", '"a,b"@example.test', "ana@bücher.example"])
def test_so_is_the_address(address: str) -> None:
    ours, theirs = both(address=address)

    assert ours["To"].addresses == theirs["To"].addresses


def test_our_bytes_are_plain_lines_for_every_mail_server() -> None:
    mail = mail_of(
        Message(
            "a@example.test", "Señal", "ñ\n.\n" + "x" * 2000, "<p>ñ</p>", "<1@x.test>", "<2@x.test>", "es"
        )
    )
    content = mail.message(policy=email.policy.SMTP).as_bytes()

    assert content.isascii()
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize("subject", ["One\r\nBcc: x@example.test", "One\nTwo", "One\rTwo"])
def test_a_line_break_in_a_header_is_never_written(subject: str) -> None:
    mail = mail_of(Message("a@example.test", subject, "Text", "<p>Text</p>", "<1@x.test>", "<2@x.test>"))

    with pytest.raises(ValueError, match="linefeed|newline|carriage"):
        mail.message(policy=email.policy.SMTP)


@pytest.mark.parametrize(
    "address",
    ["desk@localhost", "KYC Desk <desk@example.test>", "a.b+c-d@x-y.example", '"Desk, KYC" <d@e.test>', "ana@bücher.example"],
)  # fmt: skip
def test_who_sends_and_who_gets_it_are_told_the_server_as_django_does(address: str) -> None:
    backend = EmailBackend(alias="default", host="127.0.0.1")

    assert backend.prep_address(address) == smtp.EmailBackend.prep_address(backend, address)


@pytest.mark.parametrize(
    "address", ["a@b.test>", "<a@b.test", "KYC <a@b.test", "a@b.test\r\nRCPT TO:<x@y.test>", "a b@c.test"]
)
def test_what_is_no_address_is_not_taken_for_one(address: str) -> None:
    backend = EmailBackend(alias="default", host="127.0.0.1")

    def told(by: type[smtp.EmailBackend]) -> str:
        try:
            return str(by.prep_address(backend, address))
        except ValueError:
            return "no address"

    assert told(EmailBackend) == told(smtp.EmailBackend)
