"""The session page's panel, as an officer works it in a browser."""

from __future__ import annotations

from uuid import UUID, uuid4

from playwright.sync_api import Locator, Page, expect

from tests import wire
from tests.e2e import scene

WORDS = "Neither capture matches the portrait."


def in_review(*, is_refused: bool = True) -> UUID:
    session_id = uuid4()
    found = scene.check(
        "face-matching", "Refused" if is_refused else "Validated", *[scene.LOW_CONFIDENCE] * is_refused
    )
    event = wire.payload(
        "kyc_session_manual_review", session_id=session_id, at=scene.hours_ago(2), checks=[found]
    )
    assert wire.post(event).status_code == 200
    return session_id


def opened(page: Page, session_id: UUID) -> Page:
    page.goto(f"/sessions/{session_id}/")
    page.wait_for_load_state("load")
    return page


def choose_rejection(page: Page, *codes: str) -> None:
    page.get_by_role("radio", name="Reject").check()
    for code in codes:
        page.get_by_role("checkbox", name=code).first.check()
    page.locator("#decide-rationale_reject").fill(WORDS)


def has_state(page: Page, state: str) -> None:
    expect(page.locator(".s-head__title .state").first).to_have_text(state)


def press(page: Page, name: str, **more: bool) -> None:
    button(page, name, **more).click()


def button(page: Page, name: str, **more: bool) -> Locator:
    return page.locator("#decision").get_by_role("button", name=name, **more)
