"""Each seal of the ledger is mailed out of the house, to where nobody at the desk can change it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from kyc import ledger, sealing
from kyc.models import LedgerEntry, Seal
from notifications.choices import Kind, Status
from notifications.models import Notification
from notifications.sending import send_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(settings: Any) -> Seal:
    sealing.seal()
    settings.KYC_SEAL_EMAILS = ["notary@example.test", "Archive@example.test", "archive@example.test"]
    seal = sealing.seal()
    assert seal is not None
    return seal


def test_it_goes_to_each_address_once(made: Seal) -> None:
    send_due()

    assert sorted(each.to[0] for each in mail.outbox) == ["Archive@example.test", "notary@example.test"]
    rows = Notification.objects.filter(kind=Kind.LEDGER_SEALED, occasion="seal 2", session=None)
    assert {row.status for row in rows} == {Status.SENT} and rows.count() == 2


def test_it_holds_the_hash_and_how_to_compare_it(made: Seal) -> None:
    send_due()
    sent = mail.outbox[0]
    html = str(sent.alternatives[0].content)

    assert sent.subject.startswith("Ledger seal 2, made ")
    for text in (sent.body, html):
        assert made.hash in text and made.previous_hash in text
        assert f"manage.py verify_ledger --seal 2={made.hash}" in text
        assert f"python -I verify.py --seal 2={made.hash}" in text
    # Nothing in it asks its reader to trust a link.
    assert not re.search(r"<a\s", html)
    assert not list(ledger.verify(mailed={2: made.hash}))


def test_in_spanish_it_is_the_same(made: Seal, settings: Any) -> None:
    settings.LANGUAGE_CODE = "es"
    send_due()

    assert mail.outbox[0].subject.startswith("Sello 2 del registro")
    assert made.hash in mail.outbox[0].body and "Keep this message" not in mail.outbox[0].body


def test_all_seals_are_one_thread(made: Seal) -> None:
    sealing.seal()
    send_due()

    assert len({each.extra_headers["References"] for each in mail.outbox}) == 1
    assert len({each.extra_headers["Message-ID"] for each in mail.outbox}) == 4


def test_the_ledger_tells_of_it_without_an_address(made: Seal) -> None:
    entry = LedgerEntry.objects.get(chain=ledger.SYSTEM, action="notification.created")

    assert '"seal":2' in entry.detail and "example.test" not in entry.detail


def test_without_an_address_it_goes_nowhere(settings: Any) -> None:
    settings.KYC_SEAL_EMAILS = []
    assert sealing.seal() and not Notification.objects.exists()


def test_its_pages_open_and_the_filters_know_it(
    made: Seal, supervisor_client: Client, admin_client: Client
) -> None:
    row = Notification.objects.filter(kind=Kind.LEDGER_SEALED)[0]

    page = supervisor_client.get(f"/notifications/{row.pk}/").content.decode()
    assert "the keeper of the seals" in page and "the ledger" in page and "notary@" not in page
    for query, n_found in (("whom=keepers", 2), ("whom=desk", 0), ("whom=desk&whom=keepers", 2)):
        listed = supervisor_client.get(f"/notifications/?{query}").content.decode()
        assert listed.count('class="qrow"') == n_found, query
    assert admin_client.get(f"/admin/notifications/notification/{row.pk}/change/").status_code == 200
    assert admin_client.get(f"/admin/notifications/notification/{row.pk}/preview/").status_code == 200
