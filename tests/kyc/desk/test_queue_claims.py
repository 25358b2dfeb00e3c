"""Claims in the queue: who holds a row, a claim of one, and the most urgent free one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyc.choices import SessionState
from kyc.models import Session, User
from kyc.review import claim
from tests import wire
from tests.conftest import signed_in
from tests.factories import SessionFactory, UserFactory
from tests.kyc.desk.conftest import check, hours_ago
from tests.kyc.desk.test_queue_rows import queue

Review = Callable[..., Session]
NEXT = "/queue/claim-next/"


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def holder(session: Session) -> User | None:
    session.refresh_from_db()
    return session.assignee


def test_a_row_says_who_holds_it_and_until_when(
    officer_client: Client, officer: User, colleague: User, review: Review
) -> None:
    claim(review(3).pk, by=colleague)
    claim(review(2).pk, by=officer)
    page = queue(officer_client)

    assert 'title="officer.b holds it until ' in page and "UTC" in page
    assert '<span class="who__name">officer.b</span>' in page
    assert '<span class="who__name">You</span>' in page
    assert 'name="claim"' not in page


def test_a_free_row_has_a_claim_button_for_those_who_decide(
    officer_client: Client, auditor_client: Client, admin_client: Client, review: Review
) -> None:
    session = review()

    assert f'name="claim" value="{session.pk}" data-row-key="c"' in queue(officer_client)
    for client in (auditor_client, admin_client):
        assert 'name="claim"' not in queue(client)
        assert "Claim next" not in queue(client)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"escalated_at": timezone.now()}, ">Escalated<"),
        ({"escalated_at": timezone.now(), "is_suspect": True}, ">Suspicion<"),
        ({"is_second_review": True}, ">Second review<"),
        ({"snoozed_until": timezone.now() + timedelta(days=1)}, "Waits until <time"),
    ],
)
def test_a_row_says_what_sets_it_apart(officer_client: Client, columns: dict, words: str) -> None:
    SessionFactory(**columns)

    assert words in queue(officer_client)


def test_a_proposal_waits_for_a_second_officer(officer_client: Client, officer: User) -> None:
    SessionFactory(proposed_by=officer)
    page = queue(officer_client)

    assert ">Awaiting second officer<" in page
    assert 'name="claim"' not in page  # whoever proposed does not confirm


def test_claim_next_takes_the_most_urgent_free_one_of_the_view(
    officer_client: Client, officer: User, colleague: User, review: Review
) -> None:
    held, free = review(30, checks=[check("A")]), review(20, checks=[check("A")])
    other = review(40)
    claim(held.pk, by=colleague)
    answer = officer_client.post(NEXT, {"from": "reason=A&after=gone"})

    assert (answer.status_code, answer.url) == (302, f"/sessions/{free.pk}/?from=reason%3DA")
    assert (holder(free), holder(held), holder(other)) == (officer, colleague, None)


@pytest.mark.parametrize("query", ["view=free", "view=free&sort=newest", "q=A", "sla=overdue&entity=user"])
def test_claim_next_works_in_every_view(
    officer_client: Client, officer: User, review: Review, query: str
) -> None:
    session = review(30, checks=[check("A")])
    officer_client.post(NEXT, {"from": query})

    assert holder(session) == officer


def test_claim_next_says_when_nothing_is_left(
    officer_client: Client, colleague: User, review: Review
) -> None:
    claim(review().pk, by=colleague)
    answer = officer_client.post(NEXT, {"from": "view=free"}, follow=True)

    assert "Nothing left to claim in this view." in answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/queue/?view=free"


def test_in_the_view_of_proposals_it_takes_one_to_check(
    officer_client: Client, officer: User, colleague: User
) -> None:
    own, other = SessionFactory(proposed_by=officer), SessionFactory(proposed_by=colleague)
    officer_client.post(NEXT, {"from": "view=second"})

    assert (holder(own), holder(other)) == (None, officer)


@pytest.mark.parametrize("role", ["auditor", "admin", None])
def test_claim_next_is_for_those_who_decide(role: str | None, review: Review) -> None:
    session, client = review(), signed_in(UserFactory(role=role))

    assert client.post(NEXT).status_code == 403
    assert client.get(NEXT).status_code == 405
    assert holder(session) is None


def test_a_row_is_claimed_from_the_list(officer_client: Client, officer: User, review: Review) -> None:
    session = review(3)
    answer = officer_client.post("/queue/bulk/", {"claim": session.pk, "from": "sort=newest"})

    assert answer.url == f"/queue/?sort=newest#s-{session.pk}"
    assert holder(session) == officer
    assert f"Session {str(session.pk)[:8]} claimed." in queue(officer_client, "sort=newest")


def test_a_row_that_somebody_took_is_not_claimed(
    officer_client: Client, colleague: User, review: Review
) -> None:
    session = review(3)
    claim(session.pk, by=colleague)
    page = officer_client.post("/queue/bulk/", {"claim": session.pk}, follow=True).content.decode()

    assert "officer.b holds this session." in page
    assert holder(session) == colleague


def test_the_preview_names_the_holder_and_what_can_be_done(
    officer_client: Client, officer: User, review: Review
) -> None:
    session = review(3)
    address = reverse("queue-peek", args=[session.pk])
    free = officer_client.get(address).content.decode()
    claim(session.pk, by=officer)
    mine = officer_client.get(address).content.decode()

    assert "Unassigned" in free and f'name="claim" value="{session.pk}"' in free
    assert f'href="/sessions/{session.pk}/#decision">Decide' in mine
    assert f'name="release" value="{session.pk}"' in mine


def test_what_has_left_the_queue_is_not_claimed(officer_client: Client, review: Review) -> None:
    session = review(3)
    wire.post(wire.payload("kyc_session_verified", session_id=session.pk, at=hours_ago(1)))
    page = officer_client.post("/queue/bulk/", {"claim": session.pk}, follow=True).content.decode()

    assert "not in review any more" in page
    assert Session.objects.get(pk=session.pk).state == SessionState.VERIFIED
