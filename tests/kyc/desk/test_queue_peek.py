"""The preview beside the list."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.urls import reverse

from kyc import ledger
from kyc.models import LedgerEntry, Session, User
from tests import wire
from tests.kyc.desk.conftest import check, hours_ago

Review = Callable[..., Session]


def peek(client: Client, session: Session) -> str:
    return client.get(reverse("queue-peek", args=[session.pk])).content.decode()


def test_it_shows_the_checks_refused_first_with_their_reasons(officer_client: Client, review: Review) -> None:
    session = review(
        30,
        checks=[
            check(state="Validated", type="document-verification"),
            check("LOW_CONFIDENCE", category="FACE"),
        ],
    )
    shown = peek(officer_client, session)

    assert shown.index("Face matching") < shown.index("Document verification")
    assert "LOW_CONFIDENCE it is" in shown and ">FACE<" in shown
    assert "6h over" in shown and str(session.user_id) in shown
    assert shown.strip().startswith('<aside class="card peek is-stale-while-loading" id="peek"')


def test_it_shows_earlier_attempts(officer_client: Client, review: Review) -> None:
    user = uuid4()
    wire.post(wire.payload("kyc_session_failed.g2", user_id=user, at=hours_ago(50)))

    assert "1 earlier rejected" in peek(officer_client, review(user_id=user))


def test_it_is_a_read_and_is_recorded(officer_client: Client, officer: User, review: Review) -> None:
    session = review()
    peek(officer_client, session)
    entry = LedgerEntry.objects.filter(chain=ledger.person_chain(officer)).latest("seq")

    assert (entry.action, entry.actor) == ("session.previewed", officer)
    assert str(session.pk) in entry.detail


def test_its_queries_do_not_grow_with_the_session(
    officer_client: Client, review: Review, queries: Callable
) -> None:
    few, many = review(checks=[check("A")]), review(checks=[check(*"ABCDEF")] * 20)
    number = 7 if connection.vendor == "postgresql" else 8
    with queries(number):
        peek(officer_client, few)
    with queries(number):
        peek(officer_client, many)


def test_a_session_that_does_not_exist_is_missing(officer_client: Client) -> None:
    assert officer_client.get(reverse("queue-peek", args=[uuid4()])).status_code == 404


def test_what_it_leaves_out_it_says(officer_client: Client, review: Review) -> None:
    codes = [f"CODE_{n}" for n in range(17)]
    session = review(checks=[check(*codes, type=f"type-{n}") for n in range(18)])
    shown = peek(officer_client, session)

    assert "2 more checks on the session page." in shown
    assert "CODE_15 it is" in shown and "CODE_16" not in shown
    assert "The session page has the rest." in shown
    assert ">and more<" in officer_client.get("/queue/").content.decode()
