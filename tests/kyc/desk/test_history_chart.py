"""The chart counts what the list holds, by day or week, in one query."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from kyc.desk.histogram import HEIGHT, Histogram
from kyc.models import Session, User
from tests.kyc.desk.arrivals import arrive, refused

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reader(officer: User) -> Client:
    """An officer who signs in at that noon."""
    client = Client()
    client.force_login(officer)
    return client


def chart(client: Client, query: str = "") -> Histogram | None:
    found: Histogram | None = client.get(f"/rejected/?{query}").context["chart"]
    return found


def test_it_has_a_bar_for_each_day(reader: Client) -> None:
    for hours in (1, 2, 30):
        arrive("REJECTED", hours=hours)
    drawn = chart(reader, "days=7")

    assert drawn is not None
    assert [bar.total for bar in drawn.bars] == [0, 0, 0, 0, 0, 1, 2]
    assert (drawn.bars[0].since, drawn.bars[-1].since) == (date(2026, 11, 16), date(2026, 11, 22))
    assert drawn.sentence == "0.4 a day on average, most on 22 Nov 2026 (2)."


def test_long_spans_are_drawn_by_the_week_and_the_longest_not_at_all(reader: Client) -> None:
    arrive("REJECTED", at=NOW - timedelta(days=100))
    weekly = chart(reader, "from=2026-06-01&to=2026-11-22")

    assert weekly is not None
    assert (weekly.is_weekly, len(weekly.bars), weekly.total) == (True, 25, 1)
    assert chart(reader, "from=2025-01-01") is None
    assert chart(reader, "days=all") is None
    assert "1 rejected, all dates" in reader.get("/rejected/?days=all").content.decode()


def test_it_counts_what_the_filters_leave(reader: Client) -> None:
    arrive("REJECTED", checks=[refused("ONE")])
    arrive("REJECTED", checks=[refused("TWO")], user_id=None)

    for query in ("reason=ONE", "entity=user", "reason=ONE&reason=TWO&entity=user"):
        drawn = chart(reader, query)
        assert drawn is not None
        assert drawn.total == 1


def test_it_splits_ralio_and_officers(reader: Client, officer: User) -> None:
    arrive("REJECTED")
    Session.objects.filter(pk=arrive("REJECTED").pk).update(decided_by=officer)
    html = reader.get("/rejected/").content.decode()

    assert "1 by Ralio, automatic" in html
    assert "1 by officers" in html


def test_an_event_from_the_future_counts_on_the_last_day(reader: Client) -> None:
    arrive("REJECTED", at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    drawn = chart(reader)

    assert drawn is not None
    assert drawn.bars[-1].total == 1


def test_bars_stay_within_the_chart(reader: Client, officer: User) -> None:
    for n in range(9):
        session = arrive("REJECTED", hours=24 * (n % 3))
        if n % 2:
            Session.objects.filter(pk=session.pk).update(decided_by=officer)
    drawn = chart(reader)

    assert drawn is not None
    assert all(-2 <= bar.officer_y <= bar.ralio_y <= HEIGHT for bar in drawn.bars)
    assert all(float(bar.x) >= 0 and float(bar.x) + float(bar.width) <= 100 for bar in drawn.bars)


def test_days_are_those_of_the_desks_zone(reader: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    arrive("REJECTED", at=datetime(2026, 11, 20, 12, 30, tzinfo=UTC))
    drawn = chart(reader)

    assert drawn is not None
    assert next(bar.since for bar in drawn.bars if bar.total) == date(2026, 11, 21)


def test_the_same_is_said_in_a_table(reader: Client) -> None:
    arrive("REJECTED")
    html = reader.get("/rejected/").content.decode()

    assert '<td>22 Nov 2026</td><td class="num">1</td><td class="num">0</td>' in html
