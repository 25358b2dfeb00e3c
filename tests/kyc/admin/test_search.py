"""Searches find by whole ids and by their beginnings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Model
from django.test import Client

from kyc import ledger
from kyc.admin.search import uuid_range
from kyc.models import Session, User
from tests import factories, wire
from tests.kyc.admin.conftest import url

OTHER = UUID(int=1)


def found(client: Client, label: str, term: object) -> list[Any]:
    answer = client.get(url(label, "changelist"), {"q": str(term)})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


@pytest.fixture
def another(db: None) -> None:
    """Rows about somebody else, which no search here means."""
    wire.post(wire.payload("kyc_session_manual_review", session_id=OTHER, user_id=OTHER))
    factories.ContactFactory(subject_id=OTHER)


def test_a_range_holds_what_begins_so() -> None:
    whole = uuid4()

    assert uuid_range(str(whole)) == (whole, whole)
    assert uuid_range(str(whole).upper()) == (whole, whole)
    first, last = uuid_range(str(whole)[:13]) or (OTHER, OTHER)
    assert first <= whole <= last
    assert last.int - first.int == 16**20 - 1
    assert uuid_range("1234567") is uuid_range("not hexadecimal") is uuid_range("0" * 33) is None


@pytest.mark.parametrize(
    "label", ["kyc.session", "kyc.delivery", "kyc.check", "kyc.reason", "kyc.correction", "kyc.decision"]
)
def test_the_session_s_id_finds_what_is_about_it(
    admin_client: Client, another: None, session: Session, row_of: Callable[[str], Model], label: str
) -> None:
    for term in (session.pk, str(session.pk)[:8], session.pk.hex[:12].upper(), f" {session.pk} "):
        rows = found(admin_client, label, term)
        assert rows
        assert {getattr(row, "session_id", session.pk) for row in rows} == {session.pk}


def test_the_subject_s_id_finds_sessions_records_and_contacts(
    admin_client: Client, supervisor_client: Client, another: None
) -> None:
    user = uuid4()
    wire.post(wire.payload("kyc_session_manual_review", user_id=user))
    wire.post(wire.payload("kyc_state_updated", user_id=user))
    factories.ContactFactory(subject_id=user, email="Ana@Example.test")

    assert [row.user_id for row in found(admin_client, "kyc.session", user)] == [user]
    assert [row.status for row in found(admin_client, "kyc.delivery", user)] == ["recorded"]
    assert [row.subject_id for row in found(admin_client, "kyc.contact", str(user)[:9])] == [user]
    assert [row.subject_id for row in found(supervisor_client, "kyc.contact", "ana@example.test")] == [user]
    assert found(admin_client, "kyc.contact", "ana@example.test") == []


@pytest.mark.parametrize(
    "filtered",
    [
        "contact/?email__startswith=a",
        "contact/?name__contains=a",
    ],
)
def test_no_list_is_filtered_by_what_is_masked(
    admin_client: Client, supervisor_client: Client, filtered: str
) -> None:
    assert admin_client.get(f"/admin/kyc/{filtered}").status_code == 400
    assert supervisor_client.get(f"/admin/kyc/{filtered}").status_code != 400


@pytest.mark.parametrize(
    "filtered",
    [
        "check/?data__contains=a",
        "correction/?old__contains=a",
        "delivery/?body__contains=a",
        "refusedrequest/?body__contains=a",
    ],
)
def test_no_list_is_filtered_by_what_has_no_end(
    admin_client: Client, supervisor_client: Client, filtered: str
) -> None:
    for client in (admin_client, supervisor_client):
        assert client.get(f"/admin/kyc/{filtered}").status_code == 400


def test_deliveries_are_found_by_event_and_by_digest(admin_client: Client, another: None) -> None:
    event = wire.payload("kyc_session_manual_review")
    wire.post(event)
    wire.post(event | {"timestamp": "2026-01-01T00:00:00Z"})
    wire.post(b"not json")
    events = {row.status for row in found(admin_client, "kyc.delivery", event["id"])}
    (unreadable,) = found(admin_client, "kyc.delivery", "7d9bb2c1a2b5ab1b6f8ea2a8bb7c9d6b" + "0" * 32) or [
        None
    ]

    assert events == {"applied", "quarantined"}
    assert unreadable is None
    digest = factories.models.Delivery.objects.get(cause="not_json").sha256
    assert [row.cause for row in found(admin_client, "kyc.delivery", digest.upper())] == ["not_json"]


def test_the_ledger_is_found_by_chain_and_by_person(
    admin_client: Client, admin: User, another: None, session: Session
) -> None:
    chain = ledger.session_chain(session.pk)

    assert {entry.chain for entry in found(admin_client, "kyc.ledgerentry", str(session.pk)[:8])} == {chain}
    assert {entry.chain for entry in found(admin_client, "kyc.ledgerentry", chain)} == {chain}
    assert {entry.actor_id for entry in found(admin_client, "kyc.ledgerentry", admin.username)} == {admin.pk}
    assert [head.chain for head in found(admin_client, "kyc.ledgerhead", "system")] == []
    assert [head.chain for head in found(admin_client, "kyc.ledgerhead", f"person:{admin.pk}")] == [
        f"person:{admin.pk}"
    ]


def test_the_filters_keep_to_their_words(admin_client: Client, another: None, session: Session) -> None:
    wire.post(b"not json")
    for query, n_rows in (
        ({"state__exact": "REVIEW"}, 2),
        ({"state__exact": "EXPIRED"}, 0),
        ({"in_review": "disputed"}, 0),
        ({"in_review": "unknown"}, 0),
        ({"in_review": "perhaps"}, 2),
    ):
        assert admin_client.get(url("kyc.session", "changelist"), query).context["cl"].result_count == n_rows
    for query, n_rows in (
        ({"cause": "not_json"}, 1),
        ({"cause": "?"}, 3),
        ({"status__exact": "quarantined"}, 1),
    ):
        assert admin_client.get(url("kyc.delivery", "changelist"), query).context["cl"].result_count == n_rows
