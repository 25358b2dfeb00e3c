"""Newer and Older: every delivery once, in order, whatever the filter; and no page looks through more than it may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from kyc.desk import paging
from kyc.desk.deliveries_filters import Filters
from kyc.desk.paging import Page, paginate
from kyc.models import Delivery
from tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db
QUERIES = {
    "": {},
    "status=applied": {"status": "applied"},
    "secret=aaaaaaaa": {"signed_with": "aaaaaaaa"},
    "from=2020-01-01": {},
    "from=2020-01-01&secret=aaaaaaaa": {"signed_with": "aaaaaaaa"},
    "status=applied&event=a&secret=aaaaaaaa": {"event_name": "a", "signed_with": "aaaaaaaa"},
}


@pytest.fixture
def deliveries() -> None:
    """Seventeen deliveries, several of one instant, some of them taken long after they came."""
    now = timezone.now()
    for n in range(17):
        DeliveryFactory(
            received_at=now - timedelta(hours=n // 3 if n % 5 else 40),
            signed_with="aaaaaaaa" if n % 3 else "bbbbbbbb",
            event_name="ab"[n % 2],
        )


def page(query: str, link: str = "", size: int = 3) -> Page:
    return paginate(Filters.read(QueryDict(query)).rows(), QueryDict(link or query), size=size)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("most", [2, 4, 100])
def test_walking_older_and_newer_meets_every_row_once_and_in_order(
    deliveries: None, monkeypatch: pytest.MonkeyPatch, query: str, most: int
) -> None:
    monkeypatch.setattr(paging, "MOST_LOOKED_THROUGH", most)
    keys = Filters.read(QueryDict(query)).rows().keys
    expected = list(Delivery.objects.filter(**QUERIES[query]).order_by(*keys))
    shown = page(query)
    older = [*shown.rows]
    while shown.next is not None:
        shown = page(query, shown.next)
        older += shown.rows

    assert older == expected


@pytest.mark.parametrize("query", QUERIES)
def test_walking_back_meets_them_again(deliveries: None, query: str) -> None:
    keys = Filters.read(QueryDict(query)).rows().keys
    expected = list(Delivery.objects.filter(**QUERIES[query]).order_by(*keys))
    shown = page(query)
    while shown.next is not None:
        shown = page(query, shown.next)
    newer = [*shown.rows]
    while shown.previous is not None:
        shown = page(query, shown.previous)
        newer = [*shown.rows, *newer]

    assert newer == expected


def test_a_page_that_a_sieve_leaves_short_says_how_far_it_looked(
    deliveries: None, monkeypatch: pytest.MonkeyPatch, queries: Callable
) -> None:
    monkeypatch.setattr(paging, "MOST_LOOKED_THROUGH", 5)
    with queries(2):
        shown = page("secret=cccccccc")

    assert (shown.rows, shown.previous) == ([], None)
    assert shown.looked_back_to == Delivery.objects.order_by("-pk")[4].received_at
    assert page("secret=cccccccc", shown.next or "").previous == "secret=cccccccc"


def test_without_a_sieve_a_page_costs_one_query_however_late(deliveries: None, queries: Callable) -> None:
    first = page("status=applied")
    with queries(1):
        page("status=applied")
    with queries(1):
        assert len(page("status=applied", first.next or "").rows) == 3


def test_a_page_whose_rows_are_gone_shows_the_newest_one(deliveries: None) -> None:
    last = page("status=failed")
    DeliveryFactory.create_batch(4, is_failed=True)
    gone = page("status=failed").next or ""
    Delivery.objects.filter(pk__in=[row.pk for row in page("status=failed", gone).rows]).delete()

    assert last.rows == [] and len(page("status=failed", gone).rows) == 3
