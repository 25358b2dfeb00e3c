"""Pages by key: every row once, in order, forwards and backwards, and no cursor can break them."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from kyc.desk.filters import SORTS
from kyc.desk.paging import Listing, Page, paginate
from kyc.models import Session
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions() -> None:
    """Seventeen sessions, many of which share every sort key but the last."""
    now, dice = timezone.now(), random.Random(7)
    for _ in range(17):
        refused = dice.randint(0, 2)
        since = now - timedelta(hours=dice.randint(0, 3))
        SessionFactory(state_since=since, n_refused=refused, n_checks=refused)


def page(keys: tuple[str, ...], query: str | None = "", size: int = 3) -> Page[Session]:
    return paginate(Listing([Session.objects.all()], keys), QueryDict(query or ""), size=size)


@pytest.mark.parametrize("keys", SORTS.values(), ids=SORTS)
@pytest.mark.parametrize("size", [1, 3, 16, 17])
def test_walking_forwards_and_back_meets_every_row_once_and_in_order(
    sessions: None, keys: tuple[str, ...], size: int
) -> None:
    expected = list(Session.objects.order_by(*keys))
    shown = page(keys, size=size)
    forwards = [*shown.rows]
    while shown.next:
        shown = page(keys, shown.next, size)
        forwards += shown.rows
    backwards = [*shown.rows]
    while shown.previous:
        shown = page(keys, shown.previous, size)
        backwards = [*shown.rows, *backwards]

    assert forwards == expected
    assert backwards == expected


def test_the_first_and_the_last_page_have_one_neighbour(sessions: None) -> None:
    first = page(SORTS["due"], size=10)
    last = page(SORTS["due"], first.next, size=10)

    assert (first.previous, last.next) == (None, None)
    assert page(SORTS["due"], size=17).next is None


def test_the_rest_of_the_address_stays(sessions: None) -> None:
    shown = page(SORTS["due"], "reason=A&reason=B%26C&after=old")

    assert shown.next is not None
    assert shown.next.startswith("reason=A&reason=B%26C&after=")


@pytest.mark.parametrize("way", ["after", "before"])
@pytest.mark.parametrize("cursor", ["", "x", "W10:1:x", "\x00", "é" * 3000])
def test_a_wrong_cursor_shows_the_first_page(sessions: None, way: str, cursor: str) -> None:
    query = QueryDict(mutable=True)
    query[way] = cursor

    assert page(SORTS["due"], query.urlencode()).rows == page(SORTS["due"]).rows


def test_a_changed_cursor_and_one_of_another_order_show_the_first_page(sessions: None) -> None:
    good = page(SORTS["due"]).next or ""

    assert page(SORTS["due"], good.replace("after=W", "after=X")).rows == page(SORTS["due"]).rows
    assert page(SORTS["oldest"], good).rows == page(SORTS["oldest"]).rows


def test_a_page_whose_rows_are_gone_shows_the_first_one(sessions: None) -> None:
    gone = page(SORTS["due"], size=10).next
    for session in list(Session.objects.order_by("due_at", "id"))[10:]:
        session.delete()

    assert page(SORTS["due"], gone, size=10).rows == page(SORTS["due"], size=10).rows
