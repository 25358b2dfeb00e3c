"""What those read who are verified: what happened, what to do next, and nothing that a stranger could speak in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kyc import invitations
from kyc.models import Delivery, Session
from notifications.choices import Kind
from notifications.facts import NothingToSay
from notifications.messages import Message, compose
from notifications.recipients import Addressee
from notifications.wording import LONGEST_NAME
from tests.notifications import every_kind
from tests.notifications.every_kind import LINK

Act = Callable[..., Session]
ANA = Addressee("ana@example.test", "Ana")
HOSTILE = [
    "Ana\r\nBcc: x@example.test",
    "Ana, see evil.com",
    "Ana https://evil.example",
    "Ana www evil",
    "Call 900123456",
    "<b>Ana</b>",
    "Ana!",
    "a@b.test",
    "n" * 10_000,
]


def message(session: Session, kind: Kind, to: Addressee = ANA, **how: Any) -> Message:
    return compose(every_kind.message(session, kind), to, **how)


def greeting(name: str, session: Session) -> str:
    return message(session, Kind.VERIFIED, Addressee("a@b.test", name)).text.partition("\n")[0]


def test_a_subject_is_greeted_by_name_and_given_a_reference(reject: Act) -> None:
    session = reject()

    named = message(session, Kind.VERIFICATION_FAILED)
    assert "Hello Ana," in named.text
    assert str(session.pk) in named.text
    assert "http" not in named.text, "No link, so none that could hold a secret."
    assert (named.subject, named.preview) == (
        "About your identity verification",
        "There is news about your identity verification.",
    )


def test_a_verified_subject_need_do_nothing_more(verify: Act) -> None:
    session = verify()
    found = message(session, Kind.VERIFIED)

    assert found.subject == "Your identity verification is complete"
    for part in (found.text, found.html):
        assert "Your identity has been verified." in part
        assert "There is nothing more that you need to do." in part
        assert str(session.pk) in part


def test_an_expired_subject_reads_what_to_do_next(db: None) -> None:
    session = every_kind.told("kyc_session_expired")
    found = message(session, Kind.EXPIRED)

    for part in (found.text, found.html):
        assert "was not completed in time" in part
        assert "please ask our customer support for a new verification" in part
        assert str(session.pk) in part


def test_a_name_that_is_only_a_name_is_greeted(verify: Act) -> None:
    session = verify()
    names = [
        "Ana",
        "José-María O'Neill Núñez",
        "\u202eAna\u202c  Pérez\n",
        "अनीता",
        "王小明",
        "n" * LONGEST_NAME,
    ]

    assert [greeting(name, session) for name in names] == [
        "Hello Ana,", "Hello José-María O'Neill Núñez,", "Hello Ana Pérez,", "Hello अनीता,", "Hello 王小明,",
        f"Hello {'n' * LONGEST_NAME},",
    ]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_words_that_are_no_name_are_not_said(verify: Act, name: str) -> None:
    assert greeting(name, verify()) == "Hello,"


# --- A related party's own session -------------------------------------------------------------------
def test_the_link_is_a_button_and_text_and_says_until_when(db: None, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    session = every_kind.invited()
    found = message(session, Kind.SESSION_CREATED)
    invitation = invitations.of_session(session)
    assert invitation is not None and isinstance(invitation.expires_at, datetime)
    until = invitation.expires_at.astimezone(ZoneInfo("Europe/Madrid"))

    assert LINK in found.text.splitlines()
    assert found.html.count(f'href="{LINK.replace("&", "&amp;")}"') == 2
    for part in (found.text, found.html):
        assert f"{until.day} {until:%B %Y}, {until:%H:%M} (Europe/Madrid)" in part


def test_it_says_which_business_asks(db: None) -> None:
    said = "Acme Corp S.L. has named you as a person connected with the business."

    assert said in message(every_kind.invited(), Kind.SESSION_CREATED).text


@pytest.mark.parametrize("business", [*HOSTILE, "", None, 7])
def test_a_business_whose_name_says_more_is_a_business(db: None, business: Any) -> None:
    found = message(every_kind.invited(business), Kind.SESSION_CREATED)

    assert "A business that we work with has named you" in found.text
    assert "A business that we work with has named you" in found.html


def test_nobody_else_is_shown_the_link(db: None) -> None:
    found = message(every_kind.invited(), Kind.SESSION_CREATED, is_preview=True)

    assert LINK not in found.text
    assert "signup.example.test" not in found.text + found.html
    assert "(The personal link stands here. Only the person concerned is shown it.)" in found.text


def test_without_a_link_there_is_no_message(db: None) -> None:
    session = every_kind.invited()
    Delivery.objects.filter(session=session).update(body=b"{}")

    with pytest.raises(NothingToSay):
        message(session, Kind.SESSION_CREATED)
    assert "Only the person concerned" in message(session, Kind.SESSION_CREATED, is_preview=True).text
