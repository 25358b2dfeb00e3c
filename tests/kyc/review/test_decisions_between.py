"""What is done with a session between people: up to supervisors, down to officers, and a second look."""

from __future__ import annotations

from typing import Any

import pytest

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused, SessionChanged
from kyc.models import Decision, Session, User
from kyc.review import Seen
from tests.factories import ReasonCodeFactory, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, disputed, is_sound, refused, rejected, reviewed, seen
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


def do(act: str, session: Session, by: User, words: str = WORDS, **named: Any) -> Decision:
    decision: Decision = getattr(review, act)(session.pk, by=by, seen=seen(session), rationale=words, **named)
    return decision


def test_an_escalated_session_is_free_for_any_supervisor(officer: User, supervisor: User) -> None:
    session = claimed(scene.in_review(), officer)
    decision = do("escalate", session, officer)
    now = now_is(session)
    assert (now.state, now.escalated_at, now.assignee) == ("REVIEW", decision.confirmed_at, None)
    ((_, actor, detail),) = said(session, "session.escalated")
    assert (actor, detail["to"], detail["rationale"]) == (officer.pk, None, review.digest(WORDS))

    refused(lambda: rejected(session, officer), session, ActForbidden, "waits for a supervisor")
    assert rejected(session, supervisor).status == "confirmed"
    assert is_sound(session)


def test_or_goes_to_one_of_them(officer: User, supervisor: User) -> None:
    session = scene.in_review()
    decision = do("escalate", session, officer, to=supervisor)
    assert (now_is(session).assignee, decision.addressee) == (supervisor, supervisor)
    ((_, _, detail),) = said(session, "session.escalated")
    assert detail["to"] == supervisor.pk


def test_a_supervisor_hands_it_back(officer: User, supervisor: User) -> None:
    session = scene.in_review()
    do("escalate", session, officer)
    do("hand_back", session, supervisor)
    now = now_is(session)
    assert (now.escalated_at, now.assignee) == (None, None)
    assert rejected(session, officer).status == "confirmed"
    assert is_sound(session)


def test_not_when_it_is_suspect(supervisor: User) -> None:
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    session = reviewed("Refused", code="FRAUD")
    assert session.is_suspect
    refused(lambda: do("hand_back", session, supervisor), session, ActRefused, "stays with supervisors")


def test_not_when_officers_have_it_or_ralio_disagrees(officer: User, supervisor: User) -> None:
    session = scene.in_review()
    refused(lambda: do("hand_back", session, supervisor), session, ActRefused, "Officers have this")
    refused(lambda: do("hand_back", session, officer), session, ActForbidden, "Only supervisors")
    session, _ = disputed(officer)
    refused(lambda: do("hand_back", session, supervisor), session, ActRefused, "settles")


def test_who_asks_for_a_second_review_keeps_the_session(officer: User) -> None:
    session, other = scene.in_review(), UserFactory(role="officer")
    decision = do("ask_second_review", session, officer, to=other)
    now = now_is(session)
    assert (now.is_second_review, now.assignee, decision.addressee) == (True, officer, other)
    ((_, actor, detail),) = said(session, "session.second_review_asked")
    assert (actor, detail["to"]) == (officer.pk, other.pk)
    assert is_sound(session)


def test_a_new_round_begins_without_any_of_it(officer: User, supervisor: User) -> None:
    session = scene.in_review()
    do("ask_second_review", session, officer)
    do("escalate", session, officer)
    escalated = now_is(session)
    assert (escalated.is_second_review, escalated.escalated_at is None) == (True, False)

    verified = scene.again(escalated, "kyc_session_verified")
    anew = scene.again(verified)
    assert (anew.round, anew.escalated_at, anew.is_second_review, anew.assignee) == (2, None, False, None)
    assert is_sound(session)


@pytest.mark.parametrize("act", ["escalate", "ask_second_review", "hand_back"])
@pytest.mark.parametrize("words", ["", " no ", "x" * 5001])
def test_nothing_without_words(act: str, words: str, supervisor: User) -> None:
    session = scene.in_review()
    if act == "hand_back":
        do("escalate", session, supervisor)
    error = refused(lambda: do(act, session, supervisor, words), session, ActRefused)
    assert list(error.message_dict) == ["rationale"]


@pytest.mark.parametrize("act", ["escalate", "ask_second_review", "hand_back"])
def test_nothing_that_was_not_seen_nor_by_a_role_that_may_not(act: str, supervisor: User) -> None:
    session = scene.in_review()
    person, stale = UserFactory(role="auditor"), Seen(session.version - 1, seen(session).basis)
    refused(lambda: do(act, session, person), session, ActForbidden)
    call = getattr(review, act)
    refused(lambda: call(session.pk, by=supervisor, seen=stale, rationale=WORDS), session, SessionChanged)


def test_it_goes_only_to_people_who_may(officer: User, auditor: User) -> None:
    session = scene.in_review()
    for act, to in [("escalate", officer), ("ask_second_review", auditor), ("ask_second_review", officer)]:
        error = refused(lambda act=act, to=to: do(act, session, officer, to=to), session, ActRefused)
        assert list(error.message_dict) == ["to"]


def test_a_second_look_at_what_supervisors_have_is_a_supervisors(officer: User, supervisor: User) -> None:
    session = scene.in_review()
    do("escalate", session, officer)
    error = refused(lambda: do("ask_second_review", session, supervisor, to=officer), session, ActRefused)
    assert list(error.message_dict) == ["to"]
    assert do("ask_second_review", session, supervisor, to=UserFactory(role="supervisor"))
