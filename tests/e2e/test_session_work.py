"""The session page at work: claim, decide, undo, two people, two officers at once; by mouse, by keyboard, without script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kyc.models import Decision, Note, Session, User
from tests import wire
from tests.e2e import checks, scene
from tests.e2e.panel import WORDS, button, choose_rejection, has_state, in_review, opened, press
from tests.factories import ReasonCodeFactory, UserFactory

type Opener = Callable[..., Page]


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def state_of(session_id: UUID) -> str:
    return Session.objects.get(pk=session_id).state


@pytest.mark.each_engine
def test_of_two_officers_one_decides_and_the_other_loses_nothing(
    open_page: Opener, officer: User, colleague: User
) -> None:
    session_id = in_review()
    mine, theirs = (opened(open_page(person=person), session_id) for person in (officer, colleague))
    for page in (mine, theirs):
        choose_rejection(page, "LOW_CONFIDENCE")
    press(theirs, "Reject with 1 code")
    has_state(theirs, "REJECTED")

    press(mine, "Reject with 1 code")
    notice = mine.locator("#conflict")
    expect(notice).to_be_focused()
    expect(notice).to_contain_text("officer.b rejected this session")
    expect(notice.get_by_role("textbox")).to_have_value(f"Reject (LOW_CONFIDENCE): {WORDS}")
    checks.is_good(mine)
    assert Decision.objects.count() == 1

    notice.get_by_role("button", name="Save as a note").click()
    expect(mine.locator('[data-kind="note"]')).to_contain_text(WORDS)
    assert Note.objects.get().by == officer


@pytest.mark.each_engine
def test_what_ralio_sends_meanwhile_is_told_and_the_form_stays(open_page: Opener, officer: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer), session_id)
    choose_rejection(page, "LOW_CONFIDENCE")
    wire.post(
        wire.payload("kyc_session_manual_review", session_id=session_id, at=scene.hours_ago(1), checks=[])
    )
    page.keyboard.press("Control+Enter")
    expect(page.locator("#conflict")).to_contain_text("Ralio sent REVIEW")
    expect(page.locator("#decide-rationale_reject")).to_have_value(WORDS)

    press(page, "Reject with 1 code")
    has_state(page, "REJECTED")


def test_a_rejection_and_its_undo_by_keyboard_alone(open_page: Opener, officer: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer), session_id)
    page.keyboard.press("c")
    expect(page.locator("#lease")).to_contain_text("Claimed by you until")
    page.wait_for_load_state("load")
    page.keyboard.press("r")
    expect(page.get_by_role("radio", name="Reject")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("low")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    # In a field the letters are letters.
    page.keyboard.type(f"{WORDS} aresu")
    expect(page.locator("#decide-rationale_reject")).to_have_value(f"{WORDS} aresu")
    assert not Decision.objects.exists()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("Session rejected with LOW_CONFIDENCE.")
    has_state(page, "REJECTED")
    page.wait_for_load_state("load")

    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("Decision taken back.")
    assert state_of(session_id) == "REVIEW"
    page.wait_for_load_state("load")
    page.keyboard.press("m")
    page.keyboard.type("Look again tomorrow.")
    page.keyboard.press("Control+Enter")
    expect(page.locator('[data-kind="note"]')).to_contain_text("Look again tomorrow.")


def test_single_keys_can_be_turned_off(open_page: Opener, officer: User) -> None:
    page = opened(open_page(person=officer), in_review())
    page.get_by_role("link", name="Keyboard shortcuts").click()
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("r")

    expect(page.get_by_role("radio", name="Reject")).not_to_be_checked()


def test_two_people_approve_over_a_refused_check(open_page: Opener, officer: User, colleague: User) -> None:
    session_id = in_review()
    maker, checker = open_page(person=officer), open_page(person=colleague)
    opened(maker, session_id).get_by_role("radio", name="Approve").check()
    expect(maker.locator("#decision")).to_contain_text("Another person must confirm")
    maker.locator("#decide-rationale_approve").fill(WORDS)
    press(maker, "Propose approval")
    expect(maker.locator("#decision")).to_contain_text("Someone else has to confirm.")
    checks.is_good(maker)

    opened(checker, session_id).locator("summary", has_text="Send back").click()
    checker.get_by_label("What is to be done?").fill("Look at the second page.")
    press(checker, "Send back to officer")
    expect(opened(maker, session_id).locator("#decision")).to_contain_text("Look at the second page.")
    maker.get_by_role("radio", name="Approve").check()
    maker.locator("#decide-rationale_approve").fill(WORDS)
    press(maker, "Propose approval")

    press(opened(checker, session_id), "Confirm approval")
    has_state(checker, "VERIFIED")
    expect(checker.locator("#decision")).to_contain_text("Confirmed by")


def test_the_whole_way_without_javascript(open_page: Opener, officer: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer, javascript=False), session_id)
    press(page, "Claim session")
    expect(page.locator("#lease")).to_contain_text("Claimed by you")
    choose_rejection(page)
    press(page, "Reject session")
    faults = page.locator("#faults")
    expect(faults).to_contain_text("Choose at least one reason code.")
    expect(page.locator("#decide-rationale_reject")).to_have_value(WORDS)

    page.get_by_role("checkbox", name="LOW_CONFIDENCE").check()
    # Enter on a choice or in a field presses what decides nothing.
    page.get_by_role("radio", name="Reject").press("Enter")
    expect(page.locator("#faults")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="LOW_CONFIDENCE")).to_be_checked()
    assert not Decision.objects.exists()
    press(page, "Reject session")
    has_state(page, "REJECTED")

    page.locator("#decision").get_by_role("button", name="Undo").click()
    has_state(page, "REVIEW")
    page.get_by_label("Add a note").fill("Undone on purpose.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator('[data-kind="note"]')).to_contain_text("Undone on purpose.")


def test_the_next_session_is_one_press_away(open_page: Opener, officer: User) -> None:
    first, second = in_review(is_refused=False), in_review()
    page = opened(open_page(person=officer), first)
    page.keyboard.press("a")
    page.keyboard.press("Control+Enter")
    has_state(page, "VERIFIED")
    page.wait_for_load_state("load")
    page.keyboard.press("n")

    expect(page.get_by_role("heading", level=1)).to_contain_text(str(second))
    expect(page.locator("#lease")).to_contain_text("Claimed by you")


def test_a_large_catalogue_is_searched_and_what_is_ticked_stays(
    open_page: Opener, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyc.desk.reasons.MOST", 2)
    for n in range(6):
        ReasonCodeFactory(code=f"CODE_{n}", label="A code")
    page = opened(open_page(person=officer), in_review())
    choose_rejection(page, "CODE_0")
    for wanted in ("CODE_4", "CODE_5"):
        page.get_by_role("searchbox", name="Search codes").fill(wanted)
        page.get_by_role("checkbox", name=wanted).check()
    expect(page.get_by_role("checkbox", name="CODE_0")).to_be_checked()
    press(page, "Reject with 3 codes")
    has_state(page, "REJECTED")

    assert sorted(Decision.objects.get().codes) == ["CODE_0", "CODE_4", "CODE_5"]


def test_wait_and_escalate(open_page: Opener, officer: User, supervisor: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer), session_id)
    page.keyboard.press("w")
    day = timezone.localdate() + timedelta(days=2)
    page.locator("#decide-until_date").fill(day.isoformat())
    page.locator("#decide-until_time").fill("09:30")
    page.locator("#decide-rationale_wait").fill("A new photograph is on its way.")
    press(page, "Let session wait")
    expect(page.locator("#decision")).to_contain_text(f"Waits until {day.day} {day:%b}, 09:30 UTC")
    press(page, "End the wait")
    expect(page.locator("#lease")).to_contain_text("Claimed by you")

    page.get_by_role("radio", name="Escalate").check()
    page.locator("#decide-to_escalate").select_option(label="supervisor")
    page.locator("#decide-rationale_escalate").fill("I have seen this document before.")
    press(page, "Escalate session")
    expect(page.locator("#decision")).to_contain_text("This session waits for a supervisor.")
    assert Session.objects.get().assignee == supervisor


def test_a_supervisor_settles_a_dispute(open_page: Opener, officer: User, supervisor: User) -> None:
    session_id = in_review()
    page = opened(open_page(person=officer), session_id)
    choose_rejection(page, "LOW_CONFIDENCE")
    press(page, "Reject with 1 code")
    has_state(page, "REJECTED")
    wire.post(wire.payload("kyc_session_verified", session_id=session_id, at=timezone.now()))
    expect(opened(page, session_id).locator("#decision")).to_contain_text("A supervisor settles this.")

    settling = opened(open_page(person=supervisor), session_id)
    settling.get_by_label("Uphold the decision: REJECTED").check()
    settling.get_by_label("Why?").fill("Ralio has not seen the second capture.")
    press(settling, "Settle dispute")
    has_state(settling, "REJECTED")
    expect(settling.locator("#decision")).to_contain_text("Settled by")


def test_the_holder_is_asked_and_hands_over(open_page: Opener, officer: User, colleague: User) -> None:
    session_id = in_review()
    holder, asker = open_page(person=officer), open_page("phone", person=colleague)
    press(opened(holder, session_id), "Claim session")
    expect(holder.locator("#lease")).to_be_visible()
    opened(asker, session_id).get_by_role("link", name="Claim", exact=True).click()
    expect(button(asker, "Ask to take over")).to_be_in_viewport()
    press(asker, "Ask to take over")
    expect(asker.locator("#decision")).to_contain_text("You asked to take over")
    checks.is_good(asker)

    press(opened(holder, session_id), "Hand over")
    expect(holder.locator("#decision")).to_contain_text("officer.b holds this session")


def test_activity_renews_the_claim_and_its_end_is_said(open_page: Opener, officer: User) -> None:
    session_id = in_review()
    page = open_page(person=officer)
    page.clock.install()
    press(opened(page, session_id), "Claim session")
    expect(page.locator("#lease")).to_be_visible()
    page.wait_for_load_state("load")
    soon = timezone.now() + timedelta(minutes=2)
    Session.objects.update(claimed_until=soon)
    page.keyboard.press("r")
    page.clock.fast_forward(61_000)
    with page.expect_response("**/renew/"):
        page.keyboard.press("Shift")
    assert Session.objects.get().claimed_until > soon

    page.locator("#decide-rationale_reject").fill(WORDS)
    Session.objects.update(claimed_until=timezone.now() - timedelta(minutes=1))
    page.clock.fast_forward(61_000)
    page.keyboard.press("Shift")
    expect(page.locator("#lease")).to_contain_text("Your claim has ended.")
    expect(page.locator("#announce")).to_contain_text("What you typed is kept.")
    expect(page.locator("#decide-rationale_reject")).to_have_value(WORDS)
