"""What comes after an erasure: repeats are repeats, and news about the subject is kept as new."""

from __future__ import annotations

from typing import Any

import pytest

from kyc import ingestion, ledger
from kyc.choices import DeliveryStatus
from kyc.models import Contact, Delivery, Session
from kyc.rebuilding import rebuild
from tests import wire
from tests.kyc.privacy import lives

pytestmark = pytest.mark.django_db


def test_the_same_event_again_counts_on_the_first_and_brings_nothing_back() -> None:
    session_id, user_id = lives.uuid4(), lives.uuid4()
    event = lives.event("kyc_session_failed", session_id, user_id, checks=lives.checks("sent"))
    wire.post(event)
    lives.grow_old()
    lives.erase(lives.subject_of(Session.objects.get()))
    answer = wire.post(event)

    assert answer.json() == {"received": True, "duplicate": True}
    assert (Delivery.objects.get().n_repeats, lives.found()) == (1, set())


def test_a_later_event_is_kept_as_new() -> None:
    session = lives.rejected()
    lives.erase(lives.subject_of(session))
    event = lives.event(
        "kyc_session_failed", session.pk, session.user_id, hours=9, checks=lives.checks("later")
    )  # type: ignore[arg-type]
    wire.post(event)
    assert {"kyc_delivery.body", "kyc_check.data", "kyc_reason.message"} <= lives.found()
    assert rebuild(session.pk, is_dry_run=True) == []
    assert Delivery.objects.get(event_id=event.get("id") or event["eventId"]).erased_at is None


def test_a_contact_that_comes_later_is_taken_again() -> None:
    event = wire.payload("related_party.kyc_session_created")
    wire.post(event)
    lives.grow_old()
    party_id = event["data"]["relatedParty"]["id"]
    lives.erase(lives.Subject(lives.PARTY, lives.UUID(party_id)))
    assert (Contact.objects.get().name, Contact.objects.get().email) == ("", "")

    again = wire.payload(
        "related_party.kyc_session_created", related_party_id=party_id, at="2027-01-01T00:00:00Z"
    )
    wire.post(again)
    assert (Contact.objects.get().name, Contact.objects.get().erased_at) == ("John Doe", None)


def test_what_failed_and_was_erased_is_kept_as_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    event = lives.event("kyc_session_failed", lives.uuid4(), lives.uuid4(), checks=lives.checks("failed"))
    with monkeypatch.context() as broken:
        broken.setattr(ingestion, "_apply_to_session", _fail)
        broken.setattr(ingestion.fastpath, "is_available", lambda: False)
        wire.post(event)
    wire.post(wire.payload("kyc_state_updated", user_id=event["data"]["userId"]))
    lives.grow_old()
    lives.erase(lives.Subject(lives.USER, lives.UUID(event["data"]["userId"])))
    failed = Delivery.objects.get(status=DeliveryStatus.FAILED)
    assert (lives.found(), failed.erased_at is not None) == (set(), True)

    wire.post(event)
    failed.refresh_from_db()
    assert (failed.status, failed.erased_at, bytes(failed.body)) == ("applied", None, wire.encode(event))
    assert rebuild(Session.objects.get().pk, is_dry_run=True) == []


def test_what_failed_and_was_erased_is_applied_by_the_worker_without_what_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = lives.event("kyc_session_failed", lives.uuid4(), lives.uuid4(), checks=lives.checks("failed"))
    with monkeypatch.context() as broken:
        broken.setattr(ingestion, "_apply_to_session", _fail)
        broken.setattr(ingestion.fastpath, "is_available", lambda: False)
        wire.post(event)
    wire.post(wire.payload("kyc_state_updated", user_id=event["data"]["userId"]))
    lives.grow_old()
    lives.erase(lives.Subject(lives.USER, lives.UUID(event["data"]["userId"])))
    ingestion.take_again(Delivery.objects.get(status=DeliveryStatus.FAILED).pk)

    assert Session.objects.get().state == "REJECTED"
    assert wire.post(event).json() == {"received": True, "duplicate": True}
    assert (lives.found(), list(ledger.verify())) == (set(), [])


def _fail(*args: Any) -> None:
    raise RuntimeError
