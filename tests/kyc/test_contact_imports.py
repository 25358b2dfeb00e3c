"""Contacts from a CSV file: each row is judged, what is sound is written once, and waiting messages leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from kyc import contacts, ledger
from kyc.choices import ContactSource
from kyc.contacts import Ending
from kyc.models import Contact, LedgerEntry
from notifications.models import Notification
from tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

SUBJECT = "0a1b2c3d-0000-4000-8000-00000000000"
HEAD = "entity_type,subject_id,email,name,language\n"


def table(text: str) -> contacts.Table:
    return contacts.read(text.encode())


def endings(text: str) -> list[str]:
    return [result.ending for result in contacts.plan(table(text))]


def test_rows_are_added_changed_left_and_refused() -> None:
    ContactFactory(subject_id=SUBJECT + "1", email="old@example.test", name="Ana", language="es")
    same = ContactFactory(subject_id=SUBJECT + "2", email="bo@example.test", source=ContactSource.PERSON)
    text = (
        f"{HEAD}user,{SUBJECT}1,ana@example.test,,\nuser,{SUBJECT}2,bo@example.test,,\n"
        f"Related Party,{SUBJECT}3,cy@example.test,Cy,es-MX\nuser,{SUBJECT}4,nowhere,,\n"
    )
    assert endings(text) == ["changed", "unchanged", "added", "refused"]
    assert Contact.objects.count() == 2, "a plan writes nothing"

    done = list(contacts.apply(table(text), by=UserFactory()))
    assert [result.ending for result in done] == ["changed", "unchanged", "added", "refused"]
    # An empty cell leaves what is known.
    ana = Contact.objects.get(subject_id=SUBJECT + "1")
    assert (ana.email, ana.name, ana.language, ana.source) == ("ana@example.test", "Ana", "es", "person")
    cy = Contact.objects.get(subject_id=SUBJECT + "3")
    assert (cy.entity_type, cy.language) == ("related-party", "es")
    assert endings(text) == ["unchanged", "unchanged", "unchanged", "refused"]
    assert same.updated_at == Contact.objects.get(pk=same.pk).updated_at


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (f"company,{SUBJECT}1,a@example.test,,", "entity_type"),
        ("user,not-a-uuid,a@example.test,,", "subject_id"),
        (f"user,{SUBJECT.replace('-', '')}1,a@example.test,,", "subject_id"),
        (f"user,{SUBJECT}1,,,", "email"),
        (f"user,{SUBJECT}1,a@example.test\u2028b@example.test,,", "email"),
        (f'user,{SUBJECT}1,a@example.test,"two\nlines",', "name"),
        (f"user,{SUBJECT}1,a@example.test,{'n' * 201},", "name"),
        (f"user,{SUBJECT}1,a@example.test,,tlh", "language"),
        (f"user,{SUBJECT}1,a@example.test", ""),
    ],
)
def test_a_row_at_fault_says_which_cell_and_not_what_it_holds(row: str, column: str) -> None:
    (result,) = contacts.plan(table(HEAD + row))

    assert result.ending == Ending.REFUSED
    assert [fault.column for fault in result.row.faults] == [column]
    assert all(cell not in fault.words for fault in result.row.faults for cell in row.split(",") if cell)


def test_two_rows_about_one_subject_are_not_guessed_between() -> None:
    rows = f"user,{SUBJECT}1,a@example.test,,\nuser,{SUBJECT.upper()}1,b@example.test,,\n"

    assert endings(HEAD + rows) == ["added", "refused"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"email,name\n",
        b"entity_type,subject_id,email,phone\n",
        b"entity_type,subject_id,email,email\n",
        "entity_type,subject_id,email\n".encode("utf-16"),
        b"entity_type,subject_id,email\n\xff\n",
        b'entity_type,subject_id,email\n"user,1,2\n',
    ],
)
def test_what_is_no_table_is_refused_whole(content: bytes) -> None:
    with pytest.raises(contacts.NotATable):
        contacts.read(content)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_it_reads_what_spreadsheets_write(separator: str) -> None:
    lines = [["email", "subject_id", "entity_type"], ["a@example.test", SUBJECT + "1", "user"], ["", "", ""]]
    text = "\r\n".join(separator.join(line) for line in lines)

    assert [row.faults for row in contacts.read(b"\xef\xbb\xbf" + text.encode()).rows] == [[]]


@given(st.text() | st.text(st.sampled_from('",;\n\r\t user1@.-')))
def test_no_text_breaks_the_reading(text: str) -> None:
    try:
        content = (HEAD + text).encode()
    except UnicodeEncodeError:
        content = text.encode("utf-8", "surrogatepass")
    try:
        rows = contacts.read(content).rows
    except contacts.NotATable:
        return
    assert all(row.faults or row.subject for row in rows)


def test_the_ledger_has_each_row_without_its_data(post_event: Callable[..., Any]) -> None:
    person = UserFactory()
    list(contacts.apply(table(f"{HEAD}user,{SUBJECT}1,ana@example.test,Ana Pérez,es\n"), by=person))
    entry = LedgerEntry.objects.get(action="contact.added")

    assert entry.actor == person
    assert "ana" not in entry.detail.lower() and SUBJECT in entry.detail
    assert list(ledger.verify()) == []


def test_a_message_that_waits_for_the_contact_is_due(
    post_event: Callable[..., Any], payload: Callable[..., dict[str, Any]]
) -> None:
    user_id = str(uuid4())
    post_event(payload("kyc_session_failed.g2", user_id=user_id, at=timezone.now()))
    waiting = Notification.objects.get(kind="verification_failed")
    assert waiting.status == "waiting"

    list(contacts.apply(table(f"{HEAD}user,{user_id},ana@example.test,,\n"), by=None))
    waiting.refresh_from_db()
    assert waiting.status == "pending"


def test_the_command_reports_by_row_and_writes_only_when_told(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(f"{HEAD}user,{SUBJECT}1,ana@example.test,Ana,es\n")
    call_command("import_contacts", file)
    said = capsys.readouterr().out
    assert said == "line 2: added\nDry run, nothing was written. It would be: 1 added.\n"
    assert not Contact.objects.exists()

    call_command("import_contacts", file, "--apply")
    assert capsys.readouterr().out == "line 2: added\n1 added.\n"
    assert Contact.objects.get().email == "ana@example.test"


def test_the_command_fails_when_a_row_is_refused_and_takes_the_others(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(f"{HEAD}user,{SUBJECT}1,secret-word,,\nuser,{SUBJECT}2,bo@example.test,,\n")
    with pytest.raises(CommandError, match="1 added, 1 refused"):
        call_command("import_contacts", file, "--apply")

    assert "secret-word" not in capsys.readouterr().out
    assert Contact.objects.get().email == "bo@example.test"


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_contacts", tmp_path / "nothing.csv")
