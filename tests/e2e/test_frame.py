"""The frame of the desk on a phone: the rarer pages open from the bar, with a script and without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from kyc.models import User
from tests.e2e import checks

pytestmark = pytest.mark.looks


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_the_rarer_pages_open_from_the_bar(
    open_page: Callable[..., Page], auditor: User, javascript: bool
) -> None:
    page = open_page("phone", person=auditor, javascript=javascript)
    page.goto("/account/password/")
    bar = page.get_by_role("navigation", name="Main")
    expect(bar.get_by_role("link")).to_have_count(4)
    more = bar.locator("summary")
    more.press("Enter")
    expect(bar.get_by_role("link")).to_have_count(7)
    if javascript:
        checks.is_good(page)
    bar.get_by_role("link", name="Ledger").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ledger")
    expect(more).to_have_css("color", "rgb(47, 84, 201)")
