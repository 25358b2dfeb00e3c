"""What Ralio hears of a signed request, and what is kept of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client

from kyc.choices import DeliveryStatus, QuarantineCause, SessionState
from kyc.models import Contact, Delivery, ReasonCode, Session
from kyc.models.deliveries import OWNS_EVENT_ID, UNREADABLE
from kyc.ralio import events
from tests import wire

pytestmark = pytest.mark.django_db

APPLIED = {
    "kyc_session_failed.g2": SessionState.REJECTED,
    "kyc_session_manual_review.g1": SessionState.REVIEW,
    "kyc_session_verified.g2": SessionState.VERIFIED,
    "kyc_session_expired.g1": SessionState.EXPIRED,
    "related_party.kyc_session_created.g3": SessionState.NOT_STARTED,
}
# What the reader said of a body before it was mended.
NOT_READ = events.read(b"{")
RECORDED = {"kyc_state_updated.g2", "kyc_expiration_warning.g2", "kyb_state_updated.g3"}


@pytest.mark.parametrize("name", wire.names())
def test_every_example_is_taken(name: str) -> None:
    response = wire.post(wire.payload(name))

    assert (response.status_code, response.json()) == (200, {"received": True})
    delivery = Delivery.objects.get()
    if name in APPLIED:
        assert (delivery.status, delivery.session.state) == (DeliveryStatus.APPLIED, APPLIED[name])
    else:
        expected = DeliveryStatus.RECORDED if name in RECORDED else DeliveryStatus.IGNORED
        assert delivery.status == expected
        assert not Session.objects.exists()


def test_a_rejection_stands_with_its_reason_and_the_bytes() -> None:
    event = wire.payload("kyc_session_failed")
    wire.post(event)

    session = Session.objects.get(pk=event["data"]["sessionId"])
    (reason,) = session.rejection_reasons.all()
    assert (reason.code, reason.category, reason.is_earlier) == ("KYC.DOC.DETERIORATED", "DOC", False)
    assert bytes(session.deliveries.get().body) == wire.encode(event)
    assert ReasonCode.objects.get().code == "KYC.DOC.DETERIORATED"


def test_each_code_and_category_of_a_rejection_is_marked_where_it_first_stands() -> None:
    reasons = [{"code": "A", "category": "DOC"}, {"code": "B", "category": "DOC"}, {"code": "A"}]
    wire.post(wire.payload("kyc_session_failed", checks=[{"type": "t", "reasons": reasons}]))

    marks = Session.objects.get().rejection_reasons.values_list("is_first_of_code", "is_first_of_category")
    assert list(marks) == [(True, True), (True, False), (False, True)]


def test_a_review_is_due_and_can_be_found_by_what_it_holds() -> None:
    event = wire.payload("kyc_session_manual_review")
    wire.post(event)

    session = Session.objects.get()
    assert (session.due_at - session.state_since).total_seconds() == 24 * 3600
    assert (session.n_checks, session.n_refused) == (2, 1)
    assert set(session.facets.values_list("kind", "value")) == {
        ("entity", "user"),
        ("check", "document-verification"),
        ("check", "face-matching"),
        ("reason", "LOW_CONFIDENCE"),
        ("category", ""),
    }


def test_a_created_session_brings_a_contact() -> None:
    event = wire.payload("related_party.kyc_session_created")
    wire.post(event)

    contact = Contact.objects.get()
    assert (contact.name, contact.email) == ("John Doe", "john.doe@example.com")
    assert str(contact.subject_id) == event["data"]["relatedParty"]["id"]


def test_a_refused_viban_makes_no_session_and_its_body_is_not_kept() -> None:
    event = wire.payload("viban_activated", status="REJECTED") | {"eventType": "viban_failed"}
    assert wire.post(event).json() == {"received": True}

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.event_name) == (DeliveryStatus.IGNORED, "viban_failed")
    assert (bytes(delivery.body), len(delivery.sha256), len(delivery.meaning)) == (b"", 64, 64)
    assert not Session.objects.exists()


def test_an_event_that_came_before_is_counted_on_the_first() -> None:
    event = wire.payload("kyc_session_failed")
    wire.post(event)
    again = wire.post(json.dumps(event, indent=2, sort_keys=True).encode())

    assert (again.status_code, again.json()) == (200, {"received": True, "duplicate": True})
    delivery = Delivery.objects.get()
    assert (delivery.n_repeats, delivery.last_repeat_at is not None) == (1, True)
    assert Session.objects.get().version == 1


def test_a_known_event_id_with_another_meaning_is_quarantined() -> None:
    event = wire.payload("kyc_session_failed")
    other = wire.payload("kyc_session_verified", event_id=event["id"])
    wire.post(event)

    for n_repeats in (0, 1):
        answer = wire.post(other)
        assert (answer.status_code, answer.json()) == (200, {"received": True, "quarantined": "id_conflict"})
        kept = Delivery.objects.get(status=DeliveryStatus.QUARANTINED)
        assert (kept.cause, kept.n_repeats, bytes(kept.body)) == (
            "id_conflict",
            n_repeats,
            wire.encode(other),
        )
    assert not Session.objects.filter(pk=other["data"]["sessionId"]).exists()
    assert wire.post(event).json() == {"received": True, "duplicate": True}


@pytest.mark.parametrize(
    ("body", "cause", "paths"),
    [
        (b"{not json", QuarantineCause.NOT_JSON, [""]),
        (b"[1, 2]", QuarantineCause.NOT_JSON, [""]),
        (b'{"id": "x"}', QuarantineCause.INVALID, ["id", "event", "timestamp", "data"]),
    ],
)
def test_what_can_not_be_read_is_kept_and_every_fault_is_answered(
    body: bytes, cause: QuarantineCause, paths: list[str]
) -> None:
    response = wire.post(body)

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    errors = response.json()["errors"]
    assert [error["path"] for error in errors] == paths
    assert all(error["message"] for error in errors)
    kept = Delivery.objects.get()
    assert (kept.status, kept.cause, bytes(kept.body), kept.faults) == ("quarantined", cause, body, errors)


def test_the_same_unreadable_bytes_count_on_their_first_row() -> None:
    for _ in range(3):
        assert wire.post(b"{not json").status_code == 400
    assert Delivery.objects.get().n_repeats == 2


def test_a_quarantined_delivery_does_not_own_its_event_id() -> None:
    event = wire.payload("kyc_session_failed")
    broken = event | {"data": event["data"] | {"checks": 5}}
    assert wire.post(broken).status_code == 400
    assert wire.post(event).json() == {"received": True}
    assert Session.objects.get().state == SessionState.REJECTED


def test_quarantined_bytes_that_we_read_today_are_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed")
    with monkeypatch.context() as patch:
        patch.setattr(events, "read", lambda body: NOT_READ)
        assert wire.post(event).status_code == 400
    again = wire.post(event)

    assert again.json() == {"received": True}
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.cause, delivery.n_repeats) == (DeliveryStatus.APPLIED, "", 1)
    assert Session.objects.get().state == SessionState.REJECTED


def test_quarantined_bytes_whose_event_came_meanwhile_are_a_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed")
    with monkeypatch.context() as patch:
        patch.setattr(events, "read", lambda body: NOT_READ)
        assert wire.post(event).status_code == 400
    assert wire.post(json.dumps(event, indent=1).encode()).json() == {"received": True}

    assert wire.post(event).json() == {"received": True, "duplicate": True}
    assert Session.objects.get().deliveries.get().n_repeats == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head", "trace"])
def test_only_post_is_answered(method: str) -> None:
    response = getattr(Client(), method)("/webhooks/ralio")
    assert response.status_code == 405
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "image/png;q=0"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Host": "somewhere.else.test"},
    ],
)
def test_no_header_costs_ralio_an_event(headers: dict[str, str], settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    settings.ALLOWED_HOSTS = ["desk.test"]
    body = wire.encode(wire.payload("kyc_session_failed"))
    content_type = headers.pop("Content-Type", "application/json")
    sent = headers | {"X-Signature": wire.sign(body)}
    response = Client().post("/webhooks/ralio/", data=body, content_type=content_type, headers=sent)
    assert (response.status_code, response.json()) == (200, {"received": True})


def test_https_is_not_asked_of_the_webhook(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert wire.post(wire.payload("kyc_session_failed")).status_code == 200
    assert Client().get("/queue/").status_code == 301


def test_text_that_no_engine_stores_is_kept_as_a_mark() -> None:
    checks = [{"type": "a\0b", "reasons": [{"code": "\ud800", "message": "x" * 20_000}]}]
    assert wire.post(wire.payload("kyc_session_failed", checks=checks)).status_code == 200
    reason = Session.objects.get().rejection_reasons.get()
    assert (reason.check_type, reason.code, len(reason.message)) == ("a\ufffdb", "\ufffd", 20_000)


def test_a_code_of_any_length_breaks_no_index() -> None:
    codes = ["C" * 20_000, "C" * 20_000 + "D"]
    checks = [{"type": "t" * 9000, "reasons": [{"code": code, "category": "k" * 9000} for code in codes]}]
    for name in ("kyc_session_failed", "kyc_session_manual_review"):
        assert wire.post(wire.payload(name, checks=checks)).status_code == 200
    assert ReasonCode.objects.count() == 2
    assert Session.objects.in_review().get().facets.filter(kind="reason").count() == 2


def test_the_first_content_of_an_event_id_wins_across_events() -> None:
    shared = uuid4()
    first = wire.payload("kyc_session_verified", event_id=shared)
    assert wire.post(first).json() == {"received": True}
    answer = wire.post(wire.payload("account_activated", event_id=shared))
    assert answer.json() == {"received": True, "quarantined": "id_conflict"}


def test_a_known_event_id_is_found_through_its_index() -> None:
    owner = Delivery.objects.filter(OWNS_EVENT_ID, event_id=uuid4()).query
    unreadable = Delivery.objects.filter(UNREADABLE, sha256="0" * 64).query
    for query, index in ((owner, "kyc_delivery_event_once"), (unreadable, "kyc_delivery_unreadable_once")):
        sql, parameters = query.sql_with_params()
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Read an empty table as if it were large.
                cursor.execute("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
            cursor.execute(f"{explain} {sql}", parameters)
            assert index in str(cursor.fetchall())
