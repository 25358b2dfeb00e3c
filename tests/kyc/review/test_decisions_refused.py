"""What stops a decision: what was not seen, who may not, what another holds, and words that are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused, ClaimedByAnother, SessionChanged
from kyc.models import Decision, Session, User
from kyc.review import Seen
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import WORDS, is_sound, refused, reviewed, seen
from tests.kyc.review.record import claimed

pytestmark = pytest.mark.django_db


def approve(session: Session, by: User, at: Seen) -> Decision:
    return review.approve(session.pk, by=by, seen=at, rationale=WORDS)


def reject(session: Session, by: User, at: Seen) -> Decision:
    return review.reject(session.pk, by=by, seen=at, codes=["LOW_CONFIDENCE"], rationale=WORDS)


BOTH: Any = pytest.mark.parametrize("decide", [approve, reject])
type Decide = Callable[[Session, User, Seen], Decision]


@BOTH
def test_a_version_that_was_not_seen(decide: Decide, officer: User) -> None:
    session = scene.in_review()
    old = seen(session)
    review.release(review.claim(session.pk, by=officer).pk, by=officer)
    refused(lambda: decide(session, officer, old), session, SessionChanged, "Nothing was saved")


@BOTH
def test_a_basis_that_was_not_seen(decide: Decide, officer: User) -> None:
    """A later delivery that changes nothing of the session's row is still one that was not seen."""
    session = scene.in_review()
    old = seen(session)
    scene.again(session, checks=None)
    Session.objects.filter(pk=session.pk).update(version=old.version)
    refused(lambda: decide(session, officer, old), session, SessionChanged, "Nothing was saved")


@BOTH
def test_a_session_that_has_left_the_review(decide: Decide, officer: User) -> None:
    session = scene.again(scene.in_review(), "kyc_session_verified")
    refused(lambda: decide(session, officer, seen(session)), session, SessionChanged, "It is VERIFIED")


@BOTH
def test_a_session_that_another_holds(decide: Decide, officer: User) -> None:
    session = claimed(scene.in_review(), UserFactory(username="ana", role="officer"))
    refused(lambda: decide(session, officer, seen(session)), session, ClaimedByAnother, "ana holds")


@BOTH
@pytest.mark.parametrize("role", ["auditor", "admin", ""])
def test_a_role_that_does_not_decide(decide: Decide, role: str) -> None:
    session, person = scene.in_review(), UserFactory(role=role)
    refused(lambda: decide(session, person, seen(session)), session, ActForbidden, "not decide")


@BOTH
def test_an_account_that_is_closed(decide: Decide, officer: User) -> None:
    session = scene.in_review()
    officer.is_active = False
    refused(lambda: decide(session, officer, seen(session)), session, ActForbidden)


@pytest.mark.parametrize("states", [["Refused"], ["Validated", "Odd"]])
def test_an_approval_over_what_is_not_validated_and_no_words(states: list[str], officer: User) -> None:
    session = reviewed(*states)
    for words in ("", " " * 30, "Nineteen characters"):
        error = refused(
            lambda words=words: review.approve(session.pk, by=officer, seen=seen(session), rationale=words),
            session,
            ActRefused,
        )
        assert list(error.message_dict) == ["rationale"]


@pytest.mark.parametrize("codes", [[], [""], ["NEVER SEEN"], ["LOW_CONFIDENCE", "NUL\0"], ["\ud800"]])
def test_a_rejection_for_no_code_or_an_unknown_one_and_no_words(codes: list[str], officer: User) -> None:
    session = scene.in_review()
    error = refused(
        lambda: review.reject(session.pk, by=officer, seen=seen(session), codes=codes, rationale="No."),
        session,
        ActRefused,
    )
    assert list(error.message_dict) == ["codes", "rationale"]


@pytest.mark.parametrize("words", ["x" * 5001, f"{WORDS}\0", f"{WORDS}\ud800"])
def test_words_that_cannot_be_kept(words: str, officer: User) -> None:
    session = reviewed("Validated")
    refused(
        lambda: review.approve(session.pk, by=officer, seen=seen(session), rationale=words),
        session,
        ActRefused,
    )


def test_an_unknown_session(officer: User) -> None:
    session = scene.in_review()
    with pytest.raises(ActRefused, match="does not exist"):
        review.approve(officer_id_as_session(session), by=officer, seen=Seen(1, 1))
    assert is_sound(session)


def officer_id_as_session(session: Session) -> Any:
    return type(session.pk)(int=session.pk.int ^ 1)
