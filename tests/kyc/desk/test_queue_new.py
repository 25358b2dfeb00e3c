"""The notice of new sessions: one indexed query, nothing written, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as SignIn
from django.test import Client
from django.utils import timezone

from kyc.models import LedgerEntry, Session
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import queue

Review = Callable[..., Session]


def address(page: str) -> str:
    """Return the address that the page polls."""
    return re.search(r'hx-get="(/queue/new/[^"]+)"', page)[1].replace("&amp;", "&")  # type: ignore[index]


def test_it_counts_what_came_since_the_page_was_made(officer_client: Client, review: Review) -> None:
    review(30)
    poll = address(queue(officer_client))
    assert officer_client.get(poll).status_code == 204
    review(40)
    assert "1 new session. Show it" in officer_client.get(poll).content.decode()
    review(50)
    assert "2 new sessions. Show them" in officer_client.get(poll).content.decode()

    assert officer_client.get(address(queue(officer_client))).status_code == 204


def test_it_counts_within_the_filters_and_leads_to_them(officer_client: Client, review: Review) -> None:
    review(30)
    poll = address(queue(officer_client, "reason=A&sort=newest"))
    review(checks=[check("A")])
    review(checks=[check("B")])
    notice = officer_client.get(poll).content.decode()

    assert "1 new session. Show it" in notice
    assert 'href="/queue/?reason=A&amp;sort=newest"' in notice


def test_it_does_not_repeat_itself(officer_client: Client, review: Review) -> None:
    poll = address(queue(officer_client))
    review()

    assert officer_client.get(f"{poll}&shown=1").status_code == 204
    assert officer_client.get(f"{poll}&shown=2").status_code == 200


def test_a_notice_that_no_longer_holds_is_taken_back(officer_client: Client, db: None) -> None:
    poll = address(queue(officer_client))
    answer = officer_client.get(f"{poll}&shown=1")

    assert (answer.status_code, answer.content.strip()) == (200, b"")


def test_it_costs_one_query_besides_the_sign_in_and_writes_nothing(
    officer_client: Client, review: Review, queries: Callable
) -> None:
    poll = address(queue(officer_client))
    review()
    SignIn.objects.update(expire_date=timezone.now() + timedelta(hours=1))
    before = SignIn.objects.values_list("session_data", "expire_date").get()
    n_entries = LedgerEntry.objects.count()
    with queries(3):  # the sign-in's session and person, one for the count
        answer = officer_client.get(poll)

    assert SignIn.objects.values_list("session_data", "expire_date").get() == before
    assert LedgerEntry.objects.count() == n_entries
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize("since", ["", "yesterday", "2026-03-17T12:00:00", "2026-02-31T12:00:00Z", "\x00"])
def test_a_wrong_instant_says_nothing(officer_client: Client, review: Review, since: str) -> None:
    review()

    assert officer_client.get("/queue/new/", {"since": since}).status_code == 204
