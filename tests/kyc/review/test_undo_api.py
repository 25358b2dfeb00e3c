"""Undo, and what Ralio's API says of a session meanwhile: it fills gaps, and answers no decision."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kyc import folding, ingestion, review
from kyc.choices import DeliverySource, SessionState
from kyc.exceptions import ActRefused
from kyc.models import Session, User
from kyc.ralio import answers
from kyc.ralio.jsontext import parse
from tests.kyc import scene
from tests.kyc.review.acting import is_sound, rejected
from tests.kyc.review.record import now_is

pytestmark = pytest.mark.django_db


def api_says(session: Session, state: SessionState) -> Session:
    """Keep what the API says of the session five minutes after its newest event, and return it as it is then."""
    at = session.last_event_at + timedelta(minutes=5)
    line = {"id": 1, "new_state": state, "created_at": at.isoformat()}
    (log,) = answers.history(
        parse(json.dumps({"session_id": str(session.pk), "logs": [line]}).encode()), session.pk
    )
    body = answers.state_body(log, session_id=session.pk, user_id=session.user_id)
    ingestion.receive(body, {}, source=DeliverySource.API)
    return now_is(session)


def test_that_it_is_still_in_review_there_is_no_answer(officer: User) -> None:
    session = scene.in_review()
    decision = rejected(session, officer)
    assert api_says(now_is(session), SessionState.REVIEW).state == "REJECTED"

    assert review.undo(decision.pk, by=officer).status == "undone"
    assert now_is(session).state == "REVIEW"
    assert is_sound(session)


def test_nor_is_the_late_event_of_what_the_api_had_told(officer: User) -> None:
    session = api_says(scene.in_review(), SessionState.REVIEW)
    decision = rejected(session, officer)
    known_by_api = folding.basis(session)
    earlier = now_is(session)
    earlier.last_event_at -= timedelta(minutes=5)
    assert scene.again(earlier).state == "REJECTED"
    assert folding.basis(session) != known_by_api

    assert review.undo(decision.pk, by=officer).status == "undone"
    assert is_sound(session)


def test_a_verdict_is_one(officer: User) -> None:
    session = scene.in_review()
    decision = rejected(session, officer)
    api_says(now_is(session), SessionState.REJECTED)
    with pytest.raises(ActRefused, match="Ralio has said more"):
        review.undo(decision.pk, by=officer)
