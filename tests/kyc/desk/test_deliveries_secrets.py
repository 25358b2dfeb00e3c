"""The panel of secrets: which signed the latest deliveries, and which of today's can be retired without loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kyc.desk import deliveries_secrets
from kyc.desk.deliveries_secrets import secrets
from kyc.ralio.signature import fingerprint
from tests import wire
from tests.factories import DeliveryFactory
from tests.kyc.desk.arrivals import in_order
from tests.kyc.desk.parcels import html, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two(settings: Any) -> None:
    settings.RALIO_WEBHOOK_SECRETS = ["new", "old"]


def signed(secret: str) -> None:
    wire.post(wire.payload("kyc_session_verified"), secret=secret)


def marks(rows: list[deliveries_secrets.Secret]) -> list[str]:
    return [row.fingerprint for row in rows]


def test_each_secret_has_what_it_signed_and_when_last() -> None:
    signed("old"), signed("new"), signed("new")
    new, old = secrets().rows

    assert [(row.fingerprint, row.place, row.n_signed) for row in (new, old)] == [
        (fingerprint("new"), 1, 2),
        (fingerprint("old"), 2, 1),
    ]
    assert new.last_at and old.last_at and new.last_at > old.last_at


def test_one_that_signed_none_of_the_latest_can_be_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    signed("old"), signed("new")
    assert secrets().retirable == []
    monkeypatch.setattr(deliveries_secrets, "MOST", 1)

    assert marks(secrets().retirable) == [fingerprint("old")]


def test_nothing_is_called_unused_before_another_of_today_s_signs(settings: Any) -> None:
    assert secrets().retirable == []
    signed("old")
    settings.RALIO_WEBHOOK_SECRETS = ["new", "newer"]

    assert secrets().retirable == []


def test_nor_while_some_deliveries_do_not_say_who_signed_them() -> None:
    signed("new")
    DeliveryFactory(signed_with="")

    assert secrets().retirable == [] and secrets().n_unmarked == 1


def test_what_the_api_said_is_signed_by_nobody() -> None:
    signed("new")
    DeliveryFactory(source="api")

    assert (secrets().n_looked, secrets().n_unmarked) == (1, 0)


def test_one_that_was_taken_off_is_named(settings: Any) -> None:
    signed("old")
    settings.RALIO_WEBHOOK_SECRETS = ["new"]

    assert [(row.fingerprint, row.place) for row in secrets().rows][1] == (fingerprint("old"), None)


def test_it_costs_one_query(queries: Callable) -> None:
    signed("new")
    with queries(1):
        secrets()


def test_the_panel_says_it_in_words_and_never_the_secret(supervisor_client: Client, settings: Any) -> None:
    settings.RALIO_WEBHOOK_SECRETS = ["very-secret-one", "very-secret-two"]
    post()
    page = " ".join(html(supervisor_client, "/deliveries/").split())

    assert in_order(
        page, "Secrets", fingerprint("very-secret-one"), "number 1 of RALIO_WEBHOOK_SECRETS", "In use."
    )
    assert in_order(
        page, fingerprint("very-secret-two"), "Not seen among the latest 1 deliveries: it can be retired once"
    )
    assert "very-secret" not in page
