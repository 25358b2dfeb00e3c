"""Notes are written beside a session, whoever holds it, and stand in its timeline."""

from __future__ import annotations

import pytest
from django.test import Client

from kyc.models import Note, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import arrive, in_order, page
from tests.kyc.desk.panels import act, session_in_review

pytestmark = pytest.mark.django_db


def test_a_note_is_written_though_another_holds_the_session(officer_client: Client, officer: User) -> None:
    session = session_in_review()
    act(signed_in(UserFactory(role="officer")), session, "claim")
    version = Session.objects.get().version
    answer = act(officer_client, session, "notes", text="Asked for a photograph.\r\nIt comes <soon>.")

    assert answer.status_code == 303 and Session.objects.get().version == version
    assert (Note.objects.get().by, Note.objects.get().text) == (
        officer,
        "Asked for a photograph.\nIt comes <soon>.",
    )
    html = page(officer_client, session)
    assert in_order(html, 'data-kind="note"', "You</b> added a note", "It comes &lt;soon&gt;.")
    assert 'name="timeline" value="note"' in html


def test_a_note_says_something(officer_client: Client) -> None:
    answer = act(officer_client, session_in_review(), "notes", text="  \n ")

    assert answer.status_code == 422 and not Note.objects.exists()
    assert in_order(answer.content.decode(), "The note was not added.", 'href="#note-text"', 'id="note-text"')


def test_a_note_that_is_too_long_is_kept_on_the_page(officer_client: Client) -> None:
    answer = act(officer_client, session_in_review(), "notes", text="word " * 1001)

    assert answer.status_code == 422 and not Note.objects.exists()
    assert "word word word" in answer.content.decode()


def test_it_can_be_written_beside_what_is_decided(officer_client: Client) -> None:
    session = arrive("REJECTED")

    assert act(officer_client, session, "notes", text="The bank called.").status_code == 303
    assert "The bank called." in page(officer_client, session)


def test_who_reads_notes_does_not_write_them(auditor_client: Client, officer_client: Client) -> None:
    session = session_in_review()
    act(officer_client, session, "notes", text="A word.")
    html = page(auditor_client, session)

    assert "A word." in html and "Add note" not in html
    assert act(auditor_client, session, "notes", text="Another.").status_code == 403
    assert Note.objects.count() == 1
