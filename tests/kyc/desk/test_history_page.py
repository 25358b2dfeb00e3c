"""The history lists every rejected session with every code that explains why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from kyc.models import Session, User
from tests.factories import DecisionFactory, UserFactory
from tests.kyc.desk.arrivals import again, arrive, in_order, newest_delivery, refused

pytestmark = pytest.mark.django_db


def history(client: Client, **params: object) -> str:
    answer = client.get("/rejected/", params)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_lists_rejections_newest_first_with_every_code(officer_client: Client) -> None:
    older = arrive("REJECTED", hours=30, checks=[refused("OLD_CODE", "It is old.", category="DOC")])
    newer = arrive("REJECTED", hours=2, checks=[refused("A_CODE"), refused("B_CODE", "B it is.")])
    html = history(officer_client)

    assert in_order(html, str(newer.pk), "A_CODE", "B_CODE", "B it is.", "Face matching", str(older.pk))
    assert in_order(html, str(older.pk), 'class="code__cat">DOC', "OLD_CODE", "It is old.")


def test_other_states_are_not_in_it(officer_client: Client) -> None:
    sessions = [arrive(state) for state in ("REVIEW", "VERIFIED", "EXPIRED")]
    overturned = arrive("REJECTED", hours=5)
    again(overturned, "VERIFIED")
    html = history(officer_client)

    assert not any(str(session.pk) in html for session in (*sessions, overturned))
    assert "Nothing was rejected in this time" in html


def test_a_rejection_without_reasons_says_so(officer_client: Client) -> None:
    session = arrive("REJECTED")

    assert in_order(history(officer_client), str(session.pk), "No reason was sent")


def test_reasons_known_from_before_are_marked_as_earlier(officer_client: Client) -> None:
    session = arrive("REVIEW", hours=5, checks=[refused("BEFORE")])
    again(session, "REJECTED")

    assert in_order(
        history(officer_client), str(session.pk), "BEFORE", 'class="rj-earlier"', "earlier</span>"
    )


def test_it_says_who_decided_and_who_confirmed(officer_client: Client, officer: User) -> None:
    session = arrive("REJECTED")
    DecisionFactory(
        session=session,
        basis=newest_delivery(session),
        outcome="reject",
        maker=officer,
        checker=UserFactory(username="supervisor.a", role="supervisor"),
    )
    Session.objects.filter(pk=session.pk).update(decided_by=officer)

    assert in_order(history(officer_client), str(session.pk), "You</span>", "confirmed by supervisor.a")


def test_pages_hold_fifty_and_lead_to_each_other(officer_client: Client) -> None:
    sessions = [arrive("REJECTED", hours=n + 1) for n in range(52)]
    first = officer_client.get("/rejected/")
    assert [row.session.pk for row in first.context["rows"]] == [session.pk for session in sessions[:50]]

    second = officer_client.get("/rejected/?" + first.context["page"].next)
    assert [row.session.pk for row in second.context["rows"]] == [session.pk for session in sessions[50:]]
    assert second.context["page"].previous
    oldest = officer_client.get("/rejected/?sort=oldest")
    assert oldest.context["rows"][0].session.pk == sessions[-1].pk


def test_it_is_for_people_who_may_read_sessions(
    client: Client, outsider_client: Client, auditor_client: Client
) -> None:
    assert client.get("/rejected/").status_code == 302
    assert outsider_client.get("/rejected/").status_code == 403
    assert auditor_client.get("/rejected/").status_code == 200
    assert auditor_client.post("/rejected/").status_code == 405


@pytest.mark.parametrize(
    ("params", "n"), [({}, 9), ({"reason": "CODE_0"}, 9), ({"days": "all", "sort": "oldest"}, 8)]
)
def test_its_queries_do_not_grow_with_the_history(
    officer_client: Client,
    queries: Callable[[int], AbstractContextManager[None]],
    params: dict[str, str],
    n: int,
) -> None:
    arrive("REJECTED", checks=[refused("CODE_0")])
    history(officer_client, **params)
    # What the page shows whole is not counted besides.
    with queries(n):
        history(officer_client, **params)

    for hour in range(60):
        arrive("REJECTED", hours=hour + 1, checks=[refused(f"CODE_{hour % 4}"), refused("OTHER")])
    # The page is longer than one and still as cheap.
    with queries(9):
        history(officer_client, **params)
