"""The inbox's other figures: refused, quarantined, failed, never seen before, come again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kyc import folding, inbox, refusals
from kyc.choices import AlarmKind, RefusalCause
from kyc.models import Delivery, EventName, ReasonCode, RefusedRequest
from kyc.models.digests import text_digest
from tests import factories, wire
from tests.kyc.arrivals import DAY, HOUR, MINUTE, MONDAY, WEEK, came, every, figure

pytestmark = pytest.mark.django_db
NOW = MONDAY + 3 * WEEK


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_the_first_wrong_signature_alarms_and_names_what_may_have_happened() -> None:
    came(NOW - DAY)
    assert figure(AlarmKind.REFUSED, NOW).is_well
    wire.post(wire.payload("kyc_session_verified"), secret="another")
    found = figure(AlarmKind.REFUSED, NOW + MINUTE)

    assert not found.is_well
    assert found.numbers["last_hour_signature_wrong"] == 1
    assert found.says.startswith("1 request refused in the last hour: 1 signature wrong.")
    assert "RALIO_WEBHOOK_SECRETS" in found.advice
    assert found.since == NOW


def test_strangers_without_a_signature_alarm_only_when_they_are_many(settings: Any) -> None:
    settings.KYC_INBOX_REFUSED = 4
    for _ in range(3):
        wire.post(b"{}", signature="")
    assert figure(AlarmKind.REFUSED, NOW).is_well
    refusals.refuse(RefusalCause.TOO_LARGE, {}, n_bytes=10**9)

    assert not figure(AlarmKind.REFUSED, NOW).is_well
    assert figure(AlarmKind.REFUSED, NOW + HOUR).is_well


def test_while_nothing_trusted_has_come_since_a_quiet_hour_proves_nothing() -> None:
    wire.post(b"{}", secret="another")
    found = figure(AlarmKind.REFUSED, NOW + 2 * HOUR)
    assert (found.is_well, found.is_calm) == (True, False)
    came(NOW + HOUR)

    assert figure(AlarmKind.REFUSED, NOW + 2 * HOUR).is_calm


def test_what_was_verified_later_does_not_count() -> None:
    wire.post(b"{}", secret="another")
    RefusedRequest.objects.update(delivery=factories.DeliveryFactory())

    assert figure(AlarmKind.REFUSED, NOW).is_calm


def test_a_flood_is_named_as_one() -> None:
    RefusedRequest.objects.bulk_create(
        RefusedRequest(cause=RefusalCause.SIGNATURE_MISSING, received_at=NOW) for _ in range(1500)
    )
    found = figure(AlarmKind.REFUSED, NOW)

    assert found.value == "1,000+ in the last hour"
    assert found.says.startswith("A flood: 1,000+ requests refused in the last hour")
    assert "proxy" in found.advice


def test_a_quarantined_delivery_that_nobody_has_replayed_alarms_after_an_hour() -> None:
    wire.post(b"not json")
    delivery = Delivery.objects.get()
    assert figure(AlarmKind.QUARANTINED, NOW + HOUR).is_well
    found = figure(AlarmKind.QUARANTINED, NOW + HOUR + MINUTE)

    assert not found.is_well
    assert (found.delivery_ids, found.since) == ((delivery.pk,), NOW)
    assert found.says == "1 delivery waits in quarantine; 1 not replayed yet, the oldest from 1h 01m ago."
    Delivery.objects.update(n_replays=1)
    assert figure(AlarmKind.QUARANTINED, NOW + WEEK).is_calm


def test_many_quarantined_at_once_alarm_at_once() -> None:
    for n in range(9):
        wire.post(b"not json %d" % n)
    assert figure(AlarmKind.QUARANTINED, NOW).is_well
    wire.post(b"not json either")

    found = figure(AlarmKind.QUARANTINED, NOW)
    assert (found.is_well, len(found.delivery_ids)) == (False, inbox.FEW)


def test_a_delivery_that_fails_again_and_again_alarms(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError

    from kyc import ingestion

    for name in ("refold", "refolded", "first"):
        if hasattr(folding, name):
            monkeypatch.setattr(folding, name, broken)
    wire.post(wire.payload("kyc_session_verified"))
    for minutes in (2, 5):
        assert figure(AlarmKind.FAILED, timezone.now()).is_well
        clock.move_to(NOW + minutes * MINUTE)
        ingestion.retry_failed()

    found = figure(AlarmKind.FAILED, timezone.now())
    assert (found.is_well, found.numbers["stuck"]) == (False, 1)
    assert found.delivery_ids == (Delivery.objects.get().pk,)
    assert (
        "1 delivery waits to be applied, the oldest from 5m ago. Failed 3 times or more, or for good: 1."
        in found.says
    )


def test_a_try_that_nobody_makes_alarms() -> None:
    factories.DeliveryFactory(is_failed=True, next_try_at=NOW)
    assert figure(AlarmKind.FAILED, NOW + 15 * MINUTE).is_well

    found = figure(AlarmKind.FAILED, NOW + 16 * MINUTE)
    assert (found.is_well, found.numbers["overdue"]) == (False, 1)
    assert "Is a worker running?" in found.says


def test_what_stands_after_its_last_try_alarms() -> None:
    factories.DeliveryFactory(is_failed=True, next_try_at=None)

    assert not figure(AlarmKind.FAILED, NOW).is_well


def test_names_and_codes_of_this_week_alarm_once_the_desk_is_older() -> None:
    came(NOW - 20 * DAY)
    for days in (20, 14, 6):
        EventName.objects.create(
            name=f"kyc_{days}", digest=text_digest(str(days)), first_seen_at=NOW - days * DAY
        )
        factories.ReasonCodeFactory(code=f"CODE_{days}", first_seen_at=NOW - days * DAY)
    found = figure(AlarmKind.NOVELTY, NOW)

    assert (found.is_well, found.names) == (False, ("kyc_6", "CODE_6"))
    assert found.numbers == {"event_names": 1, "codes": 1}
    assert found.since == NOW - 6 * DAY
    assert figure(AlarmKind.NOVELTY, NOW + 2 * DAY).is_calm


def test_a_desk_s_first_week_is_all_new_and_alarms_nobody_later() -> None:
    came(NOW)
    factories.ReasonCodeFactory(code="FIRST", first_seen_at=NOW)
    factories.ReasonCodeFactory(code="SECOND", first_seen_at=NOW + 6 * DAY)
    assert figure(AlarmKind.NOVELTY, NOW + 6 * DAY).verdict == "unknown"

    assert figure(AlarmKind.NOVELTY, NOW + 8 * DAY).verdict == "well"


def test_names_from_the_wire_are_shown_as_one_short_line() -> None:
    came(NOW - 20 * DAY)
    factories.ReasonCodeFactory(first_seen_at=NOW - 20 * DAY)
    factories.ReasonCodeFactory(code="A\n\x1b[2J\u202eB" + "x" * 20_000)
    (name,) = figure(AlarmKind.NOVELTY, NOW).names

    assert name == "A··[2J·B" + "x" * 52 + "…"


def test_many_repeats_alarm() -> None:
    came(*every(MINUTE, NOW - HOUR, NOW - 10 * MINUTE), n_repeats=0)
    assert figure(AlarmKind.REPEATS, NOW).verdict == "well"
    came(*every(MINUTE, NOW - HOUR, NOW - 45 * MINUTE), n_repeats=1)
    found = figure(AlarmKind.REPEATS, NOW)

    assert (found.verdict, found.numbers) == ("unwell", {"deliveries": 65, "came_again": 15})
    assert found.says == "Of 65 deliveries of the last day 15 came again."
    assert figure(AlarmKind.REPEATS, NOW + DAY).verdict == "unknown"


def test_there_is_one_figure_for_each_kind_of_alarm() -> None:
    health = inbox.health(NOW)

    assert [found.kind for found in health.figures] == list(AlarmKind)
    assert all(found.title and found.value and found.says and found.threshold for found in health.figures)
    assert health.is_well


def test_it_costs_the_same_few_statements_whatever_there_is(queries: Callable[..., Any]) -> None:
    came(*every(HOUR, NOW - 3 * WEEK, NOW), n_repeats=1)
    for _ in range(3):
        wire.post(str(uuid4()).encode())
        factories.DeliveryFactory(is_failed=True)
        factories.RefusedRequestFactory()
        factories.ReasonCodeFactory(first_seen_at=NOW - DAY)
    ReasonCode.objects.filter(pk=ReasonCode.objects.earliest("pk").pk).update(first_seen_at=NOW - 3 * WEEK)
    EventName.objects.create(name="a", digest=uuid4(), first_seen_at=NOW - 3 * WEEK)
    with CaptureQueriesContext(connection) as captured:
        health = inbox.health(NOW)

    assert len(captured) == 12
    assert health.figure(AlarmKind.NOVELTY).numbers["codes"] == 2
    limits = [query["sql"] for query in captured.captured_queries if "LIMIT" not in query["sql"]]
    assert not limits, "Each statement is bounded."
