"""Under a suspicion no word about a person's decision reaches the subject, whenever the suspicion became known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kyc import review as acts
from kyc.models import Contact, ReasonCode, Session, User
from notifications import outbox
from notifications.choices import HoldCause, Status
from notifications.sending import send_due
from tests.factories import ReasonCodeFactory
from tests.notifications import decisions
from tests.notifications.decisions import later, to_subject

Act = Callable[..., Session]
CODE = "LOW_CONFIDENCE"


@pytest.fixture
def session(review: Act, contact: Contact, settings: Any) -> Session:
    settings.COMPLIANCE_TEAM_EMAILS = []
    return review(user_id=contact.subject_id)


def suspect(code: str) -> None:
    ReasonCode.objects.filter(code=code).update(is_suspicion=True)


def is_held_back(session: Session) -> bool:
    row = to_subject(session)
    return (row.status, row.withheld_because) == (Status.WITHHELD, HoldCause.SUSPICION)


def test_a_decision_s_own_code_holds_it_back(
    session: Session, supervisor: User, mailoutbox: list[Any]
) -> None:
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    decisions.reject(session, supervisor, "FRAUD")

    with later():
        assert send_due() == {"withheld": 1}
    assert is_held_back(session)
    assert mailoutbox == []


def test_a_suspect_session_is_held_back_whatever_the_decision_says(
    review: Act, session: Session, supervisor: User, mailoutbox: list[Any]
) -> None:
    suspect(CODE)
    ReasonCodeFactory(code="TORN")
    User.objects.update(email="")
    found = review(session_id=session.pk, user_id=session.user_id)
    assert found.is_suspect
    decisions.reject(session, supervisor, "TORN")

    with later():
        assert send_due() == {"withheld": 1}
    assert is_held_back(session)


def test_a_suspicion_that_comes_after_the_message_was_written_holds_it_back(
    session: Session, officer: User, mailoutbox: list[Any]
) -> None:
    decisions.reject(session, officer)
    with later():
        suspect(CODE)
        assert send_due() == {"withheld": 1}
    assert mailoutbox == []


def test_a_suspicion_of_a_decision_that_was_undone_counts_still(
    session: Session, supervisor: User, mailoutbox: list[Any]
) -> None:
    ReasonCodeFactory(code="FRAUD", is_suspicion=True)
    acts.undo(decisions.reject(session, supervisor, "FRAUD").pk, by=supervisor)
    decisions.reject(session, supervisor)

    with later():
        assert send_due() == {"withheld": 1}


def test_released_it_leaves_with_the_neutral_text(
    session: Session, supervisor: User, mailoutbox: list[Any]
) -> None:
    ReasonCodeFactory(code="TORN", is_disclosable=True, subject_text="The document was torn.")
    suspect(CODE)
    decisions.reject(session, supervisor, "TORN")
    with later():
        send_due()
        assert outbox.release(to_subject(session), by=supervisor)
        assert send_due() == {"sent": 1}

    assert "torn" not in mailoutbox[0].body
