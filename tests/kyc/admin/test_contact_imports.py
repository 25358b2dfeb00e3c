"""Contacts are imported in the admin: a dry run by row, then the same again for good."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kyc.models import Contact, LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db

PAGE = "/admin/kyc/contact/import/"
LIST = "/admin/kyc/contact/"
SUBJECT = "0a1b2c3d-0000-4000-8000-00000000000"
TEXT = (
    "entity_type,subject_id,email,name,language\n"
    f'user,{SUBJECT}1,ana@example.test,"Pérez, ""Ana""",es\nuser,{SUBJECT}2,nowhere,,\n'
)


def chosen(text: str = TEXT) -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile("contacts.csv", text.encode())}


def test_the_list_leads_to_it_for_who_may(admin_client: Client, supervisor_client: Client) -> None:
    assert PAGE in admin_client.get(LIST).content.decode()
    assert PAGE not in supervisor_client.get(LIST).content.decode()
    assert supervisor_client.get(PAGE).status_code == 403
    assert supervisor_client.post(PAGE, chosen()).status_code == 403


def test_it_shows_what_each_row_would_become_and_writes_nothing(admin_client: Client) -> None:
    answer = admin_client.post(PAGE, chosen())
    html = answer.content.decode()

    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert "This is a dry run: nothing has been written. Added: 1, Refused: 1." in html
    assert html.index("This is not an e-mail address.") < html.index(f"{SUBJECT}1"), "faults come first"
    assert 'value="Import 1 contact"' in html
    assert not Contact.objects.exists()


def test_the_second_request_imports_what_was_shown(admin_client: Client) -> None:
    html = admin_client.post(PAGE, chosen()).content.decode()
    text = unescape(re.search(r'name="text" value="(.*?)"', html, re.DOTALL)[1])
    answer = admin_client.post(PAGE, {"text": text, "apply": "Import"}, follow=True)

    assert "1 contact imported. 1 row refused." in answer.content.decode()
    contact = Contact.objects.get()
    assert (contact.name, contact.email, contact.language) == ('Pérez, "Ana"', "ana@example.test", "es")
    assert LedgerEntry.objects.get(action="contact.added").actor.username == "admin"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The submitted file is empty."),
        ("name\nAna\n", "Missing: entity_type, subject_id, email."),
        pytest.param(
            "entity_type,subject_id,email\n" + "x,y,z\n" * 2001, "takes 2000 rows", id="too many rows"
        ),
        pytest.param("x" * (512 * 1024 + 1), "takes 2000 rows", id="too long a file"),
    ],
)
def test_what_it_cannot_take_is_said(admin_client: Client, text: str, words: str) -> None:
    answer = admin_client.post(PAGE, chosen(text))

    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_without_a_file_it_asks_for_one(admin_client: Client) -> None:
    assert "Choose a file." in admin_client.post(PAGE, {}).content.decode()


@pytest.mark.parametrize("typed", ["ana@example.test", "bea@example.test"])
def test_it_confirms_no_guess_to_whom_addresses_are_masked(admin_client: Client, typed: str) -> None:
    contact = ContactFactory(entity_type="user", subject_id=f"{SUBJECT}1", email="ana@example.test", name="")
    text = f"entity_type,subject_id,email\nuser,{SUBJECT}1,{typed}\n"
    html = admin_client.post(PAGE, chosen(text)).content.decode()
    assert "nothing has been written. Known already: 1." in html
    assert "Unchanged" not in html and "Changed" not in html and 'value="Import 1 contact"' in html

    answer = admin_client.post(PAGE, {"text": text, "apply": "Import"}, follow=True)
    assert "1 contact imported." in answer.content.decode()
    contact.refresh_from_db()
    assert contact.email == typed


def test_to_who_sees_addresses_it_says_which_would_change(admin_client: Client, admin: User) -> None:
    admin.groups.add(Group.objects.get(name="supervisor"))
    ContactFactory(entity_type="user", subject_id=f"{SUBJECT}1", email="ana@example.test", name="")
    text = f"entity_type,subject_id,email\nuser,{SUBJECT}1,ana@example.test\n"
    html = signed_in(admin).post(PAGE, chosen(text)).content.decode()
    assert "Unchanged: 1." in html and "Import 1 contact" not in html
