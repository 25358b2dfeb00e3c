"""The list of messages: its views and filters, and what a page costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from kyc.models import User
from notifications.choices import Kind, Status
from notifications.models import Notification
from tests.factories import NotificationFactory

pytestmark = pytest.mark.django_db

PAGE = "/notifications/"


def page(client: Client, query: str = "") -> str:
    return client.get(f"{PAGE}?{query}").content.decode()


def listed(shown: str) -> list[UUID]:
    return [UUID(found) for found in re.findall(r'id="s-([0-9a-f-]{36})"', shown)]


@pytest.fixture
def of_each() -> dict[Status, Notification]:
    now = timezone.now()
    return {
        status: NotificationFactory(status=status, created_at=now - timedelta(minutes=n))
        for n, status in enumerate(Status)
    }


@pytest.mark.parametrize(
    ("view", "statuses"),
    [
        ("", Status),
        ("needs-a-person", [Status.WAITING, Status.WITHHELD, Status.GAVE_UP]),
        ("due", [Status.PENDING]),
        ("sent", [Status.SENT]),
        ("cancelled", [Status.CANCELLED]),
        ("nothing", Status),
    ],
)
def test_a_view_holds_its_statuses_newest_first_and_its_tab_the_number(
    officer_client: Client, of_each: dict[Status, Notification], view: str, statuses: list[Status]
) -> None:
    shown = page(officer_client, f"status={view}")

    assert listed(shown) == [of_each[status].pk for status in statuses]
    tab = re.search(r'aria-current="page">([\w ]+) <span class="tabs__n[^"]*">(\d+)<', shown)
    assert tab and tab[2] == str(len(statuses))


def test_filters_are_or_within_and_and_across(officer_client: Client) -> None:
    failed = NotificationFactory()
    verified = NotificationFactory(kind=Kind.VERIFIED)
    old = NotificationFactory(created_at=timezone.now() - timedelta(days=40))
    team = NotificationFactory(kind=Kind.REVIEW_OPENED, recipient="team@example.test")
    since = (timezone.localdate() - timedelta(days=1)).isoformat()

    for query, found in {
        "kind=verified&kind=review_opened": {verified, team},
        "whom=subjects": {failed, verified, old},
        "whom=desk": {team},
        "whom=desk&whom=subjects": {failed, verified, old, team},
        "whom=desk&kind=verified": set(),
        f"from={since}&whom=subjects": {failed, verified},
        f"from={since}&whom=subjects&status=due": {failed, verified},
        f"kind=verification_failed&to={since}": {old},
        "kind=verified&status=sent": set(),
        f"q={failed.session_id}": {failed},
        f"q={str(failed.session_id)[:8]}&status=due&kind=verification_failed": {failed},
        f"q={failed.session_id}&status=sent": set(),
        "q=1234567": set(),
    }.items():
        assert set(listed(page(officer_client, query))) == {row.pk for row in found}, query


def test_a_long_list_costs_the_same_few_queries(
    officer_client: Client, officer: User, queries: Callable[..., Any]
) -> None:
    NotificationFactory.create_batch(5)
    for _ in range(3):
        NotificationFactory(kind=Kind.REVIEW_OPENED, recipient=f"person:{officer.pk}")

    # Who asks: two; how often they searched; the numbers; the rows, in two where they are sieved or searched; the names of
    # people at the desk.
    for query, n in {"": 5, "status=needs-a-person": 4, "status=due&whom=desk": 6, "q=12345678": 5}.items():
        with queries(n):
            page(officer_client, query)
