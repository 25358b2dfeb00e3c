"""Ways round the second pair of eyes that somebody could try, by the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from kyc import people
from kyc.choices import DecisionStatus
from kyc.models import Decision, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.panels import WORDS, act, approvable, session_in_review
from tests.kyc.desk.panels import decide as decide_as
from tests.kyc.review import acting
from tests.kyc.review.acting import is_sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def seen(session: Session) -> dict[str, int]:
    """What stands in the forms of whoever has one, for somebody to copy."""
    now = acting.seen(session)
    return {"version": now.version, "basis": now.basis}


def decide(by: Client, session: Session, choice: str, **fields: str) -> HttpResponse:
    return decide_as(by, session, choice, saw=seen(session), **fields)


def proposed(maker: Client) -> tuple[Session, Decision]:
    session = session_in_review()
    decide(maker, session, "approve", rationale_approve=WORDS)
    return session, Decision.objects.get(status=DecisionStatus.PROPOSED)


def answers(by: Client, session: Session, proposal: Decision) -> set[int]:
    """Confirm and return the proposal, as this person would, and give the answers."""
    saw = seen(session)
    return {
        act(by, session, f"decisions/{proposal.pk}/{what}", answer=WORDS, **saw).status_code
        for what in ("confirm", "return")
    }


def joins(person: User, *roles: str) -> None:
    person.groups.set(Group.objects.filter(name__in=roles))
    people.follow_role(person)


@pytest.mark.parametrize("roles", [("supervisor",), ("officer", "supervisor", "admin"), ("admin",), ()])
def test_another_role_does_not_make_the_maker_another_person(
    officer_client: Client, officer: User, roles: tuple[str, ...]
) -> None:
    session, proposal = proposed(officer_client)
    joins(officer, *roles)

    # With another role they have to sign in again.
    assert answers(officer_client, session, proposal) == {302}
    if roles:
        assert answers(signed_in(officer), session, proposal) == {403}
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.PROPOSED


def test_a_superuser_who_proposes_does_not_confirm(db: None) -> None:
    root = UserFactory(username="root", is_superuser=True, is_staff=True)
    session, proposal = proposed(signed_in(root))

    assert answers(signed_in(root), session, proposal) == {403}
    other = signed_in(UserFactory(username="root.b", is_superuser=True))
    assert 303 in answers(other, session, proposal) and Session.objects.get().state == "VERIFIED"


@pytest.mark.parametrize(("before", "after"), [("all", "none"), ("overrides", "none"), ("all", "rejections")])
def test_a_proposal_takes_two_whatever_the_setting_says_by_then(
    settings: Any, officer_client: Client, other: User, before: str, after: str
) -> None:
    settings.KYC_FOUR_EYES = before
    session, proposal = proposed(officer_client)
    settings.KYC_FOUR_EYES = after

    assert answers(officer_client, session, proposal) == {403}
    assert decide(officer_client, session, "approve", rationale_approve=WORDS).status_code != 303
    assert 303 in answers(signed_in(other), session, proposal)


def test_who_asks_for_a_second_review_decides_nothing_alone(
    settings: Any, officer_client: Client, other: User
) -> None:
    settings.KYC_FOUR_EYES = "none"
    session = approvable()
    decide(officer_client, session, "second_review", rationale_second_review=WORDS)
    decide(officer_client, session, "approve")
    proposal = Decision.objects.get(status=DecisionStatus.PROPOSED)

    assert answers(officer_client, session, proposal) == {403}
    # Nor by letting it wait, or by taking the proposal back and deciding once more.
    act(officer_client, session, f"decisions/{proposal.pk}/undo")
    decide(officer_client, session, "approve")
    assert Session.objects.get().state == "REVIEW"
    anew = Decision.objects.get(status=DecisionStatus.PROPOSED)
    assert 303 in answers(signed_in(other), session, anew) and is_sound(session)


def test_to_undo_and_propose_the_other_way_round_still_takes_two(
    officer_client: Client, officer: User, other: User
) -> None:
    session, first = proposed(officer_client)
    act(officer_client, session, f"decisions/{first.pk}/undo")
    act(officer_client, session, "release")
    decide(signed_in(other), session, "approve", rationale_approve=WORDS)
    anew = Decision.objects.get(status=DecisionStatus.PROPOSED)

    assert anew.maker == other and answers(signed_in(other), session, anew) == {403}
    assert 303 in answers(officer_client, session, anew)
    assert (Decision.objects.get(pk=anew.pk).checker, Session.objects.get().state) == (officer, "VERIFIED")


def test_the_checker_undoes_and_confirms_nothing_alone(officer_client: Client, other: User) -> None:
    session, first = proposed(officer_client)
    by = signed_in(other)
    act(by, session, f"decisions/{first.pk}/confirm", **seen(session))
    act(by, session, f"decisions/{first.pk}/undo")
    assert act(by, session, f"decisions/{first.pk}/confirm", **seen(session)).status_code == 409
    decide(by, session, "approve", rationale_approve=WORDS)

    assert Session.objects.get().state == "REVIEW" and is_sound(session)


def test_what_a_closed_account_proposed_is_confirmed_or_returned_by_others(
    officer_client: Client, officer: User, other: User
) -> None:
    session, proposal = proposed(officer_client)
    User.objects.filter(pk=officer.pk).update(is_active=False)
    assert officer_client.get("/queue/").status_code == 302
    by = signed_in(other)

    answer = act(by, session, f"decisions/{proposal.pk}/return", answer=WORDS)
    assert answer.status_code == 303 and Session.objects.get().assignee is None
    decide(by, session, "approve", rationale_approve=WORDS)
    assert Decision.objects.get(status=DecisionStatus.PROPOSED).maker == other and is_sound(session)
