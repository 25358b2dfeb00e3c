"""Beside each reason stands how people here decided other sessions with the same code."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kyc.choices import Outcome
from kyc.desk import precedents
from kyc.models import Decision, ReasonCode, Session, User
from kyc.models.digests import text_digest
from kyc.querysets import CAP
from tests.factories import DecisionFactory, PrecedentFactory, SessionFactory, UserFactory
from tests.kyc.desk.arrivals import arrive, in_order, newest_delivery, page, refused

pytestmark = pytest.mark.django_db


def decided(outcome: Outcome, *, code: str = "NO_MATCH", hours: float = 1, **more: object) -> Decision:
    """A decision about another session that had a code, some hours ago."""
    codes = ["NO_MATCH"] if outcome == Outcome.REJECT else []
    at = timezone.now() - timedelta(hours=hours)
    decision: Decision = DecisionFactory(outcome=outcome, codes=codes, confirmed_at=at, **more)
    PrecedentFactory(decision=decision, digest=text_digest(code))
    return decision


def words(html: str) -> str:
    found = re.search(r"Officers [^<]*", html)
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("n_rejected", "n_approved", "said"),
    [
        (2, 1, "Officers rejected 2 and approved 1 session with this code"),
        (1, 0, "Officers rejected 1 session with this code and approved none"),
        (0, 2, "Officers approved 2 sessions with this code and rejected none"),
        (0, 0, ""),
    ],
)
def test_it_says_how_many(officer_client: Client, n_rejected: int, n_approved: int, said: str) -> None:
    for outcome, n in ((Outcome.REJECT, n_rejected), (Outcome.APPROVE, n_approved)):
        for _ in range(n):
            decided(outcome)
    decided(Outcome.REJECT, code="ANOTHER")

    assert words(page(officer_client, arrive("REVIEW", checks=[refused()]))) == said


def test_the_newest_are_named_with_outcome_people_and_date(officer_client: Client) -> None:
    maker, checker = UserFactory(username="officer.b"), UserFactory(username="supervisor.a")
    oldest = decided(Outcome.REJECT, hours=50)
    approved = decided(Outcome.APPROVE, hours=3, maker=maker, checker=checker, checked_at=timezone.now())
    others = [decided(Outcome.REJECT, hours=hours) for hours in (2, 4)]
    html = page(officer_client, arrive("REVIEW", checks=[refused()]))

    shown = html.split('class="precedents__list"')[1].split("</ul>")[0]
    assert in_order(shown, str(others[0].session_id), str(approved.session_id), str(others[1].session_id))
    assert in_order(shown, "Rejected", "Approved", "officer.b", "confirmed by supervisor.a", "Rejected")
    assert str(oldest.session_id) not in shown


def test_its_own_decisions_do_not_count(officer_client: Client, officer: User) -> None:
    session = arrive("REVIEW", checks=[refused()])
    decided(Outcome.REJECT, session=session, basis=newest_delivery(session))
    assert words(page(officer_client, session)) == ""

    other = decided(Outcome.APPROVE)
    html = page(officer_client, session)
    assert "approved 1 session with this code" in html and f"/sessions/{other.session_id}/" in html


def test_counts_stop_at_the_cap(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedents, "CAP", 2)
    monkeypatch.setattr("kyc.querysets.CAP", 2)
    monkeypatch.setattr("kyc.figures.CAP", 2)
    for _ in range(4):
        decided(Outcome.REJECT)

    assert words(page(officer_client, arrive("REVIEW", checks=[refused()]))).startswith(
        "Officers rejected 2+ "
    )


def test_one_query_tells_of_any_number_of_codes(django_assert_num_queries) -> None:
    session: Session = SessionFactory()
    codes = [f"CODE_{n}" for n in range(12)]
    for code in codes:
        ReasonCode.objects.create(code=code)
        decided(Outcome.REJECT, code=code)
        decided(Outcome.APPROVE, code=code)

    with django_assert_num_queries(1):
        known = precedents.with_precedents(ReasonCode.objects.filter(code__in=codes), session)
        found = {code.code: precedents.precedents(code) for code in known}
    assert {(found[code].n_rejected, found[code].n_approved, len(found[code].newest)) for code in codes} == {
        (1, 1, 2)
    }
    assert CAP == 1000


def test_guidance_reads_as_what_to_look_at(officer_client: Client) -> None:
    session = arrive("REVIEW", checks=[refused()])
    ReasonCode.objects.filter(code="NO_MATCH").update(label="No match", guidance="Compare the photographs.")

    html = page(officer_client, session)
    assert in_order(html, 'class="reason__meta"', "No match", "What to look at", "Compare the photographs.")
