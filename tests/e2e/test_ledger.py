"""An auditor's work in a real browser: entries by key, a chain verified, a session's record printed and taken along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kyc import sealing
from kyc.models import User
from tests.e2e import checks, scene
from tests.e2e.keys import press_together


@pytest.fixture
def known(db: None) -> scene.Scene:
    built = scene.build()
    sealing.seal()
    return built


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_entries_open_beside_the_list_by_key(
    open_page: Callable[..., Page], auditor: User, known: scene.Scene, look: str
) -> None:
    page = open_page(look, person=auditor)
    page.goto("/queue/")
    press_together(page, "g", "l")
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("j")
    expect(page.locator("#peek").get_by_text("Covers this entry")).to_be_visible()
    checks.is_good(page)
    page.keyboard.press("/")
    page.keyboard.type(str(known.overdue))
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/?q=*")
    page.get_by_role("button", name="Verify this chain").first.click()
    expect(page.get_by_role("heading", name="The chain holds")).to_be_visible()
    expect(page.get_by_text("Nothing that was sealed is missing or altered.")).to_be_visible()
    checks.is_good(page)


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_all_of_it_works_without_javascript(
    open_page: Callable[..., Page], auditor: User, known: scene.Scene, look: str
) -> None:
    page = open_page(look, person=auditor, javascript=False)
    page.goto("/ledger/")
    page.get_by_label("Search by session").fill(str(known.overdue)[:8])
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/ledger/?*q=*")
    page.locator(".qrow__link").first.click()
    expect(page.get_by_text("Covers this entry")).to_be_visible()
    page.get_by_role("button", name="Verify this chain").click()
    expect(page.get_by_role("heading", name="The chain holds")).to_be_visible()
    page.goto("/ledger/seals/1/")
    page.get_by_role("button", name="Verify what it names").click()
    expect(page.get_by_text("Its digest is that of the heads it names.")).to_be_visible()
    page.goto(f"/sessions/{known.overdue}/")
    page.get_by_role("link", name="Session record").click()
    expect(page.get_by_text("The ledger’s chain of this session holds.")).to_be_visible()


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_a_record_leaves_as_pdf_and_the_ledger_as_zip(
    open_page: Callable[..., Page], auditor: User, known: scene.Scene, look: str
) -> None:
    page = open_page(look, person=auditor)
    page.goto(f"/sessions/{known.overdue}/record/")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download PDF").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF-")
    page.goto("/ledger/export/")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download bundle").click()
    assert taken.value.suggested_filename.endswith(".zip")
