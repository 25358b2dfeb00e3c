"""What belongs to somebody else, or lies under something else, is not found by its number, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from kyc.models import Delivery, SavedView, User
from notifications.models import Preference
from tests import wire
from tests.conftest import signed_in
from tests.factories import SavedViewFactory, UserFactory
from tests.kyc import scene
from tests.security.addresses import of_all_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def victim(db: None) -> User:
    return UserFactory(username="victim", role="supervisor")


@pytest.fixture
def other(db: None) -> Client:
    return signed_in(of_all_roles("other"))


def test_a_view_of_somebody_else_s(victim: User, other: Client) -> None:
    view = SavedViewFactory(owner=victim, name="Private")
    assert other.post(reverse("queue-view-delete", args=[view.pk])).status_code == 404
    assert "Private" not in other.get("/queue/").content.decode()
    assert SavedView.objects.get() == view


def test_a_sign_in_of_somebody_else_s(victim: User, other: Client) -> None:
    theirs = signed_in(victim)
    row = UserSession.objects.get(user=victim)
    assert (
        reverse("account_sessions_end", args=[row.pk]) not in other.get("/account/sessions/").content.decode()
    )
    other.post(reverse("account_sessions_end", args=[row.pk]))
    other.post(reverse("account_sessions_end_others"))
    assert theirs.get("/queue/").status_code == 200
    assert UserSession.objects.get(user=victim) == row


def test_a_passkey_of_somebody_else_s(victim: User, other: Client) -> None:
    key = Authenticator.objects.create(
        user=victim, type=Authenticator.Type.WEBAUTHN, data={"name": "Theirs", "credential": {}}
    )
    assert "Theirs" not in other.get(reverse("mfa_index")).content.decode()
    address = reverse("mfa_remove_webauthn", args=[key.pk])
    assert other.post(address).status_code == 404
    assert Authenticator.objects.get() == key


def test_how_somebody_else_wants_to_hear(victim: User, other: Client) -> None:
    form = {"review_opened": "never", "person": victim.pk, "user": victim.pk}
    other.post(f"/notifications/preferences/?person={victim.pk}", form)
    assert not Preference.objects.filter(person=victim).exists()


def test_a_delivery_under_another_session_than_its_own(other: Client) -> None:
    """Nor one that is no session's, such as what nobody could read."""
    one, two = scene.in_review(), scene.in_review()
    wire.post(b"not json")
    at = one.last_event_at + timedelta(minutes=1)
    wire.post(wire.payload("kyc_state_updated", user_id=one.user_id, at=at))
    # A record event is its subject's, and shown with each of their sessions.
    record = Delivery.objects.latest("pk")
    for delivery in Delivery.objects.all():
        for session in (one, two):
            answer = other.get(reverse("session-delivery", args=[session.pk, delivery.pk]))
            is_its_own = delivery.session_id == session.pk or (delivery == record and session == one)
            assert answer.status_code == (200 if is_its_own else 404), delivery


# What an officer reaches by one door stays closed by the others.
CLOSED_TO_OFFICERS = ("deliveries", "ledger", "ledger-seals", "ledger-export", "privacy")


@pytest.mark.parametrize("name", CLOSED_TO_OFFICERS)
def test_a_list_that_is_closed_tells_no_htmx_either(name: str) -> None:
    client, session = signed_in(UserFactory(role="officer")), scene.in_review()
    for headers in ({}, {"HX-Request": "true"}, {"X-Requested-With": "XMLHttpRequest"}):
        answer: Any = client.get(reverse(name), {"q": str(session.pk)}, headers=headers)
        assert answer.status_code == 403
        assert str(session.pk) not in answer.content.decode()
