"""An officer's way through the desk, as the officer goes it: sign in, see a session arrive, read it, export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from kyc.models import User
from tests import wire
from tests.e2e import checks, scene
from tests.e2e.keys import press_together
from tests.factories import PASSWORD

POLL_SECONDS = 20
MISMATCH = {"type": "face-match", "code": "FACE_MISMATCH", "message": "Face does not match the portrait"}


def test_an_officer_works(page: Page, officer: User, live_server: LiveServer) -> None:
    known = scene.build()
    page.clock.install()
    page.goto("/")
    checks.is_good(page)
    sign_in(page, officer)
    expect(row(page, known.overdue)).to_be_visible()

    arrived = arrive(live_server)
    expect(row(page, arrived)).to_have_count(0)
    page.clock.fast_forward(POLL_SECONDS * 1000)
    notice = page.get_by_role("link", name="1 new session")
    expect(notice).to_be_visible()
    checks.is_good(page)
    notice.click()
    expect(row(page, arrived)).to_be_visible()

    choose(page, "Reason", "FACE_MISMATCH")
    expect(page.locator(".qrow")).to_have_count(1)
    checks.is_good(page)
    row(page, arrived).get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(arrived))
    expect(page.get_by_text(MISMATCH["message"]).first).to_be_visible()
    expect(page.get_by_text(MISMATCH["code"]).first).to_be_visible()
    checks.is_good(page)

    find_and_export_a_rejection(page, known)
    checks.is_good(page)
    sign_out(page)


@pytest.mark.each_engine
def test_an_officer_works_without_javascript(
    open_page: Callable[..., Page], officer: User, live_server: LiveServer
) -> None:
    known = scene.build()
    page = open_page("light", javascript=False)
    page.goto("/")
    sign_in(page, officer)

    arrived = arrive(live_server)
    page.reload()
    choose(page, "Reason", "FACE_MISMATCH")
    expect(page.locator(".qrow")).to_have_count(1)
    row(page, arrived).get_by_role("link").first.click()
    expect(page.get_by_text(MISMATCH["message"]).first).to_be_visible()

    find_and_export_a_rejection(page, known, javascript=False)
    sign_out(page)


def test_an_officer_works_by_keyboard(open_page: Callable[..., Page], officer: User) -> None:
    known = scene.build()
    page = open_page("light")
    page.goto("/")
    page.keyboard.type(officer.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".qrow").first).to_be_visible()

    obeys_keys(page)
    page.keyboard.press("j")
    expect(row(page, known.overdue).get_by_role("link").first).to_be_focused()
    expect(page.get_by_role("complementary", name="Preview of session")).to_contain_text(str(known.overdue))
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(row(page, known.overdue).get_by_role("link").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(known.overdue))

    obeys_keys(page)
    press_together(page, "g", "q")
    expect(page.get_by_role("heading", level=1, name="Review queue")).to_be_visible()
    obeys_keys(page)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("LOW_CONFIDENCE")
    page.keyboard.press("Enter")
    expect(page.locator(".qrow")).to_have_count(3)
    expect(row(page, known.overdue)).to_have_count(0)


def obeys_keys(page: Page) -> None:
    """Wait until the page's scripts, which come after its text, have run."""
    page.wait_for_load_state("load")


def arrive(live_server: LiveServer) -> UUID:
    """Post a session over HTTP as Ralio does, and return its id."""
    session_id, refused = uuid4(), scene.check("face-matching", "Refused", MISMATCH)
    event = wire.payload(
        "kyc_session_manual_review", session_id=session_id, at=scene.hours_ago(0.1), checks=[refused]
    )
    body = wire.encode(event)
    headers = {"Content-Type": "application/json", "X-Signature": wire.sign(body)}
    with urlopen(Request(f"{live_server.url}/webhooks/ralio", data=body, headers=headers)) as answer:
        assert answer.status == 200
    return session_id


def sign_in(page: Page, officer: User) -> None:
    page.get_by_label("Username").fill(officer.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Review queue")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    page.goto("/queue/")
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def row(page: Page, session_id: UUID) -> Locator:
    return page.locator(f"[id='s-{session_id}']")


def unfold(page: Page, control: Locator) -> None:
    """Show the filters where the window is too narrow to show them at once."""
    control.wait_for(state="attached")
    page.wait_for_load_state()
    if not control.is_visible():
        page.locator("summary", has_text="Filters").click()


def choose(page: Page, chip: str, option: str) -> None:
    """Open a chip, tick one of its options and apply."""
    summary = page.locator("summary.chipbtn", has_text=chip).first
    unfold(page, summary)
    summary.click()
    panel = page.get_by_role("group", name=chip, exact=True)
    panel.get_by_label(option).check()
    panel.get_by_role("button", name="Apply").click()


def find_and_export_a_rejection(page: Page, known: scene.Scene, *, javascript: bool = True) -> None:
    page.get_by_role("link", name="Rejected", exact=True).click()
    expect(page.get_by_text(scene.DETERIORATED["message"]).first).to_be_visible()
    expect(page.get_by_title(str(known.rejected)).first).to_be_visible()

    code = page.get_by_role("checkbox", name="LOW_CONFIDENCE", include_hidden=True)
    unfold(page, code)
    code.click()
    if not javascript:
        page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_title(str(known.rejected))).to_have_count(0)
    expect(page.get_by_title(str(known.rejected_bare)).first).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["session"] for line in lines} == {str(known.rejected_bare)}
    assert {line["code"] for line in lines} == {"LOW_CONFIDENCE"}
