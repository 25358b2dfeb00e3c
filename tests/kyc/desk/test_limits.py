"""Whoever searches or exports more than a person does is told to wait. Ralio never is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from kyc.desk import limits
from kyc.models import LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import PASSWORD, SessionFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISTS = ("queue", "history", "deliveries", "notifications", "admin:kyc_session_changelist")
EXPORTS = ("history-export", "queue-portal-export")


@pytest.fixture
def few(settings: Any) -> None:
    settings.KYC_SEARCHES_PER_MINUTE = settings.KYC_EXPORTS_PER_HOUR = 2


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_one_search_too_many_has_to_wait_a_minute(few: None, admin_client: Client, name: str) -> None:
    page = reverse(name)
    with time_machine.travel(NOON, tick=False) as time:
        assert [admin_client.get(page, {"q": "zebra"}).status_code for _ in range(3)] == [200, 200, 429]
        refused = admin_client.get(page, {"q": "zebra"})
        time.shift(61)
        again = admin_client.get(page, {"q": "zebra"})

    assert refused["Retry-After"] == "60" and "no-store" in refused["Cache-Control"]
    assert "You may search 2 times a minute." in refused.content.decode()
    assert again.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_not_searched_is_not_counted(few: None, admin_client: Client, name: str) -> None:
    assert {admin_client.get(reverse(name), {"q": " "}).status_code for _ in range(4)} == {200}


@pytest.mark.django_db
@pytest.mark.parametrize("name", EXPORTS)
def test_one_export_too_many_has_to_wait_an_hour(few: None, admin_client: Client, name: str) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [admin_client.get(reverse(name)) for _ in range(3)]
    last = answers[-1]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert last["Retry-After"] == "3600" and "Content-Disposition" not in last
    assert "Try again in 60 minutes" in last.content.decode()
    assert LedgerEntry.objects.filter(action__endswith=".exported").count() == 2


@pytest.mark.django_db
def test_the_chosen_sessions_count_as_an_export_too(few: None, supervisor_client: Client) -> None:
    form = {"act": "export", "s": [str(SessionFactory().pk)]}
    answers = [supervisor_client.post(reverse("queue-bulk"), form).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


@pytest.mark.django_db
def test_each_person_is_counted_apart(few: None, officer: User, supervisor: User) -> None:
    for _ in range(3):
        limits.spend(officer, "search")

    assert limits.spend(officer, "search") > 0
    assert limits.spend(officer, "export") == 0
    assert limits.spend(supervisor, "search") == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_pass_than_may(few: None, officer: User) -> None:
    def once(_: int) -> int:
        try:
            return limits.spend(officer, "export")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        waits = list(pool.map(once, range(8)))

    assert waits.count(0) == 2


@pytest.mark.django_db
def test_who_asks_on_and_on_does_not_wait_for_longer(few: None, officer: User) -> None:
    with time_machine.travel(NOON, tick=False) as time:
        waits = [limits.spend(officer, "export") for _ in range(4)]
        time.shift(timedelta(minutes=59))
        waits.append(limits.spend(officer, "export"))

    assert waits == [0, 0, 3600, 3600, 60]


@pytest.mark.django_db
def test_no_turn_of_an_hour_lets_twice_as_many_through(few: None, officer: User) -> None:
    with time_machine.travel(NOON, tick=False) as time:
        limits.spend(officer, "export")
        time.shift(timedelta(minutes=59))
        waits = [limits.spend(officer, "export")]
        time.shift(timedelta(minutes=2))
        waits += [limits.spend(officer, "export") for _ in range(3)]
        time.shift(timedelta(minutes=58))
        waits += [limits.spend(officer, "export") for _ in range(2)]

    # The second of the first hour counts until an hour after it came, and so does the one after it.
    assert waits == [0, 0, 58 * 60, 58 * 60, 0, 2 * 60]


@pytest.mark.django_db
def test_what_is_over_is_forgotten(few: None, officer: User) -> None:
    with time_machine.travel(NOON, tick=False) as time:
        for _ in range(20):
            assert limits.spend(officer, "search") == 0
            time.shift(31)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value FROM kyc_cache WHERE cache_key = %s", [f"desk:limit:search:{officer.pk}"]
        )
        assert len(cursor.fetchone()[0].split(" ")) <= 5


@pytest.mark.django_db
def test_ralio_is_never_told_to_wait(
    few: None, post_event: Callable[..., Any], payload: Callable[..., dict[str, Any]]
) -> None:
    event = payload("kyc_session_verified")
    assert {post_event(event).status_code for _ in range(5)} == {200}
    assert Session.objects.count() == 1


@pytest.mark.django_db
def test_a_sign_in_too_many_says_when_to_come_back(settings: Any, officer: User) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    form = {"login": officer.username, "password": PASSWORD}
    Client().post(reverse("account_login"), form)
    refused = Client().post(reverse("account_login"), form)

    assert refused.status_code == 429 and refused["Retry-After"] == "60"
    assert signed_in(officer).get(reverse("queue")).status_code == 200
