"""The ledger's page: newest first, found by person, act, day, session, subject, address and request."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from kyc import ledger, origins
from kyc.desk import paging
from kyc.models import LedgerEntry, Session, User
from kyc.origins import Origin
from tests.kyc.desk.arrivals import arrive

pytestmark = pytest.mark.django_db

SOMEWHERE, ELSEWHERE = Origin("0" * 31 + "a", "203.0.113.7"), Origin("0" * 31 + "b", "2001:db8::1")


def note(
    chain: str, action: str, by: User | None = None, origin: Origin = SOMEWHERE, **detail: str
) -> LedgerEntry:
    with origins.of(origin):
        return ledger.append(chain, action, actor=by, **detail)


def shown(client: Client, query: str = "") -> list[int]:
    """Return the entries of the page that a query asks for, in their order."""
    answer = client.get(f"/ledger/?{query}")
    assert answer.status_code == 200
    return [int(pk) for pk in re.findall(r'id="s-(\d+)"', answer.content.decode())]


def test_it_shows_the_newest_entry_first_with_who_and_whence(auditor_client: Client, officer: User) -> None:
    first = note(ledger.SYSTEM, "code.added", officer, code="NO_MATCH")
    second = note(ledger.person_chain(officer), "session.read", officer, ELSEWHERE, session=str(uuid4()))

    assert shown(auditor_client)[:2] == [second.pk, first.pk]
    page = auditor_client.get("/ledger/").content.decode()
    assert "session.read" in page
    assert "2001:db8::1" in page
    assert "NO_MATCH" in page


def test_an_officer_does_not_see_it(officer_client: Client) -> None:
    assert officer_client.get("/ledger/").status_code == 403
    assert 'href="/ledger/"' not in officer_client.get("/queue/").content.decode()


def test_it_finds_by_person_and_act(auditor_client: Client, officer: User, supervisor: User) -> None:
    read = note(ledger.person_chain(officer), "session.read", officer)
    note(ledger.person_chain(supervisor), "session.read", supervisor)
    note(ledger.person_chain(officer), "person.signed_in", officer)

    assert shown(auditor_client, f"person={officer.pk}&action=session.read") == [read.pk]
    assert shown(auditor_client, "action=session.read&action=person.signed_in") == [
        row.pk for row in LedgerEntry.objects.order_by("-pk")
    ]
    assert shown(auditor_client, "action=nobody.did") == []
    assert shown(auditor_client, "person=x&action=" + "x" * 100) == shown(auditor_client)


def test_it_finds_a_chain_by_session_subject_and_person(auditor_client: Client, officer: User) -> None:
    session = arrive("REVIEW", user_id=str(uuid4()))
    own = LedgerEntry.objects.filter(chain=ledger.session_chain(session.pk)).order_by("-seq")
    read = note(ledger.person_chain(officer), "session.read", officer, session=str(session.pk))

    for text in (session.pk, str(session.pk)[:9], f"session:{session.pk}", session.user_id, session.pk.hex):
        assert shown(auditor_client, f"q={text}") == [row.pk for row in own]
    assert shown(auditor_client, "q=officer") == shown(auditor_client, f"q=person:{officer.pk}") == [read.pk]
    assert "cannot be looked up" in auditor_client.get("/ledger/?q=nobody").content.decode()


def test_a_chain_that_lost_its_session_is_found_all_the_same(auditor_client: Client) -> None:
    gone = uuid4()
    entry = note(ledger.session_chain(gone), "session.noted")
    assert not Session.objects.filter(pk=gone).exists()
    assert shown(auditor_client, f"q={gone}") == [entry.pk]


def test_it_finds_by_address_and_request(auditor_client: Client, officer: User) -> None:
    here = note(ledger.person_chain(officer), "session.read", officer)
    there = note(ledger.person_chain(officer), "session.read", officer, ELSEWHERE)
    wire = note(ledger.session_chain(uuid4()), "delivery.applied", None, ELSEWHERE)

    assert shown(auditor_client, "q=203.0.113.7") == [here.pk]
    assert shown(auditor_client, f"q={ELSEWHERE.request_id}") == [there.pk]
    assert shown(auditor_client, "q=2001:DB8:0::1&action=delivery.applied") == [wire.pk]
    assert "is left out of this search" in auditor_client.get("/ledger/?q=203.0.113.7").content.decode()


def test_it_finds_by_day(auditor_client: Client) -> None:
    now = timezone.now()
    rows = []
    for days in range(9, -1, -1):
        with patch("django.utils.timezone.now", return_value=now - timedelta(days=days)):
            rows.append(note(ledger.SYSTEM, "code.changed"))
    since, until = (timezone.localdate(rows[n].at).isoformat() for n in (3, 6))

    expected = [rows[n].pk for n in (6, 5, 4, 3)]
    assert shown(auditor_client, f"from={since}&to={until}") == expected
    assert shown(auditor_client, f"from={since}&to={until}&q=system") == expected
    assert shown(auditor_client, "from=2001-01-01&to=2001-01-02") == []


def test_it_turns_pages_both_ways(auditor_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging.paginate, "__kwdefaults__", {"size": 2})
    pks = [note(ledger.SYSTEM, "code.changed").pk for _ in range(5)][::-1]
    for query in ("q=system", "from=2026-01-01&action=code.changed", "action=code.changed"):
        first = auditor_client.get(f"/ledger/?{query}").context["page"]
        second = auditor_client.get(f"/ledger/?{first.next}").context["page"]
        third = auditor_client.get(f"/ledger/?{second.next}").context["page"]
        assert [row.pk for page in (first, second, third) for row in page.rows] == pks
        assert third.next is None
        back = auditor_client.get(f"/ledger/?{third.previous}").context["page"]
        assert [row.pk for row in back.rows] == pks[2:4]


def test_a_sieved_page_says_how_far_back_it_looked(
    auditor_client: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_LOOKED_THROUGH", 3)
    wanted = note(ledger.person_chain(officer), "session.read", officer)
    for _ in range(4):
        note(ledger.person_chain(officer), "session.previewed", officer)
    answer = auditor_client.get(f"/ledger/?person={officer.pk}&action=session.read")
    assert "Looked back to" in answer.content.decode()
    assert shown(auditor_client, answer.context["page"].next) == [wanted.pk]


@pytest.mark.parametrize(
    "query", ["", "q=officer", "q=203.0.113.7&from=2026-01-01", "person=1&action=a&action=b"]
)
def test_a_page_costs_at_most_ten_queries(
    auditor_client: Client, officer: User, query: str, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    for _ in range(3):
        note(ledger.person_chain(officer), "session.read", officer)
    expected = {"": 6, "q=officer": 8, "q=203.0.113.7&from=2026-01-01": 9, "person=1&action=a&action=b": 6}
    with queries(expected[query]):
        auditor_client.get(f"/ledger/?{query}")
