"""Silence is measured against the sender's own rhythm, at that time of the week."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kyc.choices import DeliverySource
from kyc.models import Delivery
from kyc.rhythm import rhythm
from tests import wire
from tests.kyc.arrivals import DAY, HOUR, MINUTE, MONDAY, WEEK, came, every, explained, office_hours, silence

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = 30 * MINUTE
FIVE_WEEKS_ON = MONDAY + 5 * WEEK


def test_ten_usual_gaps_are_a_silence() -> None:
    came(*every(HALF_AN_HOUR, MONDAY, FIVE_WEEKS_ON))
    last = FIVE_WEEKS_ON - HALF_AN_HOUR

    assert silence(last + 5 * HOUR).is_well
    found = silence(last + 5 * HOUR + MINUTE)
    assert (found.verdict, found.since) == ("unwell", last)
    assert found.numbers == {"silent_s": 18060, "limit_s": 18000, "usual_gap_s": 1800}
    assert found.says == (
        "The last trusted delivery came 5h 01m ago. At this time of the week one usually comes within 30m."
    )
    assert found.threshold == "Unwell after 5h without one, 10 times the usual gap."


def test_nights_and_weekends_that_are_usually_silent_do_not_alarm() -> None:
    came(*office_hours(range(5)))
    friday_evening = FIVE_WEEKS_ON - 2 * DAY - 6 * HOUR

    for at in every(3 * HOUR, friday_evening, FIVE_WEEKS_ON + 9 * HOUR):
        assert silence(at).is_well, at
    assert silence(FIVE_WEEKS_ON + 13 * HOUR).is_well
    assert not silence(FIVE_WEEKS_ON + 14 * HOUR).is_well, "Ten should have come since nine on Monday."


def test_an_hour_at_noon_alarms_where_a_night_does_not() -> None:
    came(
        *office_hours(range(4)), *(at for at in office_hours([4]) if at < FIVE_WEEKS_ON - 3 * DAY - 12 * HOUR)
    )
    noon = FIVE_WEEKS_ON - 3 * DAY - 12 * HOUR

    assert silence(noon + 4 * HOUR).is_well
    assert not silence(noon + 5 * HOUR).is_well


def test_one_week_of_silence_in_the_past_does_not_dull_the_watch() -> None:
    came(*(at for at in every(HALF_AN_HOUR, MONDAY, FIVE_WEEKS_ON) if not 2 <= (at - MONDAY) / WEEK < 3))

    assert not silence(FIVE_WEEKS_ON + 5 * HOUR).is_well


def test_bursts_count_as_one_and_do_not_make_it_nervous() -> None:
    bursts = every(2 * HOUR, MONDAY, FIVE_WEEKS_ON)
    came(*(burst + second * timedelta(seconds=1) for burst in bursts for second in range(5)))
    last = FIVE_WEEKS_ON - 2 * HOUR + timedelta(seconds=4)

    assert silence(last + 19 * HOUR).is_well
    assert not silence(last + 21 * HOUR).is_well


def test_no_silence_is_shorter_than_the_shortest() -> None:
    came(*every(timedelta(seconds=1), MONDAY, MONDAY + 16 * MINUTE), MONDAY + WEEK)

    assert silence(MONDAY + WEEK + 15 * MINUTE).is_well
    assert not silence(MONDAY + WEEK + 16 * MINUTE).is_well


def test_a_slow_sender_is_measured_by_what_it_does() -> None:
    came(*(MONDAY + n * 3 * DAY for n in range(30)))
    last = MONDAY + 87 * DAY

    assert silence(last + 27 * DAY).is_well
    assert not silence(last + 31 * DAY).is_well


def test_with_too_few_deliveries_it_says_so() -> None:
    assert silence(MONDAY).says == "There are not enough deliveries yet to know how often they come."
    came(*every(DAY, MONDAY, MONDAY + 9 * DAY))
    found = silence(MONDAY + 90 * DAY)

    assert (found.verdict, found.value) == ("unknown", "82d ago")


def test_in_the_first_week_a_long_weekend_is_no_silence() -> None:
    came(*(at for at in office_hours([0])))
    friday = MONDAY + 4 * DAY + 18 * HOUR - HALF_AN_HOUR

    assert silence(friday + 3 * DAY).is_well
    assert silence(friday).threshold == (
        "Unwell after 3d without one, for the desk has not seen a whole week yet."
    )
    assert not silence(friday + 3 * DAY + MINUTE).is_well


def test_what_the_api_said_is_no_sign_of_life() -> None:
    came(*every(HALF_AN_HOUR, MONDAY, FIVE_WEEKS_ON))
    came(FIVE_WEEKS_ON + 5 * HOUR, source=DeliverySource.API)

    assert not silence(FIVE_WEEKS_ON + 5 * HOUR).is_well


@pytest.mark.parametrize("event", [b"not json", wire.payload("kyc_session_verified")])
def test_quarantined_deliveries_and_repeats_are_signs_of_life(event: object) -> None:
    with time_machine.travel(MONDAY + DAY, tick=False):
        wire.post(event)  # type: ignore[arg-type]
    came(*every(HALF_AN_HOUR, MONDAY, FIVE_WEEKS_ON))
    at = FIVE_WEEKS_ON + 5 * HOUR
    assert not silence(at).is_well
    with time_machine.travel(at, tick=False):
        wire.post(event)  # type: ignore[arg-type]
        wire.post({}, secret="wrong")

    assert silence(at + 5 * MINUTE).since == at
    assert Delivery.objects.filter(n_repeats=1).count() == 1


@hypothesis_settings(max_examples=40)
@given(
    minutes=st.sets(st.integers(0, 7 * 24 * 60 - 1), min_size=1, max_size=60),
    n_weeks=st.integers(2, 6),
    at=st.floats(0, 1, exclude_max=True),
)
def test_whatever_the_week_looks_like_only_what_breaks_it_alarms(
    minutes: set[int], n_weeks: int, at: float
) -> None:
    """While the same week comes again and again nothing is silent; once it stops, it is, if ten were ever heard."""
    Delivery.objects.all().delete()
    week = sorted(minutes)
    instants = [MONDAY + n * WEEK + minute * MINUTE for n in range(n_weeks) for minute in week]
    came(*instants)
    last = instants[-1]
    due = MONDAY + n_weeks * WEEK + week[0] * MINUTE

    assert silence(last + at * (due - last)).is_well
    heard_for = last - instants[0]
    is_enough = len(list(_occasions(instants))) > 10
    after_long = silence(last + heard_for + WEEK + MINUTE)
    assert after_long.verdict == ("unwell" if is_enough else "unknown")


def _occasions(instants: list[datetime]) -> list[datetime]:
    found: list[datetime] = []
    for at in instants:
        if not found or at > found[-1] + 1.5 * MINUTE:
            found.append(at)
    return found


def test_it_reads_a_few_ends_of_indexes() -> None:
    came(*every(HOUR, MONDAY, MONDAY + 2 * WEEK), n_repeats=1)
    with CaptureQueriesContext(connection) as captured:
        rhythm()

    assert len(captured) == 4
    for query in captured.captured_queries:
        plan = explained(one_step(query["sql"]))
        assert "kyc_delivery_received" in plan or "kyc_delivery_repeated" in plan, plan
        assert "Seq Scan on kyc_delivery" not in plan and "SCAN kyc_delivery\n" not in plan, plan


def one_step(sql: str) -> str:
    """Return what a recursive statement does in each step: PostgreSQL does not show the plan of that."""
    found = re.search(r"SELECT received_at FROM.*LIMIT 1", sql, re.DOTALL)
    if connection.vendor == "sqlite" or "RECURSIVE" not in sql or found is None:
        return sql
    return found[0].replace("> at +", "> now() +")
