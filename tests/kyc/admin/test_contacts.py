"""Contacts and reason codes are edited here; each edit is in the ledger, without personal data."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kyc.choices import ContactSource
from kyc.models import Contact, LedgerEntry
from kyc.review import digest
from kyc.signals import contact_changed
from tests import wire
from tests.factories import ContactFactory
from tests.kyc.admin.conftest import form_of, told, url
from tests.kyc.personal import unmask

SUBJECT = "0a1b2c3d-0000-4000-8000-000000000001"


@pytest.fixture
def heard() -> Any:
    contacts: list[Contact] = []

    def hear(contact: Contact, **kwargs: Any) -> None:
        assert not LedgerEntry.objects.filter(chain="system").exists(), "the ledger is locked last"
        contacts.append(contact)

    contact_changed.connect(hear)
    yield contacts
    contact_changed.disconnect(hear)


def test_a_contact_is_added_by_a_person(admin_client: Client, heard: list[Contact]) -> None:
    posted = {"entity_type": "user", "subject_id": SUBJECT, "name": "Ana Pérez", "email": "ana@example.test"}
    assert admin_client.post(url("kyc.contact", "add"), posted).status_code == 302
    contact, said = Contact.objects.get(), told("contact.added")

    assert (contact.source, contact.email) == (ContactSource.PERSON, "ana@example.test")
    assert heard == [contact]
    assert (said["by"], said["after"]["subject_id"]) == ("admin", SUBJECT)
    assert said["after"]["email"] == digest("ana@example.test")
    assert "ana" not in "".join(LedgerEntry.objects.values_list("detail", flat=True)).lower()


def test_a_person_s_word_outlives_ralio_s(admin_client: Client, heard: list[Contact]) -> None:
    event = wire.payload("related_party.kyc_session_created")
    wire.post(event)
    contact = Contact.objects.get()
    heard.clear()
    unmask(admin_client, contact)
    posted = form_of(admin_client, url(contact), email="new@example.test")
    assert admin_client.post(url(contact), posted).status_code == 302
    wire.post(
        wire.payload(
            "related_party.kyc_session_created",
            related_party_id=contact.subject_id,
            at="2027-01-01T00:00:00Z",
        )
    )
    said, fresh = told("contact.changed"), Contact.objects.get()

    assert (fresh.email, fresh.source, len(heard)) == ("new@example.test", ContactSource.PERSON, 1)
    assert said["before"] == {"email": digest(contact.email), "source": "ralio"}
    assert said["after"] == {"email": digest("new@example.test"), "source": "person"}


def test_a_contact_is_deleted(admin_client: Client) -> None:
    contact = ContactFactory()
    unmask(admin_client, contact)
    assert admin_client.post(url(contact, "delete"), {"post": "yes"}).status_code == 302

    assert not Contact.objects.exists()
    assert told("contact.deleted")["contact"] == str(contact.pk)


def test_a_masked_contact_is_read_without_its_name_and_left_alone(admin_client: Client) -> None:
    contact = ContactFactory()
    page = admin_client.get(url(contact)).content.decode()

    assert (contact.name in page, contact.email in page, "Unmask…" in page) == (False, False, True)
    assert admin_client.post(url(contact), {"name": "Bea", "email": "b@example.test"}).status_code == 403
    assert admin_client.post(url(contact, "delete"), {"post": "yes"}).status_code == 403
    assert admin_client.get(url(contact, "delete")).status_code == 403
    assert Contact.objects.get().name == contact.name


def test_whom_a_contact_is_of_stays(admin_client: Client) -> None:
    contact = ContactFactory()
    unmask(admin_client, contact)
    posted = form_of(admin_client, url(contact), name="Bea") | {
        "subject_id": SUBJECT,
        "entity_type": "related-party",
    }
    admin_client.post(url(contact), posted)
    fresh = Contact.objects.get()

    assert (fresh.name, fresh.subject_id, fresh.entity_type) == ("Bea", contact.subject_id, "user")


def test_a_subject_has_one_contact_and_a_kind(admin_client: Client) -> None:
    contact = ContactFactory()
    for kind, subject in (("user", str(contact.subject_id)), ("unknown", SUBJECT)):
        answer = admin_client.post(url("kyc.contact", "add"), {"entity_type": kind, "subject_id": subject})
        assert answer.status_code == 200
        assert answer.context["errors"]
    assert Contact.objects.count() == 1


def test_names_and_addresses_stay_out_of_the_list(admin_client: Client) -> None:
    contact = ContactFactory()
    page = admin_client.get(url("kyc.contact", "changelist")).content.decode()

    assert str(contact.subject_id) in page
    assert contact.name not in page
    assert contact.email not in page


def test_whom_a_person_enters_again_is_not_erased_any_more(admin_client: Client) -> None:
    contact = ContactFactory(subject_id=SUBJECT, name="", email="", erased_at=timezone.now())
    unmask(admin_client, contact)
    posted = form_of(admin_client, url(contact), email="new@example.test")
    assert admin_client.post(url(contact), posted).status_code == 302
    contact.refresh_from_db()
    assert (contact.email, contact.erased_at) == ("new@example.test", None)
