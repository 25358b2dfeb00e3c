"""What the panel beside the evidence can be: accessible and within the window, in every look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kyc import folding, review
from kyc.models import Session, User
from tests import wire
from tests.e2e import checks
from tests.e2e.panel import WORDS, choose_rejection, in_review, opened, press
from tests.factories import ReasonCodeFactory, UserFactory

pytestmark = pytest.mark.looks

type Opener = Callable[..., Page]


def seen(session_id: UUID) -> review.Seen:
    session = Session.objects.get(pk=session_id)
    return review.Seen(session.version, folding.basis(session))


def test_each_choice_and_its_faults(open_page: Opener, officer: User) -> None:
    ReasonCodeFactory(code="RING", is_suspicion=True, guidance="Look at the other subjects.")
    page = opened(open_page(person=officer), in_review())
    for choice in ("Approve", "Escalate", "Ask for a second review", "Wait", "Reject"):
        page.get_by_role("radio", name=choice).check()
        checks.is_good_in_each_look(page)
    page.get_by_role("checkbox", name="RING").check()
    expect(page.get_by_text("This goes to a supervisor, and the subject is told nothing.")).to_be_visible()
    press(page, "Reject with 1 code")
    expect(page.locator("#faults")).to_be_focused()
    checks.is_good_in_each_look(page)


def test_what_others_have_done(open_page: Opener, officer: User) -> None:
    other, page = UserFactory(username="officer.b", role="officer"), open_page(person=officer)
    held, proposed, waiting, escalated = (in_review() for _ in range(4))
    review.claim(held, by=other)
    review.approve(proposed, by=other, seen=seen(proposed), rationale=WORDS)
    until = timezone.now() + timedelta(days=2)
    review.wait(waiting, by=other, seen=seen(waiting), until=until, rationale="A photograph is on its way.")
    review.escalate(escalated, by=other, seen=seen(escalated), rationale="I have seen this before.")
    for session_id, words in (
        (held, "officer.b holds this session"),
        (proposed, "Confirm approval"),
        (waiting, "Waits until"),
        (escalated, "This session waits for a supervisor."),
    ):
        expect(opened(page, session_id).locator("#decision")).to_contain_text(words)
        checks.is_good_in_each_look(page)


def test_what_was_decided_and_what_came_after(open_page: Opener, officer: User, supervisor: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer), session_id)
    choose_rejection(page, "LOW_CONFIDENCE")
    press(page, "Reject with 1 code")
    expect(page.locator(".toast")).to_be_visible()
    checks.is_good_in_each_look(page)

    wire.post(wire.payload("kyc_session_verified", session_id=session_id, at=timezone.now()))
    expect(opened(page, session_id).locator("#decision")).to_contain_text("A supervisor settles this.")
    checks.is_good_in_each_look(page)
    settling = opened(open_page(person=supervisor), session_id)
    expect(settling.get_by_label("Follow Ralio: VERIFIED")).to_be_visible()
    checks.is_good_in_each_look(settling)

    again = wire.payload("kyc_session_manual_review", session_id=session_id, at=timezone.now(), checks=[])
    wire.post(again)
    expect(opened(page, session_id).locator("#decision")).to_contain_text("Round 1")
    checks.is_good_in_each_look(page)
