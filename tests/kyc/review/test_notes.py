"""Notes: beside a session, whoever holds it and whatever became of it."""

from __future__ import annotations

from uuid import UUID

import pytest

from kyc import review
from kyc.exceptions import ActForbidden, ActRefused
from kyc.models import User
from tests.factories import UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import is_sound, refused
from tests.kyc.review.record import claimed, now_is, said

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["", "kyc_session_verified", "kyc_session_failed", "kyc_session_expired"])
def test_it_stands_beside_a_session_in_any_state(name: str, officer: User) -> None:
    session = scene.in_review()
    session = scene.again(session, name) if name else claimed(session, UserFactory(role="officer"))
    note = review.add_note(session.pk, by=officer, text="  Called the person.\n ")

    assert (note.text, note.by, note.round) == ("Called the person.", officer, session.round)
    assert {**vars(now_is(session)), "_state": 0} == {**vars(session), "_state": 0}
    ((_, actor, detail),) = said(session, "session.noted")
    assert (actor, detail) == (officer.pk, {"note": note.pk, "text": review.digest(note.text)})
    assert is_sound(session)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 5001, "NUL\0", "\ud800"])
def test_it_says_something_that_can_be_kept(text: str, officer: User) -> None:
    session = scene.in_review()
    error = refused(lambda: review.add_note(session.pk, by=officer, text=text), session, ActRefused)
    assert list(error.message_dict) == ["text"]
    assert not session.notes.exists()


def test_it_may_have_five_thousand_characters(supervisor: User) -> None:
    session = scene.in_review()
    assert len(review.add_note(session.pk, by=supervisor, text=f" {'x' * 5000} ").text) == 5000


@pytest.mark.parametrize("role", ["auditor", "admin", ""])
def test_not_by_a_role_that_only_reads(role: str) -> None:
    session, person = scene.in_review(), UserFactory(role=role)
    refused(lambda: review.add_note(session.pk, by=person, text="Hm."), session, ActForbidden)
    assert not session.notes.exists()


def test_not_beside_a_session_that_is_not_there(officer: User) -> None:
    with pytest.raises(ActRefused, match="does not exist"):
        review.add_note(UUID(int=1), by=officer, text="Hm.")
