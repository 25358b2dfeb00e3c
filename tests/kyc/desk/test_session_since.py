"""Above the checks stands what the newest ones say otherwise than those of the REVIEW event that opened the round."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from kyc.desk import evidence
from kyc.models import Session, User
from tests.factories import DecisionFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, newest_delivery, page, refused

pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {"type": "document-verification", "state": 1}


def face(state: Any = 1, **data: Any) -> dict[str, Any]:
    return {"type": "face-matching", "state": state, "data": data}


def since(client: Client, session: Session, query: str = "") -> str:
    """Return what the page says has changed, without tags; empty where it says nothing."""
    html = page(client, session, query)
    if 'id="h-since"' not in html:
        return ""
    part = html.split('id="h-since">')[1].split("</div>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", part).split())


def test_a_check_that_turned_is_named(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused("LOW", data={"score": 0.61}), DOCUMENT])
    again(session, "REVIEW", hours=2, checks=[DOCUMENT, face(score=0.93)])
    said = since(officer_client, session)

    assert said.startswith("Since the REVIEW event of") or "UTC" in said
    assert in_order(said, "Face matching", "Refused", "became", "Validated", "no longer", "LOW")
    assert "1 field of its data changed, among them score 0.61 to 0.93" in said
    assert "Document" not in said


def test_checks_that_came_and_went_are_named(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[DOCUMENT])
    again(session, "VERIFIED", hours=2, checks=[refused("NEW")])
    said = since(officer_client, session)

    assert in_order(said, "Face matching", "new", "Refused", "with", "NEW")
    assert in_order(said, "Document verification", "not sent any more", "was", "Validated")


def test_sets_that_say_the_same_say_so(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[DOCUMENT, refused()])
    again(session, "REVIEW", hours=2, checks=[refused(), DOCUMENT])

    assert "Nothing differs: the newest checks say the same." in since(officer_client, session)


def test_without_a_later_set_nothing_is_said(officer_client: Client) -> None:
    alone = arrive("REVIEW", checks=[refused()])
    earlier = arrive("REJECTED", hours=9, checks=[refused("OLD")])
    again(earlier, "REVIEW", hours=2, checks=[refused("NEW")])
    bare = arrive("REVIEW", hours=3)
    again(bare, "REVIEW", hours=2, checks=[refused("NEW")])

    assert [since(officer_client, session) for session in (alone, earlier, bare)] == ["", "", ""]


def test_it_counts_from_the_present_round(officer_client: Client, officer: User) -> None:
    session = arrive("REVIEW", hours=9, checks=[refused("FIRST")])
    DecisionFactory(session=session, basis=newest_delivery(session), maker=officer)
    again(session, "REVIEW", hours=5, checks=[refused("SECOND")])
    again(session, "REVIEW", hours=1, checks=[refused("THIRD")])
    said = since(officer_client, session)

    assert in_order(said, "new reason", "THIRD", "no longer", "SECOND")
    assert "FIRST" not in said


def test_what_the_page_does_not_show_whole_is_not_compared(
    officer_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_REASONS", 1)
    session = arrive("REVIEW", hours=5, checks=[DOCUMENT])
    again(session, "REVIEW", hours=2, checks=[refused("ONE"), refused("TWO")])

    assert since(officer_client, session) == "" or "cannot be compared" in since(officer_client, session)
    assert "new" in since(officer_client, session, "?checks=all")


def test_strangers_text_stays_text(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[DOCUMENT])
    again(session, "REVIEW", hours=2, checks=[refused("<b>", type="<i>x", data={"<u>": "<s>"})])

    html = page(officer_client, session)
    assert not any(tag in html for tag in ("<b>&", "<i>x", "<u>", "<s>"))
