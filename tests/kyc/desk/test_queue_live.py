"""Rows that change in place: only those that changed, in words, at the cost of one query when none did."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from kyc.models import LedgerEntry, Session, User
from kyc.review import ask, claim, keep, release
from tests import wire
from tests.factories import UserFactory
from tests.kyc.desk.conftest import check, hours_ago
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def marks(page: str) -> str:
    """Return the page's rows as its script says them."""
    found = re.findall(r'id="s-([0-9a-f-]{36})" data-mark="([^"]+)"', page)
    return "_".join(f"{pk.replace('-', '')}.{mark}" for pk, mark in found)


def poll(client: Client, known: str, query: str = "", **more: str) -> str:
    answer = client.get(f"/queue/rows/?{query}&{urlencode({'s': known, **more})}")
    assert answer.status_code in (200, 204) and "UTC" in answer["Desk-As-Of"]
    return answer.content.decode()


def short(session: Session) -> str:
    return str(session.pk)[:8]


def test_it_costs_one_query_while_nothing_changes(
    officer_client: Client, review: Review, queries: Callable
) -> None:
    for hours in range(3):
        review(hours)
    known, n_entries = marks(queue(officer_client)), LedgerEntry.objects.count()
    with queries(3):  # the sign-in's session and person; one for the rows
        answer = officer_client.get("/queue/rows/", {"s": known})

    assert answer.status_code == 204
    assert LedgerEntry.objects.count() == n_entries


def test_a_claim_of_somebody_else_shows_and_is_said(
    officer_client: Client, colleague: User, review: Review
) -> None:
    taken, other = review(3, checks=[check("A")]), review(2)
    known = marks(queue(officer_client))
    claim(taken.pk, by=colleague)
    part = poll(officer_client, known)

    assert ids(part) == [str(taken.pk)] and str(other.pk) not in part
    assert '<span class="who__name">officer.b</span>' in part and "A it is" in part
    assert f'<p hx-swap-oob="innerHTML:#announce">officer.b claimed {short(taken)}.</p>' in part
    assert poll(officer_client, marks(part)) == ""


def test_several_changes_are_said_in_one_sentence(
    officer_client: Client, officer: User, colleague: User, review: Review
) -> None:
    first, second, third = review(3), review(2), review(1)
    claim(first.pk, by=colleague)
    known = marks(queue(officer_client))
    release(first.pk, by=colleague)
    claim(second.pk, by=colleague)
    wire.post(wire.payload("kyc_session_verified", session_id=third.pk, at=hours_ago(0)))
    said = re.findall(r"#announce\">([^<]+)<", poll(officer_client, known))

    assert said == [f"Ralio verified {short(third)}, and 2 more rows changed."]


def test_a_row_that_left_the_queue_stays_and_says_what_became_of_it(
    officer_client: Client, review: Review
) -> None:
    session = review(3)
    known = marks(queue(officer_client))
    wire.post(wire.payload("kyc_session_failed", session_id=session.pk, at=hours_ago(0)))
    part = poll(officer_client, known)

    assert "qrow--left" in part and '<span class="left">Rejected by Ralio</span>' in part
    assert 'name="s"' not in part and 'name="claim"' not in part
    assert poll(officer_client, marks(part)) == ""


def test_a_row_that_left_the_view_says_so(officer_client: Client, colleague: User, review: Review) -> None:
    session = review(3)
    known = marks(queue(officer_client, "view=free"))
    claim(session.pk, by=colleague)

    assert "Claimed by officer.b" in poll(officer_client, known, "view=free")
    assert "qrow--left" not in poll(officer_client, known)


def test_a_lease_that_ends_and_a_target_that_is_missed_are_changes(
    officer_client: Client, colleague: User, review: Review
) -> None:
    held, late = review(3), review(2)
    claim(held.pk, by=colleague)
    known = marks(queue(officer_client))
    Session.objects.filter(pk=held.pk).update(claimed_until=timezone.now())
    part = poll(officer_client, known)
    assert f"{short(held)} is free again." in part and 'name="claim"' in part

    Session.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    part = poll(officer_client, known.replace(held.pk.hex, "0"))
    assert f"{short(late)} is overdue now." in part and "sla--over" in part


def test_the_holder_learns_that_somebody_asks(
    officer_client: Client, officer: User, colleague: User, review: Review
) -> None:
    session = review(3)
    claim(session.pk, by=officer)
    known = marks(queue(officer_client))
    ask(session.pk, by=colleague)
    part = poll(officer_client, known)

    assert f"officer.b asks to take over {short(session)}." in part
    assert f'href="/sessions/{session.pk}/"' in part
    key = re.search(r'data-ask="([^"]+)"', part)[1]  # type: ignore[index]
    assert poll(officer_client, known, asked=key) == ""
    assert f'data-ask="{key}"' in queue(officer_client)
    keep(session.pk, by=officer)
    assert "data-ask" not in poll(officer_client, known, asked=key)


@pytest.mark.parametrize("text", ["", "x", "_._", "0" * 32, "9" * 32 + ".", "\x00", "a.b_" * 9000])
def test_a_list_that_is_none_of_ours_says_nothing(officer_client: Client, review: Review, text: str) -> None:
    review()

    assert poll(officer_client, text) == ""


def test_visitors_are_sent_to_sign_in_and_outsiders_are_refused(outsider_client: Client) -> None:
    answer = Client().get("/queue/rows/", headers={"HX-Request": "true"})

    assert answer.status_code == 401 and "/account/login/" in answer["HX-Redirect"]
    assert outsider_client.get("/queue/rows/").status_code == 403
