"""The queue's filters: in the address, or within a kind, and across kinds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from kyc.desk.filters import Filters, ages
from kyc.models import Session
from tests.factories import SessionFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]


@pytest.fixture
def known(review: Review, party_review: Review) -> dict[str, str]:
    """Three sessions, the most urgent first, by name."""
    sessions = {
        "late": review(30, checks=[check("A", category="DOC"), check("B", type="liveness")]),
        "soon": review(22, checks=[check("B", category="FACE")]),
        "party": party_review(2, checks=[check("A", type="liveness")]),
    }
    return {str(session.pk): name for name, session in sessions.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "late soon party"),
        ("reason=A", "late party"),
        ("reason=A&reason=B", "late soon party"),
        ("reason=a", ""),
        ("check=liveness", "late party"),
        ("check=liveness&reason=B", "late"),
        ("check=liveness&reason=B&reason=A&entity=related-party", "party"),
        ("category=DOC", "late"),
        ("category=", "late party"),
        ("category=&category=FACE", "late soon party"),
        ("entity=user", "late soon"),
        ("entity=unknown", ""),
        ("entity=nonsense&sort=nonsense&sla=nonsense&age=1&from=soon&to=31-12", ""),
        ("sort=nonsense&sla=nonsense&age=1&from=soon&to=31-12", "late soon party"),
        ("sla=overdue", "late"),
        ("sla=soon", "soon"),
        ("sla=ok", "party"),
        ("sla=overdue&reason=A", "late"),
        ("sla=ok&reason=A", "party"),
        ("age=24", "late"),
        ("age=20-24", "soon"),
        ("age=0-4&age=24", "late party"),
        ("age=0-4&reason=A&entity=related-party&sort=newest", "party"),
        ("sort=newest", "party soon late"),
        ("sort=oldest", "late soon party"),
        ("sort=refused", "late soon party"),
        ("sort=newest&reason=A", "party late"),
        ("sort=refused&reason=B&reason=A", "late soon party"),
        ("reason=A\x00&reason=A", "late party"),
    ],
)
def test_filters_and_sorting(
    officer_client: Client, known: dict[str, str], query: str, expected: str
) -> None:
    assert [known[pk] for pk in ids(queue(officer_client, query))] == expected.split()


def test_a_set_chip_shows_its_value_and_a_way_off(officer_client: Client, known: dict[str, str]) -> None:
    page = queue(officer_client, "reason=A&reason=B&category=&from=2026-01-01&sla=overdue&after=x")

    assert 'Reason: <b class="chipbtn__value">A and 1 more</b>' in page
    assert 'Category: <b class="chipbtn__value">No category</b>' in page
    assert 'Received: <b class="chipbtn__value">from 1 Jan 2026</b>' in page
    assert 'href="?category=&amp;from=2026-01-01&amp;sla=overdue" aria-label="Remove filter Reason"' in page
    assert '<input type="hidden" name="sla" value="overdue">' in page


def test_days_are_days_of_the_desk_s_zone(settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    midnight = datetime(2026, 3, 17, tzinfo=ZoneInfo("Asia/Tokyo"))
    SessionFactory(state_since=midnight - timedelta(seconds=1))
    first, last = (
        SessionFactory(state_since=midnight),
        SessionFactory(state_since=midnight + timedelta(hours=23)),
    )
    with timezone.override("Asia/Tokyo"):
        filters = Filters.read(QueryDict("from=2026-03-17&to=2026-03-17"))
        found = filters.filtered(Session.objects.in_review(), timezone.now())

    assert set(found) == {first, last}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "2026-13-01", "-", "\x00"])
def test_days_beyond_the_calendar_are_not_read(officer_client: Client, day: str) -> None:
    assert officer_client.get("/queue/", {"from": day, "to": day}).status_code == 200
    assert not Filters.read(QueryDict(f"from={day}")).is_narrow


@pytest.mark.parametrize(
    ("target", "soon", "names"),
    [
        (24, 4, ["0-4", "4-20", "20-24", "24"]),
        (48, 8, ["0-8", "8-40", "40-48", "48"]),
        (8, 8, ["0-1", "1-8", "8"]),
        (1, 0, ["0-1", "1"]),
        (4, 9, ["0-4", "4"]),
    ],
)
def test_the_spans_of_waiting_follow_the_target(settings, target: int, soon: int, names: list[str]) -> None:
    settings.KYC_REVIEW_SLA, settings.KYC_DUE_SOON = timedelta(hours=target), timedelta(hours=soon)

    assert [age.name for age in ages()] == names


def test_every_session_has_waited_one_span(db: None) -> None:
    now = datetime(2026, 3, 17, tzinfo=UTC)
    for hours in (0, 3.99, 4, 19.99, 20, 24, 500):
        SessionFactory(state_since=now - timedelta(hours=hours))
    counts = [Session.objects.filter(age.holds(now)).count() for age in ages()]

    assert counts == [2, 2, 1, 2]
