"""Unmasking is an act: with a reason, by who may, for one thing, and in the ledger on both chains."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from kyc.ledger import person_chain, session_chain, verify
from kyc.models import Contact, LedgerEntry, RefusedRequest, Session, User
from tests.factories import SessionFactory
from tests.kyc.personal import NAME, REASON, SECRETS, everything_about_somebody, somebody, text_of, unmask

pytestmark = pytest.mark.django_db


def said(chain: str, action: str = "personal_data.unmasked") -> list[dict[str, Any]]:
    entries = LedgerEntry.objects.filter(chain=chain, action=action).order_by("seq")
    return [json.loads(detail) for detail in entries.values_list("detail", flat=True)]


@pytest.fixture
def session(db: None) -> Session:
    return somebody()


def test_it_is_on_the_person_s_chain_and_the_session_s(
    session: Session, auditor: User, auditor_client: Client
) -> None:
    answer = unmask(auditor_client, session)

    detail = {"session": str(session.pk), "minutes": 15, "reason": REASON}
    assert (answer.status_code, answer["Location"]) == (303, f"/sessions/{session.pk}/")
    assert said(person_chain(auditor)) == said(session_chain(session.pk)) == [detail]
    assert not list(verify())


def test_each_kind_is_named_in_the_ledger(admin: User, admin_client: Client) -> None:
    session = everything_about_somebody(admin)
    delivery = session.deliveries.earliest("pk")
    for row in (delivery, RefusedRequest.objects.get(), Contact.objects.get()):
        unmask(admin_client, row)

    told = [
        {k: v for k, v in each.items() if k not in ("reason", "minutes")}
        for each in said(person_chain(admin))
    ]
    assert told == [
        {"session": str(session.pk), "delivery": delivery.pk},
        {"refused_request": RefusedRequest.objects.get().pk},
        {"contact": Contact.objects.get().pk},
    ]
    assert not any(
        secret in detail
        for secret in SECRETS
        for detail in LedgerEntry.objects.values_list("detail", flat=True)
    )


@pytest.mark.parametrize("reason", ["", "too short", "  short    ", "mail of somebody@example.test please"])
def test_without_a_sound_reason_nothing_is_shown(
    session: Session, auditor: User, auditor_client: Client, reason: str
) -> None:
    answer = unmask(auditor_client, session, reason)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in text_of(answer)
    assert reason.strip() in text_of(answer)
    assert said(person_chain(auditor)) == []
    assert NAME not in text_of(auditor_client.get(f"/sessions/{session.pk}/"))


def test_one_session_opens_no_other(session: Session, auditor_client: Client) -> None:
    other = somebody()
    unmask(auditor_client, session)

    assert NAME in text_of(auditor_client.get(f"/sessions/{session.pk}/"))
    assert NAME not in text_of(auditor_client.get(f"/sessions/{other.pk}/"))
    assert auditor_client.get(f"/deliveries/{other.deliveries.earliest('pk').pk}/raw/").status_code == 403


def test_a_session_s_deliveries_are_open_with_it_and_a_delivery_alone_opens_itself(
    session: Session, auditor_client: Client, admin_client: Client
) -> None:
    delivery = session.deliveries.earliest("pk")
    unmask(auditor_client, session)
    unmask(admin_client, delivery)

    assert auditor_client.get(f"/deliveries/{delivery.pk}/raw/").content == bytes(delivery.body)
    assert admin_client.get(f"/deliveries/{delivery.pk}/raw/").content == bytes(delivery.body)
    assert NAME not in text_of(admin_client.get(f"/sessions/{session.pk}/"))


def test_it_is_masked_again_by_hand(session: Session, auditor: User, auditor_client: Client) -> None:
    delivery = session.deliveries.earliest("pk")
    unmask(auditor_client, session)
    assert "Unmasked for you until" in text_of(auditor_client.get(f"/deliveries/{delivery.pk}/"))
    unmask(auditor_client, delivery, mask="1")

    assert NAME not in text_of(auditor_client.get(f"/deliveries/{delivery.pk}/"))
    assert len(said(person_chain(auditor), "personal_data.masked")) == 1
    unmask(auditor_client, delivery, mask="1")
    assert len(said(person_chain(auditor), "personal_data.masked")) == 1


@pytest.mark.parametrize("role", ["officer", "supervisor", "outsider"])
def test_others_have_nothing_to_unmask(session: Session, request: pytest.FixtureRequest, role: str) -> None:
    client = request.getfixturevalue(f"{role}_client")

    assert unmask(client, session).status_code == 403
    assert client.get(f"/sessions/{session.pk}/unmask/").status_code == 403
    assert not LedgerEntry.objects.filter(action="personal_data.unmasked").exists()


def test_a_role_that_neither_sees_nor_unmasks_is_refused(session: Session, outsider: User) -> None:
    guests = Group.objects.create(name="guests")
    guests.permissions.set(Permission.objects.filter(codename="view_session", content_type__app_label="kyc"))
    outsider.groups.add(guests)
    client = Client()
    client.force_login(outsider)
    page = text_of(client.get(f"/sessions/{session.pk}/"))

    assert NAME not in page
    assert "Your role does not read it." in page
    answer = client.get(f"/sessions/{session.pk}/deliveries/{session.deliveries.earliest('pk').pk}/")
    assert (answer.status_code, "which your role does not see" in text_of(answer)) == (403, True)


def test_it_goes_back_to_where_it_was_asked_and_nowhere_else(auditor_client: Client) -> None:
    session = SessionFactory()
    for page, expected in (
        ("/admin/kyc/check/1/change/?x=1", "/admin/kyc/check/1/change/?x=1"),
        ("https://elsewhere.test/", f"/sessions/{session.pk}/"),
        ("//elsewhere.test/", f"/sessions/{session.pk}/"),
    ):
        assert unmask(auditor_client, session, next=page)["Location"] == expected
        asked = auditor_client.get(f"/sessions/{session.pk}/unmask/", {"next": page})
        assert f'name="next" value="{expected}"' in text_of(asked)


def test_no_more_than_fifty_grants_are_kept(auditor_client: Client) -> None:
    sessions = SessionFactory.create_batch(52)
    for session in sessions:
        unmask(auditor_client, session)

    kept = auditor_client.session["unmasked"]["places"]
    assert set(kept) == {f"session:{session.pk}" for session in sessions[2:]}
