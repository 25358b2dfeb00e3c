"""The queue's rows: what an officer sees of a session before opening it."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from kyc.choices import SessionState
from kyc.desk.rows import Reader, rows, shown
from kyc.desk.team import Team
from kyc.models import Session, User
from tests import wire
from tests.factories import SessionFactory
from tests.kyc.desk.conftest import check, hours_ago

Review = Callable[..., Session]


def queue(client: Client, query: str = "") -> str:
    answer = client.get(f"/queue/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def ids(page: str) -> list[str]:
    return re.findall(r'id="s-([0-9a-f-]{36})"', page)


def test_the_most_urgent_session_stands_first(officer_client: Client, review: Review) -> None:
    late, early = review(3), review(30)
    page = queue(officer_client)

    assert ids(page) == [str(early.pk), str(late.pk)]
    assert "6h over" in page and "20h 59m left" in page
    assert "waiting 1d 6h" in page


def test_only_sessions_in_review_are_there(officer_client: Client, review: Review) -> None:
    session = review(3)
    assert ids(queue(officer_client)) == [str(session.pk)]
    wire.post(wire.payload("kyc_session_verified", session_id=session.pk, at=hours_ago(1)))

    assert ids(queue(officer_client)) == []


def test_a_row_shows_the_top_code_of_each_refused_check(officer: User, review: Review) -> None:
    review(
        checks=[
            check("FIRST", "SECOND", type="face-matching"),
            check("FINE", type="document-verification", state="Validated"),
            check("THIRD", "FIRST", type="manual_review"),
        ]
    )
    (row,) = rows(shown(Session.objects.all()), Reader(officer, timezone.now(), Team()))

    assert (row.codes, len(row.all_codes)) == (["FIRST", "THIRD"], 3)
    assert row.refused_types == ["face-matching", "manual_review"]
    assert row.message == "FIRST it is"


def test_a_row_names_checks_messages_and_how_many_were_refused(
    officer_client: Client, review: Review
) -> None:
    review(
        checks=[check("A", "B", "C"), check(state="Validated", type="liveness"), check(state=3, type="odd")]
    )
    page = queue(officer_client)

    assert "<b>Face matching</b> · A it is" in page
    assert 'aria-label="1 of 3 checks refused"' in page
    assert "pip--unknown" in page
    assert ">1 more<" in page


@pytest.mark.parametrize(
    ("checks", "words"),
    [([], "Ralio sent no checks."), ([check(state="Validated")], "No check was refused.")],
)
def test_a_row_without_refused_checks_says_so(
    officer_client: Client, review: Review, checks: list, words: str
) -> None:
    review(checks=checks)

    assert words in queue(officer_client)


def test_a_repeated_subject_is_marked(officer_client: Client, review: Review, party_review: Review) -> None:
    user, party = uuid4(), uuid4()
    wire.post(wire.payload("kyc_session_failed.g2", user_id=user, at=hours_ago(50)))
    wire.post(wire.payload("kyc_session_verified.g2", user_id=user, at=hours_ago(40)))
    review(30, user_id=user)
    party_review(20, related_party_id=party)
    party_review(10, related_party_id=party)
    page = queue(officer_client)

    assert re.search(r'repeat--red" title="2 earlier, 1 rejected">attempt 3<', page)
    assert re.search(r'repeat" title="1 earlier, 0 rejected">attempt 2<', page)
    assert page.count("attempt ") == 2


def test_a_disputed_session_is_marked(officer_client: Client, officer: User) -> None:
    SessionFactory(is_disputed=True, decided_by=officer, provider_state=SessionState.REJECTED)

    assert "Disputed" in queue(officer_client)


def test_text_from_the_wire_stays_text(officer_client: Client, review: Review) -> None:
    review(checks=[check("<script>alert(1)</script>", "x" * 20_000, type="<b>type</b>")])
    page = queue(officer_client)

    assert "<script>alert" not in page and "<b>type" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert len(page) < 100_000


def test_the_queries_do_not_grow_with_the_queue(
    officer_client: Client, review: Review, queries: Callable
) -> None:
    review(checks=[check("A")])
    with queries(8):
        queue(officer_client)
    for hours in range(55):
        review(hours, checks=[check("A", "B"), check("C", type="other")])
    with queries(8):
        assert len(ids(queue(officer_client))) == 50
    with queries(8):
        queue(officer_client, "reason=A&check=other&age=4-20&sla=ok&entity=user")
