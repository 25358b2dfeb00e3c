"""A refused request is verified again against today's secrets, and becomes a delivery if its signature holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from kyc import ledger, refusals, replaying
from kyc.exceptions import ReplayForbidden
from kyc.models import Delivery, LedgerEntry, RefusedRequest, Session, User
from kyc.ralio import signature
from kyc.replaying import Ending
from tests import wire
from tests.kyc import mending
from tests.kyc.mending import OLD_SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def mended(settings: Any) -> list[str]:
    """The secrets once the missing one is put back, for a test to set."""
    return [*settings.RALIO_WEBHOOK_SECRETS, OLD_SECRET]


def test_it_becomes_a_delivery_received_when_it_came(
    settings: Any, mended: list[str], supervisor: User
) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    result = replaying.apply_refused(refused.pk, by=supervisor)

    delivery = Delivery.objects.get()
    assert (result.ending, result.delivery, result.was) == (Ending.APPLIED, delivery, None)
    assert Session.objects.get().state == "REJECTED"
    assert delivery.received_at == refused.received_at
    assert delivery.headers == refused.headers
    assert (delivery.signed_with, bytes(delivery.body)) == (
        signature.fingerprint(OLD_SECRET),
        bytes(refused.body),
    )
    assert RefusedRequest.objects.get().delivery == delivery


def test_it_is_in_the_ledger(settings: Any, mended: list[str], supervisor: User) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    replaying.apply_refused(refused.pk, by=supervisor)

    entry = LedgerEntry.objects.get(action="refused_request.replayed")
    delivery = Delivery.objects.get()
    assert entry.actor == supervisor
    assert json.loads(entry.detail) == {
        "refused_request": refused.pk,
        "delivery": delivery.pk,
        "event": str(delivery.event_id),
        "session": str(delivery.session_id),
        "after": {"status": "applied", "cause": ""},
    }
    assert list(ledger.verify()) == []


def test_a_second_time_changes_nothing(settings: Any, mended: list[str]) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    replaying.apply_refused(refused.pk, by=None)
    before = mending.everything()
    again = replaying.apply_refused(refused.pk, by=None)

    assert (again.ending, again.delivery) == (Ending.NOTHING_TO_DO, Delivery.objects.get())
    assert mending.everything() == before


def test_what_came_again_signed_well_is_linked_to_that(settings: Any, mended: list[str]) -> None:
    event = wire.payload("kyc_session_failed.g2")
    refused = mending.refused(event)
    settings.RALIO_WEBHOOK_SECRETS = mended
    wire.post(event)
    session = Session.objects.values().get()
    result = replaying.apply_refused(refused.pk, by=None)

    delivery = Delivery.objects.get()
    assert (result.ending, result.is_well, delivery.n_repeats) == (Ending.KEPT_ALREADY, True, 1)
    assert result.advice == f"The same event is kept already, as delivery {delivery.pk}."
    assert RefusedRequest.objects.get().delivery == delivery
    assert Session.objects.values().get() == session


def test_a_signature_that_does_not_hold_is_left(settings: Any) -> None:
    wrong = mending.refused(wire.payload("kyc_session_failed.g2"))
    wire.post(wire.payload("kyc_session_failed.g2"), signature="")
    missing = RefusedRequest.objects.latest("pk")
    before = mending.everything()
    results = [replaying.apply_refused(row.pk, by=None) for row in (wrong, missing)]

    assert {result.ending for result in results} == {Ending.NOT_SIGNED}
    assert "none of today's secrets" in results[0].advice
    assert "without a signature" in results[1].advice
    assert mending.everything() == before


def test_what_was_too_large_has_no_body_to_verify(settings: Any) -> None:
    settings.RALIO_WEBHOOK_MAX_BYTES = 100
    assert wire.post(wire.payload("kyc_session_failed.g2")).status_code == 413
    result = replaying.apply_refused(RefusedRequest.objects.get().pk, by=None)

    assert (result.ending, result.is_well) == (Ending.NO_BODY, False)
    assert "its body was not kept" in result.advice


def test_what_the_ring_dropped_is_gone(settings: Any, mended: list[str]) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    settings.RALIO_REFUSED_MAX_ROWS = 0
    refusals.trim()

    for result in (replaying.plan_refused(refused.pk), replaying.apply_refused(refused.pk, by=None)):
        assert (result.ending, result.delivery) == (Ending.GONE, None)
    assert not Delivery.objects.exists()


def test_the_ring_may_drop_it_once_it_is_a_delivery(settings: Any, mended: list[str]) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    replaying.apply_refused(refused.pk, by=None)
    settings.RALIO_REFUSED_MAX_ROWS = 0
    refusals.trim()

    assert not RefusedRequest.objects.exists()
    assert Delivery.objects.get().status == "applied"


def test_what_is_signed_and_unreadable_is_quarantined(settings: Any, mended: list[str]) -> None:
    refused = mending.refused(b'{"id": 1}')
    settings.RALIO_WEBHOOK_SECRETS = mended
    result = replaying.apply_refused(refused.pk, by=None)

    assert (result.ending, result.is_well) == (Ending.QUARANTINED, False)
    assert RefusedRequest.objects.get().delivery == Delivery.objects.get(status="quarantined")


def test_only_who_may_replay_does(
    settings: Any, mended: list[str], officer: User, admin_client: Client
) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = mended
    with pytest.raises(ReplayForbidden):
        replaying.apply_refused(refused.pk, by=officer)

    assert not Delivery.objects.exists()
