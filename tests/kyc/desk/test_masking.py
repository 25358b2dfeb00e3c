"""Personal data is hidden from auditors and admins until they unmask it, and their pages keep their shape meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import travel

from kyc.models import Contact, Delivery, RefusedRequest, Session, User
from tests import wire
from tests.conftest import signed_in
from tests.kyc.personal import NAME, everything_about_somebody, text_of, told_in, unmask
from tests.security.addresses import everything

pytestmark = pytest.mark.django_db

# Where a supervisor, from whom nothing is masked and who opens the admin too, is told who somebody is.
SHOWN = {
    "session",
    "session-delivery",
    "delivery",
    "delivery-raw",
    "refused-request",
    "refused-request-raw",
    "admin:kyc_check_change",
    "admin:kyc_contact_change",
    "admin:kyc_correction_change",
    "admin:kyc_delivery_change",
    "admin:kyc_refusedrequest_change",
    "admin:notifications_notification_preview",
    "admin:notifications_notification_preview_html",
}


@pytest.fixture
def session(admin: User) -> Session:
    return everything_about_somebody(admin)


def telling(client: Client) -> set[str]:
    """Return the addresses whose pages tell who somebody is."""
    return {
        address.name for address in everything() if told_in(text_of(client.get(address.path, follow=True)))
    }


@pytest.mark.walk
def test_every_page_hides_it_from_auditors_and_admins(
    session: Session, supervisor_client: Client, auditor_client: Client, admin_client: Client
) -> None:
    assert telling(supervisor_client) >= SHOWN
    assert telling(auditor_client) == set()
    assert telling(admin_client) == set()


@pytest.mark.walk
def test_what_is_unmasked_is_shown_as_it_is(session: Session, auditor_client: Client) -> None:
    for row in (
        session,
        Contact.objects.get(),
        RefusedRequest.objects.get(),
        Delivery.objects.earliest("pk"),
    ):
        assert unmask(auditor_client, row).status_code == 303

    assert telling(auditor_client) >= SHOWN


def test_a_masked_page_keeps_names_and_shapes(session: Session, auditor_client: Client) -> None:
    page = text_of(auditor_client.get(f"/sessions/{session.pk}/"))

    assert '<span class="k">fullName</span><span class="m">: </span><span class="m">••••••</span>' in page
    assert '<span class="k">document</span> <span class="m">{2}</span>' in page
    assert "3 fields of its data changed" in page
    assert "LOW_CONFIDENCE" in page
    assert "Utopian" not in page
    assert "Personal data is masked" in page


def test_officers_and_supervisors_are_shown_it(
    session: Session, officer_client: Client, supervisor_client: Client
) -> None:
    for client in (officer_client, supervisor_client):
        page = text_of(client.get(f"/sessions/{session.pk}/"))
        assert NAME in page
        assert "Personal data is masked" not in page


def test_exact_bytes_are_refused_with_words_that_say_how(session: Session, auditor_client: Client) -> None:
    delivery, request = session.deliveries.earliest("pk"), RefusedRequest.objects.get()
    for address in (
        f"/sessions/{session.pk}/deliveries/{delivery.pk}/",
        f"/deliveries/{delivery.pk}/raw/",
        f"/deliveries/refused/{request.pk}/raw/",
    ):
        answer = auditor_client.get(address)
        assert answer.status_code == 403
        assert "Why do you need to see it?" in text_of(answer)


def test_bytes_that_are_no_json_are_hidden_whole(auditor_client: Client, supervisor_client: Client) -> None:
    wire.post(f"no json about {NAME}".encode())
    address = f"/deliveries/{Delivery.objects.get().pk}/"

    assert NAME in text_of(supervisor_client.get(address))
    assert NAME not in text_of(auditor_client.get(address))


def test_it_is_masked_again_when_the_time_is_over(session: Session, auditor_client: Client) -> None:
    address = f"/sessions/{session.pk}/"
    unmask(auditor_client, session)
    assert NAME in text_of(auditor_client.get(address))

    with travel(timezone.now() + timedelta(minutes=16), tick=False):
        assert NAME not in text_of(auditor_client.get(address))


def test_a_grant_is_one_person_s_in_one_sign_in_and_ends_with_the_role(
    session: Session, auditor: User, auditor_client: Client, admin_client: Client
) -> None:
    address = f"/sessions/{session.pk}/"
    unmask(auditor_client, session)

    assert NAME not in text_of(admin_client.get(address))
    assert NAME not in text_of(signed_in(auditor).get(address))
    kept = auditor_client.session
    kept["unmasked"] = kept["unmasked"] | {"person": 0}
    kept.save()
    assert NAME not in text_of(auditor_client.get(address))


def test_masking_costs_no_query(
    session: Session, supervisor_client: Client, auditor_client: Client, queries: Any
) -> None:
    address = f"/deliveries/{session.deliveries.earliest('pk').pk}/"
    for client in (supervisor_client, auditor_client):
        # The first entry of a person's chain takes another way.
        client.get(address)
    with CaptureQueriesContext(connection) as plain:
        supervisor_client.get(address)
    n_plain = len(plain)
    with queries(n_plain):
        auditor_client.get(address)
    unmask(auditor_client, session)
    with queries(n_plain):
        auditor_client.get(address)
