"""The search field: IDs open, their beginnings and reason codes filter, everything else is said not to match."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client

from kyc.models import Session
from tests import wire
from tests.kyc.desk.conftest import check, hours_ago
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]
SESSION = UUID("9d3f61c0-5a7e-4c1b-8f42-0be7a5d1c36e")
USER = UUID("4b1a77e2-90c3-4d58-a6f1-7725ce08d914")
PARTY = UUID("1efcac2c-82eb-4c2c-9c95-d302ccf53110")


@pytest.fixture
def session(review: Review) -> Session:
    return review(5, session_id=SESSION, user_id=USER, checks=[check("LOW_CONFIDENCE")])


@pytest.mark.parametrize(
    "text", [str(SESSION), str(SESSION).upper(), SESSION.hex, f" {SESSION} ", str(USER), USER.hex]
)
def test_an_id_opens_its_one_session(officer_client: Client, session: Session, text: str) -> None:
    answer = officer_client.get("/queue/", {"q": text})

    assert (answer.status_code, answer.url) == (302, f"/sessions/{SESSION}/")


def test_an_id_opens_a_session_in_any_state(officer_client: Client, db: None) -> None:
    wire.post(wire.payload("kyc_session_failed.g2", session_id=SESSION, user_id=USER))

    assert officer_client.get("/queue/", {"q": str(USER)}).url == f"/sessions/{SESSION}/"


def test_a_subject_with_several_sessions_is_listed_in_any_state(
    officer_client: Client, session: Session
) -> None:
    wire.post(wire.payload("kyc_session_failed.g2", user_id=USER, at=hours_ago(90)))
    page = queue(officer_client, f"q={USER}&sla=overdue&reason=NONE")

    assert len(ids(page)) == 2 and ids(page)[0] == str(SESSION)
    assert "Every session of this subject, in any state, newest first." in page
    assert "state--rejected" in page


@pytest.mark.parametrize(
    "text",
    ["9d3f61c0", "9D3F61C0-5A7E", "9d3f61c05a7e4c1b", "9d3f61c0…c36e", "4b1a77e2", "4b1a77e2-90c3-4d58-a6f1"],
)
def test_the_beginning_of_an_id_filters(
    officer_client: Client, review: Review, session: Session, text: str
) -> None:
    review(3)

    assert ids(queue(officer_client, f"q={text}")) == [str(SESSION)]
    assert ids(queue(officer_client, f"q={text}&sla=overdue")) == []


def test_the_beginning_of_a_related_party_s_id_filters(
    officer_client: Client, party_review: Review, session: Session
) -> None:
    party = party_review(3, related_party_id=PARTY)

    assert ids(queue(officer_client, "q=1efcac2c")) == [str(party.pk)]


def test_sessions_outside_the_queue_are_offered(officer_client: Client, db: None) -> None:
    wire.post(wire.payload("kyc_session_failed.g2", session_id=SESSION, user_id=USER))
    page = queue(officer_client, "q=9d3f61c0")

    assert "No session in review has this ID" in page
    assert f'href="/sessions/{SESSION}/"' in page and "state--rejected" in page


@pytest.mark.parametrize("text", ["LOW_CONFIDENCE", "low_confidence"])
def test_a_reason_code_filters(officer_client: Client, review: Review, session: Session, text: str) -> None:
    review(3, checks=[check("OTHER")])

    assert ids(queue(officer_client, f"q={text}")) == [str(SESSION)]
    assert ids(queue(officer_client, f"q={text}&reason=OTHER")) == []
    assert ids(queue(officer_client, f"q={text}&check=face-matching&entity=user")) == [str(SESSION)]


def test_a_code_that_looks_like_an_id_is_found(officer_client: Client, review: Review) -> None:
    session = review(checks=[check("10000123")])

    assert ids(queue(officer_client, "q=10000123")) == [str(session.pk)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (str(PARTY), "No session has this ID"),
        ("9d3f61c", "Nothing matches this search"),
        ("LOW_CONF", "Nothing matches this search"),
        ("<script>", "Nothing matches this search"),
        ("x" * 5000, "Nothing matches this search"),
        ("\x00", "Nothing matches this search"),
        (f"{SESSION}0", "Nothing matches this search"),
        ("abcdefab", "No session in review has this ID"),
    ],
)
def test_what_is_not_found_is_said(officer_client: Client, session: Session, text: str, title: str) -> None:
    page = officer_client.get("/queue/", {"q": text}).content.decode()

    assert title in page
    assert "<script>" not in page.replace("<script src", "")


@pytest.mark.parametrize("way", ["queue", "session", "claim"])
def test_what_matches_nothing_is_no_error_within_a_filter(
    officer_client: Client, session: Session, way: str
) -> None:
    """A single value of a filter pages by its own index, of which nothing has no rows."""
    query = "q=nothing-like-it&reason=LOW_CONFIDENCE"
    if way == "claim":
        answer = officer_client.post("/queue/claim-next/", {"from": query}, follow=True)
        assert "Nothing left to claim in this view." in answer.content.decode()
    else:
        place = f"/sessions/{SESSION}/" if way == "session" else f"/queue/?{query}"
        answer = officer_client.get(place, {"from": query} if way == "session" else None)
    assert answer.status_code == 200
