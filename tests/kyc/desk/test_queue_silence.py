"""While Ralio is silent the queue says so: a short list must not be taken for a quiet day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kyc.alarms import watch
from kyc.choices import AlarmKind
from tests import wire
from tests.factories import InboxAlarmFactory
from tests.kyc.arrivals import HOUR, WEEK, came, every
from tests.kyc.desk.test_queue_rows import queue

WARNING = "Ralio is silent"


@pytest.fixture
def silent(db: None) -> None:
    now = timezone.now()
    came(*every(HOUR, now - 2 * WEEK, now - 12 * HOUR))
    watch(now)


def test_it_warns_from_the_alarm_on(officer_client: Client, supervisor_client: Client, silent: None) -> None:
    page = queue(officer_client)

    assert WARNING in page
    assert "The last delivery came 13h ago" in page
    assert "But deliveries have stopped" in page
    assert "Ask a supervisor." in page and "See the deliveries" not in page
    assert '<a href="/deliveries/">See the deliveries</a>' in queue(supervisor_client)


def test_it_stops_as_soon_as_a_delivery_comes(officer_client: Client, silent: None) -> None:
    wire.post(wire.payload("kyc_session_verified"))

    assert WARNING not in queue(officer_client)
    assert "Deliveries still arrive" in queue(officer_client)


@pytest.mark.parametrize(
    "alarm",
    [
        {"kind": AlarmKind.REPEATS},
        {"kind": AlarmKind.SILENCE, "closed_at": timezone.now() + timedelta(days=1)},
    ],
)
def test_other_alarms_and_past_ones_are_not_for_officers(
    officer_client: Client, alarm: dict[str, object]
) -> None:
    InboxAlarmFactory(**alarm)

    assert WARNING not in queue(officer_client)


def test_it_costs_no_query(
    officer_client: Client, silent: None, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    queue(officer_client)
    with queries(7):  # as many as the empty queue costs without an alarm
        assert WARNING in queue(officer_client)
