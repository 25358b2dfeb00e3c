"""What was decided here and is still REVIEW at Ralio: a list of what is to be entered there, the most urgent first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyc import review
from kyc.choices import Outcome
from kyc.desk import portal
from kyc.models import LedgerEntry, Session, User
from tests.factories import DecisionFactory, DeliveryFactory, SessionFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, refused
from tests.kyc.review.acting import seen

pytestmark = pytest.mark.django_db
PAGE, EXPORT = reverse("queue-portal"), reverse("queue-portal-export")
WORDS = "I compared both pictures with care."


def html(client: Client, query: str = "") -> str:
    answer = client.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def listed(client: Client, query: str = "") -> list[UUID]:
    return [row.session.pk for row in client.get(f"{PAGE}?{query}").context["rows"]]


def rejected(by: User, *codes: str, hours: float = 1) -> Session:
    """A session that came to REVIEW some hours ago and was rejected just now."""
    session = arrive("REVIEW", hours=hours, checks=[refused(code) for code in codes or ["NO_MATCH"]])
    review.reject(session.pk, by=by, seen=seen(session), codes=codes or ["NO_MATCH"], rationale=WORDS)
    return session


def approved(by: User, *, hours: float = 1) -> Session:
    session = arrive("REVIEW", hours=hours)
    review.approve(session.pk, by=by, seen=seen(session), rationale=WORDS)
    return session


def test_it_lists_what_was_decided_the_first_to_expire_first(officer_client: Client, officer: User) -> None:
    late, early = rejected(officer, "ONE", "TWO", hours=2), approved(officer, hours=30)
    arrive("REVIEW"), arrive("REJECTED")
    page = html(officer_client)

    assert listed(officer_client) == [early.pk, late.pk]
    assert in_order(
        page, f"/sessions/{early.pk}/", "VERIFIED", "You", f"/sessions/{late.pk}/", "REJECTED", "ONE", "TWO"
    )
    assert f'data-copy="{late.pk}"' in page


@pytest.mark.parametrize("state", ["VERIFIED", "REJECTED", "EXPIRED", "REVIEW"])
def test_a_session_leaves_when_ralio_says_more(officer_client: Client, officer: User, state: str) -> None:
    session = approved(officer)
    again(session, state, at=timezone.now() + timedelta(minutes=1))

    assert listed(officer_client) == []


def test_a_proposal_and_an_undone_decision_are_not_in_it(officer_client: Client, officer: User) -> None:
    undone, proposed = approved(officer), arrive("REVIEW", checks=[refused()])
    review.undo(undone.decisions.get().pk, by=officer)
    review.approve(proposed.pk, by=officer, seen=seen(proposed), rationale=WORDS)

    assert listed(officer_client) == []


def test_it_names_who_confirmed(officer_client: Client, officer: User, supervisor: User) -> None:
    session = arrive("REVIEW", checks=[refused()])
    proposal = review.approve(session.pk, by=officer, seen=seen(session), rationale=WORDS)
    review.confirm(proposal.pk, by=supervisor, seen=seen(session))

    assert in_order(
        html(officer_client), f"/sessions/{session.pk}/", "VERIFIED", "You", "confirmed by supervisor"
    )


@pytest.mark.parametrize(
    ("age", "tone", "words"),
    [
        (timedelta(days=1), "ok", "expires in 6 days"),
        (timedelta(days=5), "soon", "expires in 2 days"),
        (timedelta(days=6, hours=22, minutes=30), "soon", "expires in 1 hour"),
        (timedelta(days=6, hours=23, minutes=59, seconds=30), "soon", "expires in less than a minute"),
        (timedelta(days=7), "over", "ran out less than a minute ago"),
        (timedelta(days=8), "over", "ran out 1 day ago"),
    ],
)
def test_it_says_how_long_there_is(age: timedelta, tone: str, words: str) -> None:
    now = timezone.now()
    row = portal.Row(SessionFactory.build(state_since=now - age), None, now)

    assert (row.tone, row.words) == (tone, words)


def test_the_lifetime_begins_with_the_sessions_first_event(officer_client: Client, officer: User) -> None:
    session = arrive("VERIFIED", hours=24 * 6)
    again(session, "REVIEW", hours=1, checks=[refused()])
    review.reject(session.pk, by=officer, seen=seen(session), codes=["NO_MATCH"], rationale=WORDS)

    assert "expires in 23 hours" in html(officer_client)


def test_an_event_at_the_calendars_end_shows_too(officer_client: Client, officer: User) -> None:
    session = approved(officer)
    Session.objects.filter(pk=session.pk).update(first_event_at="9999-12-31T23:00:00+00:00")

    assert listed(officer_client) == [session.pk]


def test_an_empty_list_says_why(officer_client: Client) -> None:
    assert "Nothing is to be entered at Ralio" in html(officer_client)
    assert "Export CSV" not in html(officer_client)


def test_it_is_for_people_who_may_read_sessions(
    client: Client, outsider_client: Client, auditor_client: Client
) -> None:
    assert client.get(PAGE).status_code == 302
    assert outsider_client.get(PAGE).status_code == 403
    assert auditor_client.get(PAGE).status_code == 200
    assert auditor_client.post(PAGE).status_code == 405


def test_the_navigation_stays_on_the_queue(officer_client: Client) -> None:
    assert f'href="{reverse("queue")}" data-key="g q" aria-current="page"' in html(officer_client)


def export(client: Client) -> list[dict[str, str]]:
    text = b"".join(client.get(EXPORT)).decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_export_has_a_line_for_each_and_no_formula(
    officer_client: Client, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal, "CHUNK", 1)
    with time_machine.travel("2026-11-20T12:00:00Z", tick=False):
        odd = rejected(officer, "=ODD", "TWO", hours=2)
        second = approved(officer)
    first, last = export(officer_client)

    assert first == {
        "session": str(odd.pk),
        "subject": str(odd.user_id),
        "entity": "user",
        "decision": "REJECTED",
        "codes": "'=ODD TWO",
        "decided by": "officer",
        "confirmed by": "",
        "decided at": "2026-11-20T12:00:00+00:00",
        "expires at Ralio": "2026-11-27T10:00:00+00:00",
    }
    assert (last["session"], last["decision"], last["codes"]) == (str(second.pk), "VERIFIED", "")


def test_the_export_is_in_the_ledger_and_for_people_who_may(
    officer: User, officer_client: Client, outsider_client: Client
) -> None:
    officer_client.get(EXPORT)
    entry = LedgerEntry.objects.get(chain=f"person:{officer.pk}", action="portal.exported")
    assert json.loads(entry.detail) == {}
    assert outsider_client.get(EXPORT).status_code == 403
    officer.groups.get().permissions.get(codename="export_session").group_set.clear()
    assert officer_client.get(EXPORT).status_code == 403


def unentered(n: int) -> Session:
    at = timezone.now() - timedelta(hours=n)
    session: Session = SessionFactory(state="VERIFIED", provider_state="REVIEW", state_since=at)
    decision = DecisionFactory(
        session=session, basis=DeliveryFactory(session=session), outcome=Outcome.APPROVE
    )
    Session.objects.filter(pk=session.pk).update(decided_by=decision.maker)
    return session


def test_its_queries_do_not_grow_and_pages_lead_to_each_other(
    officer_client: Client, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    sessions = [unentered(52)]
    with queries(6):  # two for the sign-in and its permissions, one for the queue's count beside its name
        html(officer_client)
    sessions += [unentered(n) for n in range(51, 0, -1)]
    with queries(6):
        first = officer_client.get(PAGE)
    assert [row.session.pk for row in first.context["rows"]] == [session.pk for session in sessions[:50]]
    assert listed(officer_client, first.context["page"].next) == [session.pk for session in sessions[50:]]
