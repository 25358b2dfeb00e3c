"""The session page opens to those who may read sessions, and each opening is an act in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from kyc.models import LedgerEntry, Session, User
from tests.kyc.desk.arrivals import again, arrive, page, refused

pytestmark = pytest.mark.django_db


def test_it_shows_the_session_to_officers(officer_client: Client) -> None:
    session = arrive("REVIEW", checks=[refused()])
    html = page(officer_client, session)

    assert str(session.pk) in html
    assert str(session.user_id) in html
    assert 'class="state state--review">REVIEW' in html


def test_auditors_read_it_too(auditor_client: Client) -> None:
    page(auditor_client, arrive("VERIFIED"))


def test_a_visitor_signs_in_first(client: Client) -> None:
    session = arrive("REVIEW")
    answer = client.get(f"/sessions/{session.pk}/")

    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next=/sessions/{session.pk}/")


def test_an_outsider_is_refused_and_nothing_is_recorded(outsider_client: Client, outsider: User) -> None:
    session = arrive("REVIEW")

    assert outsider_client.get(f"/sessions/{session.pk}/").status_code == 403
    assert not LedgerEntry.objects.filter(actor=outsider, action="session.read").exists()


def test_a_session_that_never_came_is_not_found(officer_client: Client) -> None:
    assert officer_client.get(f"/sessions/{uuid4()}/").status_code == 404


def test_it_only_reads(officer_client: Client) -> None:
    assert officer_client.post(f"/sessions/{arrive('REVIEW').pk}/").status_code == 405


def test_every_view_is_in_the_ledger(officer_client: Client, officer: User) -> None:
    session = arrive("REVIEW")
    page(officer_client, session)
    page(officer_client, session)

    read = LedgerEntry.objects.filter(chain=f"person:{officer.pk}", action="session.read")
    first, second = read.order_by("seq")
    assert json.loads(second.detail) == {"session": str(session.pk)}
    assert (first.actor, second.seq) == (officer, first.seq + 1)


def test_it_is_never_cached(officer_client: Client) -> None:
    answer = officer_client.get(f"/sessions/{arrive('REVIEW').pk}/")

    assert "no-store" in answer["Cache-Control"]


def test_only_those_who_may_correct_are_led_to_the_admin(
    officer_client: Client, admin_client: Client
) -> None:
    session = arrive("REVIEW")

    assert f"/admin/kyc/session/{session.pk}/change/" in page(admin_client, session)
    assert "Correct in admin" not in page(officer_client, session)


def test_its_queries_do_not_grow_with_the_session(
    officer_client: Client, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    small = arrive("REVIEW", checks=[refused()])
    again_of(small, 1)
    large = arrive("REVIEW", checks=[refused()])
    again_of(large, 3)
    for n in range(40):
        again(large, ("REJECTED", "REVIEW")[n % 2], hours=50 - n / 2, checks=[refused(f"CODE_{n % 7}")])
    page(officer_client, small)

    # The sign-in's session and person, three statements of the page's own, and the record's.
    number = 7 if connection.vendor == "postgresql" else 8
    for session in (small, large):
        with queries(number):
            page(officer_client, session)


def again_of(session: Session, n: int) -> None:
    """Let the subject of a session have been rejected before."""
    for _ in range(n):
        arrive("REJECTED", hours=200, user_id=session.user_id, checks=[refused()])
