"""The session page shows every set of checks that arrived, the newest first, as it was sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kyc import review
from kyc.desk import evidence
from kyc.models import ReasonCode, User
from tests.kyc.desk.arrivals import again, arrive, in_order, newest_delivery, page, refused

pytestmark = pytest.mark.django_db
PASSED: dict[str, Any] = {"type": "document-verification", "state": 1}


def test_refused_checks_come_first(officer_client: Client) -> None:
    odd = {"type": "liveness", "state": 3}
    html = page(officer_client, arrive("REVIEW", checks=[PASSED, odd, refused()]))

    assert in_order(html, "Checks</h2>", ">face-matching<", ">liveness<", ">document-verification<")
    assert "1 refused, 1 unknown, 1 validated" in html


def test_the_newest_set_comes_first_and_earlier_ones_are_complete(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused("OLD_CODE", "The old one."), PASSED])
    again(session, "REVIEW", hours=2, checks=[refused("NEW_CODE", "The new one.")])
    html = page(officer_client, session)

    assert in_order(html, "The new one.", "Earlier set, from", "kyc_session_manual_review", "The old one.")
    assert in_order(html, "Earlier set, from", ">document-verification<")


def test_an_event_that_brings_no_checks_leaves_the_last_ones_in_place(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused("OLD_CODE")])
    again(session, "REJECTED")
    html = page(officer_client, session)

    assert "OLD_CODE" in html
    assert "Earlier set" not in html


def test_a_reason_shows_message_code_category_and_type(officer_client: Client) -> None:
    html = page(
        officer_client, arrive("REVIEW", checks=[refused("KYC.DOC.OLD", "It is old.", category="DOC")])
    )

    assert in_order(
        html, "It is old.", 'class="code__cat">DOC', 'class="code__name">KYC.DOC.OLD', "face-match"
    )


def test_a_code_leads_to_the_rejections_that_had_it(officer_client: Client) -> None:
    for _ in range(2):
        arrive("REJECTED", checks=[refused("A&B")])
    html = page(officer_client, arrive("REVIEW", checks=[refused("A&B"), refused("UNHEARD")]))

    assert 'href="/rejected/?reason=A%26B&amp;days=all">2 rejected with this code</a>' in html
    assert html.count("rejected with this code") == 1


def test_what_the_catalogue_knows_of_a_code_is_said(officer_client: Client) -> None:
    session = arrive("REVIEW", checks=[refused("KYC.AML")])
    ReasonCode.objects.filter(code="KYC.AML").update(guidance="Ask the supervisor.", is_suspicion=True)
    html = page(officer_client, session)

    assert "Ask the supervisor." in html
    assert "do not tell the subject" in html


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(2, "2"), ("Refused", "&quot;Refused&quot;"), (3, "3"), ({"a": 1.50}, "{&quot;a&quot;: 1.5}")],
)
def test_the_state_is_shown_as_it_was_sent(officer_client: Client, sent: Any, shown: str) -> None:
    html = page(officer_client, arrive("REVIEW", checks=[refused(state=sent)]))

    assert f"state sent as <code>{shown}</code>" in html


def test_raw_data_keeps_its_digits_and_its_letters(officer_client: Client) -> None:
    data = {"score": 12345678901234567890123, "who": "Ana Pérez \u0000"}
    html = page(officer_client, arrive("REVIEW", checks=[refused(data=data)]))

    assert '<span class="n">12345678901234567890123</span>' in html
    assert "Ana Pérez \ufffd" in html


def test_raw_data_too_long_for_the_page_is_a_link(officer_client: Client) -> None:
    session = arrive("REVIEW", checks=[refused(data={"scan": "x" * evidence.LONGEST_DATA})])
    html = page(officer_client, session)

    assert "too long for this page" in html
    assert f"/sessions/{session.pk}/deliveries/{newest_delivery(session).pk}/" in html
    assert len(html) < evidence.LONGEST_DATA


def test_more_checks_than_fit_are_a_click_away(
    officer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_CHECKS", 3)
    session = arrive("REVIEW", hours=3, checks=[refused("OLDEST")])
    again(session, "REVIEW", checks=[PASSED, refused("ONE"), refused("TWO"), refused("THREE")])
    html, whole = page(officer_client, session), page(officer_client, session, "?checks=all")

    assert "1 earlier set of checks is not shown" in html
    assert all(code in whole for code in ("OLDEST", "ONE", "TWO", "THREE", ">document-verification<"))


def test_a_corrected_value_says_what_was_sent(officer_client: Client, admin: User) -> None:
    session = arrive("REVIEW", checks=[refused("WRONG")])
    reason = session.checks.get().reasons.get()
    review.correct(session, by=admin, changes=[review.Change(reason, "code", "RIGHT")], reason="A slip.")
    html = page(officer_client, session)

    assert in_order(html, 'class="code__name">RIGHT', "corrected", "WRONG", "admin", "A slip.")
