"""Each reads their own language, wholly: the words, the dates, and a reason only where it was written for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from kyc.models import Contact, ReasonCode, Session
from notifications.choices import Kind
from notifications.messages import compose
from notifications.recipients import Addressee
from notifications.sending import send_due
from tests.notifications import every_kind

Act = Callable[..., Session]
CODE = "KYC.DOC.DETERIORATED"
ENGLISH, SPANISH = Addressee("a@b.test", "", "en-gb"), Addressee("a@b.test", "", "es")
# What Ralio and this desk's people write is said as they wrote it.
AS_WRITTEN = re.compile(
    r"[A-Z_]{4,}|https?://\S+|[0-9a-f]{8}(-[0-9a-f-]+)?|compliance|Ralio|KYC Desk|Acme Corp S\.L\."
)


def contact_reads(contact: Contact, language: str) -> None:
    Contact.objects.filter(pk=contact.pk).update(language=language)


def tell(english: str, spanish: str) -> None:
    words = {"subject_text": english, "subject_text_es": spanish}
    ReasonCode.objects.filter(code=CODE).update(is_disclosable=True, **words)


@pytest.mark.parametrize(
    ("wish", "greeting"),
    [
        ("es", "Hola, Ana Pérez:"),
        ("ES_mx", "Hola, Ana Pérez:"),
        ("en", "Hello Ana Pérez,"),
        ("", "Hello Ana Pérez,"),
    ],
)
def test_the_contact_s_language_is_spoken(
    reject: Act, contact: Contact, mailoutbox: list[EmailMultiAlternatives], wish: str, greeting: str
) -> None:
    contact_reads(contact, wish)
    reject(user_id=contact.subject_id)
    send_due()

    (mail,) = mailoutbox
    language = "es" if greeting.startswith("Hola") else "en-gb"
    assert mail.body.startswith(greeting)
    assert mail.extra_headers["Content-Language"] == language
    assert f'<html lang="{language}"' in str(mail.alternatives[0].content)


def test_without_a_wish_the_desk_s_own_is_spoken(settings: Any, verify: Act) -> None:
    settings.LANGUAGE_CODE = "es"
    row = every_kind.message(verify(), Kind.VERIFIED)

    assert "Su identidad ha quedado verificada." in compose(row, Addressee("a@b.test")).text


def test_no_sentence_of_a_spanish_mail_is_english(db: None) -> None:
    for kind, row in every_kind.every().items():
        english, spanish = (sentences(row, to) for to in (ENGLISH, SPANISH))
        assert english & spanish == set(), kind


def sentences(row: Any, to: Addressee) -> set[str]:
    """Return the lines of a message that are words of ours."""
    found = compose(row, to)
    lines = [found.subject, found.preview, *found.text.splitlines()]
    said = {AS_WRITTEN.sub("", line).strip(" -:.,·") for line in lines}
    return {line for line in said if re.search(r"[a-z]{3}", line)} - {
        "face-matching",
        "Face matching confidence below threshold",
        # Commands.
        "manage.py verify_ledger --seal 1=",
        "python -I verify.py --seal 1=",
    }


def test_dates_are_written_as_the_reader_writes_them(db: None, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    row = every_kind.message(every_kind.invited(), Kind.SESSION_CREATED)
    year = timezone.now().year

    assert re.search(
        rf"hasta el \d+ de [a-z]+ de ({year}|{year + 1}), \d\d:\d\d \(Europe/Madrid\)",
        compose(row, SPANISH).text,
    )


# --- Reasons ---------------------------------------------------------------------------------------------
def told(session: Session, to: Addressee) -> str:
    return compose(every_kind.message(session, Kind.VERIFICATION_FAILED), to).text


def test_each_reads_the_words_in_their_language(reject: Act) -> None:
    session = reject()
    tell("The photo was dark.", "La foto estaba oscura.")

    english, spanish = told(session, ENGLISH), told(session, SPANISH)
    assert "The photo was dark." in english and "oscura" not in english
    assert "La foto estaba oscura." in spanish and "dark" not in spanish


def test_without_spanish_words_a_spanish_reader_has_the_neutral_text(reject: Act) -> None:
    session = reject()
    neutral = told(session, SPANISH)
    tell("The photo was dark.", "")

    assert told(session, SPANISH) == neutral
    assert "Lo que podemos decirle" not in neutral
