"""What the played Ralio says: everything the real one may, in every way, and nothing that it would not."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from kyc.choices import CheckState, DeliveryStatus
from kyc.models import Delivery, Session
from kyc.ralio.events import RECORD_EVENTS, SESSION_EVENTS, OtherEvent, RecordEvent, SessionEvent, read
from kyc.ralio.simulator import GENERATIONS, KINDS, Event, Ralio
from tests import wire

NOW = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)


def say(number: int, *, seed: int = 7, **options: object) -> list[Event]:
    ralio = Ralio(seed, **options)  # type: ignore[arg-type]
    return [ralio.next(NOW + timedelta(seconds=4 * n)) for n in range(number)]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return say(4000)


def test_the_same_seed_says_the_same_bytes() -> None:
    assert say(200) == say(200)


def test_another_seed_shares_no_id() -> None:
    assert {event.id for event in say(200)}.isdisjoint(event.id for event in say(200, seed=8))


def test_no_event_id_is_used_twice(events: list[Event]) -> None:
    assert len({event.id for event in events}) == len(events)


def test_every_kyc_event_comes_in_every_generation(events: list[Event]) -> None:
    said = {(event.name, event.generation) for event in events}
    # The oldest generation knows no related parties.
    wanted = {(name, g) for name in (*SESSION_EVENTS, *RECORD_EVENTS) for g in GENERATIONS}
    assert wanted - said == {("related_party_kyc_session_created", "g1")}
    assert ("related_party_kyc_session_created", "g1") in {
        (event.name, event.generation) for event in say(200, generations=["g1"])
    }


def test_every_body_reads_as_the_event_that_was_meant(events: list[Event]) -> None:
    for event in events:
        reading = read(event.body)
        assert reading.event is not None, (reading.faults, event.body)
        assert (reading.event.event_id, reading.event.at) == (event.id, event.at)
        assert reading.event.name.replace(".", "_") == event.name
        assert getattr(reading.event, "session_id", None) == event.session_id


def test_every_spelling_comes(events: list[Event]) -> None:
    bodies = [json.loads(event.body) for event in events]
    assert {("id" in body, "eventId" in body, "event_id" in body) for body in bodies} == {
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }
    sessions = [body["data"] for body in bodies]
    assert any("session_id" in data for data in sessions) and any("sessionId" in data for data in sessions)
    names = {body.get("event") or body.get("eventType") or body.get("event_type") for body in bodies}
    assert names >= {"kyc_session_failed", "kyc.session_failed", "related_party.kyc_session_created"}
    stamps = [body["timestamp"] for body in bodies]
    assert any(stamp.endswith("Z") and len(stamp) == 24 for stamp in stamps)
    assert any(stamp[19] == "." and stamp[27] in "+-" for stamp in stamps)


def test_checks_come_in_every_form_and_are_missing_at_times(events: list[Event]) -> None:
    data = [json.loads(event.body)["data"] for event in events if event.name in SESSION_EVENTS]
    assert any("checks" not in members for members in data)
    assert any(members.get("checks") == [] for members in data)
    checks = [check for members in data for check in members.get("checks", [])]
    assert {str(check["state"]) for check in checks} >= {"Validated", "Refused", "1", "2", "3"}
    read_states = {
        check.state
        for event in events
        if isinstance(said := read(event.body).event, SessionEvent)
        for check in said.checks
    }
    assert read_states == set(CheckState)


def test_reasons_have_both_kinds_of_code_and_several_categories(events: list[Event]) -> None:
    reasons = Counter(
        (reason.code, reason.category)
        for event in events
        if isinstance(said := read(event.body).event, SessionEvent)
        for check in said.checks
        for reason in check.reasons
    )
    assert {category for _, category in reasons} == {"", "DOC", "FACE", "ID"}
    assert {code for code, _ in reasons} >= {"LOW_CONFIDENCE", "KYC.DOC.DETERIORATED", "KYC.ID.DUPLICATE"}


def test_money_is_never_a_session(events: list[Event]) -> None:
    money = [
        read(event.body).event for event in events if not event.name.startswith(("kyc", "kyb", "related"))
    ]
    assert money
    assert {type(event) for event in money} == {OtherEvent}
    refused = next(event for event in events if event.name == "viban_failed")
    assert json.loads(refused.body)["data"]["status"] == "REJECTED"


def test_contacts_are_people_who_cannot_be_reached(events: list[Event]) -> None:
    said = [read(event.body).event for event in events if event.name == "related_party_kyc_session_created"]
    addresses = [event.contact.email for event in said if isinstance(event, SessionEvent) and event.contact]
    assert len(addresses) == len(said)
    assert {address.rsplit("@")[1] for address in addresses} == {"example.com", "example.net", "example.org"}


def test_a_mix_is_kept(events: list[Event]) -> None:
    only = {event.name for event in say(300, mix={"review": 1, "money": 0})}
    assert only == {"kyc_session_manual_review"}
    share = sum(event.name == "kyc_session_manual_review" for event in events) / len(events)
    assert share == pytest.approx(KINDS["review"] / sum(KINDS.values()), abs=0.03)


def test_record_events_are_read_as_such(events: list[Event]) -> None:
    said = [read(event.body).event for event in events if event.name in RECORD_EVENTS]
    assert {type(event) for event in said} == {RecordEvent}
    assert all(event.user_id or event.related_party_id for event in said if isinstance(event, RecordEvent))


def test_the_desk_takes_all_of_it(db: None) -> None:
    said = say(150, seed=3)
    assert {wire.post(event.body).status_code for event in said} == {200}
    assert Session.objects.count() == len({event.session_id for event in said} - {None})
    kept = DeliveryStatus.APPLIED, DeliveryStatus.RECORDED, DeliveryStatus.IGNORED
    assert Delivery.objects.filter(status__in=kept).count() == len(said)
