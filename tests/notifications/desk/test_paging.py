"""Pages of messages: Older and Newer, over several ranges of an index as over one, sieved or not."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.http import QueryDict
from django.utils import timezone

from kyc.desk import paging
from kyc.desk.paging import paginate
from notifications.choices import Kind, Status
from notifications.desk.filters import Filters
from notifications.models import Notification
from tests.factories import NotificationFactory

pytestmark = pytest.mark.django_db

WAITS = (Status.WITHHELD, Status.GAVE_UP, Status.WAITING)
KINDS = (Kind.VERIFICATION_FAILED, Kind.VERIFIED)


@pytest.fixture(autouse=True)
def messages() -> None:
    """Messages of all statuses that need a person, and some that need none; several of one instant."""
    now = timezone.now()
    for n in range(24):
        at = now - timedelta(minutes=n // 3)
        status = (*WAITS, Status.SENT)[n % 4]
        NotificationFactory(created_at=at, status=status, kind=KINDS[n % 5 == 0])


def pages(query: str, *, size: int, way: str = "next") -> list[list[UUID]]:
    """Walk from the page that the query asks for to the last one this way."""
    found = Filters.read(QueryDict(query)).rows()
    walked: list[list[UUID]] = []
    params: QueryDict | None = QueryDict(query)
    while params is not None:
        assert len(walked) < 40
        page = paginate(found, params, size=size)
        walked.append([row.pk for row in page.rows])
        following = getattr(page, way)
        params = None if following is None else QueryDict(following)
    return walked


def newest_first(**which: object) -> list[UUID]:
    rows = Notification.objects.filter(**which).order_by("-created_at", "-id")
    return list(rows.values_list("pk", flat=True))


QUERIES = {
    "": {},
    "status=needs-a-person": {"status__in": WAITS},
    "kind=verified&kind=verification_failed": {},
    "status=needs-a-person&kind=verified": {"status__in": WAITS, "kind": "verified"},
    "status=sent&whom=subjects": {"status": Status.SENT},
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("size", [1, 4, 50])
def test_older_leads_to_each_message_once_and_in_order(query: str, size: int) -> None:
    walked = pages(query, size=size)

    assert [pk for page in walked for pk in page] == newest_first(**QUERIES[query])
    assert all(len(page) <= size for page in walked)


@pytest.mark.parametrize("query", QUERIES)
def test_newer_leads_back_the_same_way(query: str) -> None:
    found = Filters.read(QueryDict(query)).rows()
    last = paginate(found, QueryDict(query), size=2)
    while last.next:
        last = paginate(found, QueryDict(last.next), size=2)
    there = pages(query, size=2)
    back = pages(last.previous or "", size=2, way="previous")

    assert [pk for page in reversed(back) for pk in page][: len(there) * 2] == [
        pk for page in there[:-1] for pk in page
    ]


@pytest.mark.parametrize("query", ["status=needs-a-person&kind=verified", "status=sent&whom=subjects"])
def test_a_page_that_stops_looking_says_so_and_older_goes_on(
    monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(paging, "MOST_LOOKED_THROUGH", 6)
    first = paginate(Filters.read(QueryDict(query)).rows(), QueryDict(query), size=50)
    walked = pages(query, size=50)

    assert first.looked_back_to is not None and len(walked) > 2
    assert [pk for page in walked for pk in page] == newest_first(**QUERIES[query])


def test_a_page_whose_rows_are_gone_shows_the_newest() -> None:
    found = Filters.read(QueryDict("status=sent")).rows()
    older = paginate(found, QueryDict("status=sent"), size=4).next
    kept = newest_first(status=Status.SENT)[:4]
    Notification.objects.filter(status=Status.SENT).exclude(pk__in=kept).delete()

    page = paginate(found, QueryDict(older), size=4)
    assert [row.pk for row in page.rows] == kept and page.previous is None


def test_a_cursor_that_is_not_ours_is_the_first_page() -> None:
    assert pages("after=nonsense", size=50) == pages("", size=50)
