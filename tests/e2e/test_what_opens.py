"""Menus, dialogs, previews, disclosures and errors: accessible and within the window when they are open, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from kyc.models import User
from tests.e2e import checks, scene

pytestmark = pytest.mark.looks

type Opener = Callable[..., Page]


def test_the_queue_s_menus_and_its_help(open_page: Opener, officer: User, look: str) -> None:
    scene.build()
    page = open_page(look, person=officer)
    page.goto("/queue/")
    if look == "phone":
        page.locator("summary", has_text="Filters").click()
    expect(page.locator("summary.chipbtn")).to_have_count(7)
    for summary in page.locator("summary.chipbtn").all():
        summary.click()
        checks.is_good(page)
        page.keyboard.press("Escape")

    page.get_by_role("link", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    checks.is_good(page)


@pytest.mark.parametrize("look", ["light", "dark"], indirect=True)
def test_the_queue_s_preview(open_page: Opener, officer: User, look: str) -> None:
    known = scene.build()
    page = open_page(look, person=officer)
    page.goto("/queue/")
    for session in (known.overdue, known.unchecked, known.hostile):
        page.locator(f"[id='s-{session}'] a").first.focus()
        expect(page.get_by_role("complementary", name="Preview of session")).to_contain_text(str(session))
        checks.is_good(page)


def test_everything_on_a_session_s_page(open_page: Opener, officer: User) -> None:
    known = scene.build()
    page = open_page(person=officer)
    for session in (known.hostile, known.rejected):
        page.goto(f"/sessions/{session}/")
        expect(page.get_by_role("tab")).to_have_count(3)
        for tab in page.get_by_role("tab").all():
            tab.click()
            page.evaluate(
                "document.querySelectorAll('main details').forEach((details) => { details.open = true })"
            )
            checks.is_good_in_each_look(page)


def test_a_failed_sign_in(open_page: Opener, officer: User) -> None:
    page = open_page()
    page.goto("/account/login/")
    page.get_by_label("Username").fill(officer.username)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("alert")).to_be_visible()
    checks.is_good_in_each_look(page)


def test_the_theme_is_kept_and_changes_without_a_script_too(open_page: Opener, officer: User) -> None:
    for javascript in (True, False):
        page = open_page("light", person=officer, javascript=javascript)
        page.goto("/queue/")
        page.get_by_role("button", name="Use dark theme").click()
        page.goto("/rejected/")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("size", [(360, 640), (768, 1024), (1000, 700), (3840, 2160)], ids=str)
def test_the_desk_fits_every_window(open_page: Opener, officer: User, size: tuple[int, int]) -> None:
    known = scene.build()
    page = open_page("light", person=officer)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for address in ("/queue/", "/rejected/", f"/sessions/{known.hostile}/", f"/sessions/{known.rejected}/"):
        page.goto(address)
        checks.is_good(page)
