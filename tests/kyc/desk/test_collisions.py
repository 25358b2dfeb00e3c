"""Two tabs, two people, two presses: whoever comes second is told how it is, and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from kyc.choices import DecisionStatus
from kyc.models import Decision, LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import again
from tests.kyc.desk.panels import WORDS, act, decide, reject, seen, session_in_review, text
from tests.kyc.review.acting import is_sound

pytestmark = pytest.mark.django_db

type Choice = tuple[str, dict[str, str]]
LATER = timezone.now() + timedelta(days=3)
CHOICES: list[Choice] = [
    ("approve", {"rationale_approve": WORDS}),
    ("reject", {"codes": "NO_MATCH", "rationale_reject": WORDS}),
    ("escalate", {"rationale_escalate": WORDS}),
    ("second_review", {"rationale_second_review": WORDS}),
    ("wait", {"rationale_wait": WORDS, "until_date": LATER.date().isoformat(), "until_time": "12:00"}),
]


@pytest.fixture
def colleague(db: None) -> Client:
    return signed_in(UserFactory(username="officer.b", role="officer"))


def is_told(answer: HttpResponse) -> bool:
    """Whether the second one learns that the session changed, and finds the words again."""
    return answer.status_code in (403, 409) and WORDS in answer.content.decode()


@pytest.mark.parametrize(("choice", "fields"), CHOICES, ids=[name for name, _ in CHOICES])
def test_a_second_press_decides_nothing_more(supervisor_client: Client, choice: str, fields: Any) -> None:
    session = session_in_review()
    saw = seen(supervisor_client, session)
    assert decide(supervisor_client, session, choice, saw=saw, **fields).status_code == 303
    left = Session.objects.values().get(), list(Decision.objects.values())

    assert is_told(decide(supervisor_client, session, choice, saw=saw, **fields))
    assert (Session.objects.values().get(), list(Decision.objects.values())) == left
    assert is_sound(session)


@pytest.mark.parametrize(("choice", "fields"), CHOICES, ids=[name for name, _ in CHOICES])
def test_a_lease_that_ran_out_while_somebody_typed_costs_nothing(
    officer_client: Client, officer: User, choice: str, fields: Any
) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    saw = seen(officer_client, session)
    Session.objects.update(claimed_until=timezone.now() - timedelta(minutes=1))

    assert decide(officer_client, session, choice, saw=saw, **fields).status_code == 303
    assert Decision.objects.get().maker == officer and is_sound(session)


def test_it_costs_nothing_only_until_somebody_else_takes_it(
    officer_client: Client, colleague: Client
) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    saw = seen(officer_client, session)
    Session.objects.update(claimed_until=timezone.now() - timedelta(minutes=1))
    act(colleague, session, "claim")

    assert is_told(reject(officer_client, session, saw=saw))
    assert not Decision.objects.exists()


def test_a_session_is_asked_for_while_it_is_released(officer_client: Client, colleague: Client) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    act(officer_client, session, "release")

    asked = act(colleague, session, "ask")
    assert asked.status_code == 409 and "Nobody holds this session. You can claim it." in text(asked)
    late = act(officer_client, session, "hand-over")
    assert late.status_code == 409 and "Nobody holds this session." in text(late)


def test_a_release_takes_the_question_with_it(officer_client: Client, colleague: Client) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    act(colleague, session, "ask")
    act(officer_client, session, "release")

    assert Session.objects.get().asked_by is None
    assert act(officer_client, session, "keep").status_code == 409
    assert act(colleague, session, "claim").status_code == 303


def test_undo_after_a_later_decision(officer_client: Client, colleague: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    first = Decision.objects.get()
    act(officer_client, session, f"decisions/{first.pk}/undo")
    act(officer_client, session, "release")
    reject(colleague, session)

    late = act(officer_client, session, f"decisions/{first.pk}/undo")
    assert late.status_code == 409 and "There is nothing to undo. This is undone." in text(late)
    other = act(officer_client, session, f"decisions/{Decision.objects.last().pk}/undo")
    assert other.status_code == 403 and Session.objects.get().state == "REJECTED"


def proposed(maker: Client) -> tuple[Session, Decision]:
    session = session_in_review()
    decide(maker, session, "approve", rationale_approve=WORDS)
    return session, Decision.objects.get(status=DecisionStatus.PROPOSED)


def test_confirm_after_send_back_and_the_other_way_round(
    officer_client: Client, colleague: Client, supervisor_client: Client
) -> None:
    session, proposal = proposed(officer_client)
    saw = seen(supervisor_client, session)
    act(colleague, session, f"decisions/{proposal.pk}/return", answer=WORDS)
    late = act(supervisor_client, session, f"decisions/{proposal.pk}/confirm", **saw)
    assert late.status_code == 409 and "sent the proposed decision back" in text(late)

    decide(officer_client, session, "approve", rationale_approve=WORDS)
    anew = Decision.objects.get(status=DecisionStatus.PROPOSED)
    saw = seen(supervisor_client, session)
    act(colleague, session, f"decisions/{anew.pk}/confirm", **saw)
    for answer in ("confirm", "return"):
        late = act(supervisor_client, session, f"decisions/{anew.pk}/{answer}", answer=WORDS, **saw)
        assert late.status_code == 409 and "confirmed the proposed decision" in text(late)
    assert is_sound(session)


def test_a_proposal_is_taken_back_while_another_confirms_it(
    officer_client: Client, colleague: Client
) -> None:
    session, proposal = proposed(officer_client)
    saw = seen(colleague, session)
    act(officer_client, session, f"decisions/{proposal.pk}/undo")

    late = act(colleague, session, f"decisions/{proposal.pk}/confirm", **saw)
    assert late.status_code == 409 and Session.objects.get().state == "REVIEW"


@pytest.mark.parametrize("state", ["VERIFIED", "REJECTED", "EXPIRED"])
@pytest.mark.parametrize(("choice", "fields"), CHOICES, ids=[name for name, _ in CHOICES])
def test_ralio_ended_the_review_meanwhile(
    officer_client: Client, state: str, choice: str, fields: Any
) -> None:
    session = session_in_review()
    saw = seen(officer_client, session)
    again(session, state, hours=0)

    assert is_told(decide(officer_client, session, choice, saw=saw, **fields))
    assert not Decision.objects.exists() and Session.objects.get().state == state


def test_a_dispute_is_settled_once(officer_client: Client, supervisor_client: Client) -> None:
    session = session_in_review()
    reject(officer_client, session)
    again(session, "VERIFIED", hours=-0.01)
    saw = seen(supervisor_client, session)
    assert (
        act(supervisor_client, session, "settle", outcome="approve", rationale=WORDS, **saw).status_code
        == 303
    )

    late = act(supervisor_client, session, "settle", outcome="reject", rationale=WORDS, **saw)
    assert is_told(late) and Session.objects.get().state == "VERIFIED"
    assert LedgerEntry.objects.filter(action="session.settled").count() == 1 and is_sound(session)


def test_where_nothing_can_be_undone_nothing_offers_to(settings: Any, officer_client: Client) -> None:
    settings.KYC_UNDO = timedelta()
    session = session_in_review()
    assert reject(officer_client, session).status_code == 303
    assert "/undo/" not in officer_client.get(f"/sessions/{session.pk}/").content.decode()

    late = act(officer_client, session, f"decisions/{Decision.objects.get().pk}/undo")
    assert late.status_code == 409 and "Undo came too late." in text(late)
