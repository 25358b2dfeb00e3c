"""How the desk writes numbers, spans of time and instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from kyc.templatetags import desk

NOON = datetime(2026, 3, 17, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "written"), [(0, "0"), (1000, "1,000"), (1001, "1,000+"), (90_000, "1,000+")]
)
def test_a_count_beyond_the_cap_says_so(number: int, written: str) -> None:
    assert desk.capped(number) == written


@pytest.mark.parametrize(
    ("span", "written"),
    [
        ({"seconds": 59}, "under 1m"),
        ({"minutes": -5}, "under 1m"),
        ({"minutes": 24}, "24m"),
        ({"hours": 2, "minutes": 6}, "2h 06m"),
        ({"hours": 4}, "4h"),
        ({"hours": 24}, "1d"),
        ({"hours": 76, "minutes": 59}, "3d 4h"),
    ],
)
def test_a_span_is_written_as_officers_say_it(span: dict[str, int], written: str) -> None:
    assert desk.duration(timedelta(**span)) == written


def test_an_instant_names_its_zone() -> None:
    with timezone.override("Europe/Madrid"):
        assert ">17 Mar 2026, 13:05 CET<" in desk.moment(NOON)
        assert ">17 Mar, 13:05<" in desk.moment(NOON, "short")


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("America/New_York", datetime.min.replace(tzinfo=UTC)),
        ("Asia/Tokyo", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_an_instant_that_a_zone_does_not_have_is_written_in_utc(zone: str, at: datetime) -> None:
    with timezone.override(zone):
        assert "UTC<" in desk.moment(at)


@pytest.mark.parametrize(
    ("hours", "tone", "percent"),
    [(-1, "over", 100), (3.9, "soon", 84), (4.1, "ok", 83), (24, "ok", 0), (99, "ok", 0)],
)
def test_a_due_time_has_a_tone_and_a_share(hours: float, tone: str, percent: int) -> None:
    due = desk.sla(timezone.now() + timedelta(hours=hours))

    assert (due["tone"], due["percent"]) == (tone, percent)


def test_an_avatar_has_letters() -> None:
    assert [desk.initials(name) for name in ("officer.a", "ana", ".", "")] == ["oa", "a", "", ""]
