"""What a page of the queue costs with everything on it: at most ten queries, sign-in included."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from kyc.models import Session, User
from kyc.review import ask, claim
from tests.factories import SavedViewFactory, UserFactory
from tests.kyc.desk.conftest import check
from tests.kyc.desk.test_queue_rows import ids, queue

Review = Callable[..., Session]
PAGE = 8  # sign-in: session, person; the list, own views, numbers, people, menus, checks


@pytest.fixture
def busy(officer: User, supervisor: User, review: Review) -> list[Session]:
    """A queue with claims, a request for one, and eight views of each person."""
    colleague = UserFactory(username="officer.b", role="officer")
    sessions = [review(hours, checks=[check("A", "B"), check("C", type="other")]) for hours in (30, 20, 10)]
    claim(sessions[0].pk, by=colleague)
    claim(sessions[1].pk, by=officer)
    ask(sessions[1].pk, by=colleague)
    for person in (officer, supervisor):
        for n in range(8):
            query = f"view=free&assignee=none&reason=A&check=other&age=4-20&sort=newest&reason={n}"
            SavedViewFactory(owner=person, name=f"View {n}", query=query)
    return sessions


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", PAGE),
        ("view=mine", PAGE),
        ("assignee=me&assignee=none&reason=A&check=other&entity=user", PAGE),
        # What the words mean, and that the person has not searched too often.
        ("q=A", PAGE + 2),
        ("q=A&assignee=none&reason=B&sort=refused", PAGE + 2),
    ],
)
def test_a_page_costs_at_most_ten_queries(
    officer_client: Client, busy: list[Session], queries: Callable, query: str, number: int
) -> None:
    with queries(number):
        assert ids(queue(officer_client, query))


def test_a_supervisor_s_costs_no_more(
    supervisor_client: Client, busy: list[Session], queries: Callable
) -> None:
    with queries(PAGE):
        assert len(ids(queue(supervisor_client))) == 3
