"""Two officers at one queue: claims that race, rows that change under the other's eyes, keys alone, no script."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from kyc import review
from kyc.models import Session, User
from tests.e2e import checks, scene
from tests.factories import SavedViewFactory, UserFactory

Opener = Callable[..., Page]
POLL_SECONDS = 5


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


@pytest.fixture
def known(db: None) -> scene.Scene:
    return scene.build()


def row(page: Page, session_id: UUID) -> Locator:
    return page.locator(f"[id='s-{session_id}']")


def opened(page: Page, address: str = "/queue/") -> Page:
    """Open a page whose clock the test moves, with its scripts at work."""
    page.clock.install()
    page.goto(address)
    page.wait_for_load_state("load")
    return page


def later(page: Page) -> None:
    page.clock.fast_forward(POLL_SECONDS * 1000)


@pytest.mark.each_engine
def test_two_officers_race_for_a_row(
    open_page: Opener, officer: User, colleague: User, known: scene.Scene
) -> None:
    mine, theirs = opened(open_page(person=officer)), open_page(person=colleague)
    # The look that each page takes every few seconds would show the claim before it can be tried.
    theirs.route("**/queue/rows/**", lambda route: route.fulfill(status=204))
    opened(theirs)
    name = f"Claim session {str(known.overdue)[:8]}"
    mine.get_by_role("button", name=name).click()
    expect(row(mine, known.overdue)).to_contain_text("You")
    theirs.get_by_role("button", name=name).click()

    expect(theirs.locator("#queue-said")).to_contain_text("officer holds this session.")
    expect(row(theirs, known.overdue)).to_contain_text("officer")
    assert Session.objects.get(pk=known.overdue).assignee == officer
    checks.is_good(theirs)


def test_a_row_changes_in_place_and_keeps_focus_and_tick(
    open_page: Opener, officer: User, colleague: User, known: scene.Scene
) -> None:
    page = opened(open_page(person=officer), "/queue/?view=free")
    order = [each.get_attribute("id") for each in page.locator(".qrow").all()]
    row(page, known.overdue).get_by_role("checkbox").check()
    row(page, known.overdue).locator(".qrow__link").focus()
    review.claim(known.overdue, by=colleague)
    later(page)

    expect(row(page, known.overdue)).to_contain_text("Claimed by officer.b")
    expect(page.locator("#announce")).to_have_text(f"officer.b claimed {str(known.overdue)[:8]}.")
    expect(row(page, known.overdue).get_by_role("checkbox")).to_be_checked()
    expect(row(page, known.overdue).locator(".qrow__link")).to_be_focused()
    assert [each.get_attribute("id") for each in page.locator(".qrow").all()] == order
    checks.is_good(page)


def test_the_holder_sees_who_asks(
    open_page: Opener, officer: User, colleague: User, known: scene.Scene, look: str
) -> None:
    review.claim(known.waiting, by=officer)
    page = opened(open_page(look, person=officer))
    review.ask(known.waiting, by=colleague)
    later(page)

    expect(page.get_by_text(f"officer.b asks to take over {str(known.waiting)[:8]}.")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("link", name="Answer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(known.waiting))


def test_by_keyboard_alone(open_page: Opener, officer: User, colleague: User, known: scene.Scene) -> None:
    review.claim(known.overdue, by=colleague)
    page = opened(open_page(person=officer))
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = row(page, known.unchecked)
    expect(second.locator(".qrow__link")).to_be_focused()
    page.keyboard.press("x")
    expect(second.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("c")
    expect(second).to_contain_text("You")
    expect(second.get_by_role("checkbox")).to_be_checked()
    expect(second.locator(".qrow__link")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("n")
    expect(page.get_by_role("searchbox")).to_have_value("n")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(known.party))
    assert Session.objects.get(pk=known.party).assignee == officer


def test_single_keys_can_be_turned_off(open_page: Opener, officer: User, known: scene.Scene) -> None:
    page = opened(open_page(person=officer))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Claim next")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    row(page, known.overdue).locator(".qrow__link").focus()
    page.keyboard.press("c")
    page.keyboard.press("n")

    expect(page.get_by_role("heading", level=1, name="Review queue")).to_be_visible()
    assert Session.objects.get(pk=known.overdue).assignee is None


def test_the_ticked_rows_are_worked_on_together(
    open_page: Opener, officer: User, colleague: User, known: scene.Scene, look: str, tmp_path: Path
) -> None:
    review.claim(known.overdue, by=colleague)
    page = opened(open_page(look, person=officer))
    expect(page.get_by_role("group", name="Selected sessions")).to_be_hidden()
    for session in (known.overdue, known.waiting):
        row(page, session).get_by_role("checkbox").check()
    bar = page.get_by_role("group", name="Selected sessions")
    checks.is_good(page)
    with page.expect_download() as download:
        bar.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "sessions.csv")
    with (tmp_path / "sessions.csv").open(encoding="utf-8-sig") as file:
        assert {line["session"] for line in csv.DictReader(file)} == {str(known.overdue), str(known.waiting)}

    bar.locator("summary", has_text="Escalate").click()
    page.get_by_label("Why supervisors should decide these").fill("Too short")
    bar.get_by_role("button", name="Escalate sessions").click()
    expect(bar.get_by_role("alert")).to_contain_text("You have 9.")
    expect(page.get_by_label("Why supervisors should decide these")).to_have_value("Too short")
    page.keyboard.press("Escape")
    bar.get_by_role("button", name="Claim", exact=True).click()
    expect(page.locator("#queue-said")).to_contain_text("1 of 2 sessions claimed")
    expect(page.locator("#queue-said")).to_contain_text("officer.b holds this session.")
    expect(row(page, known.waiting)).to_contain_text("You")
    expect(bar).to_be_hidden()
    checks.is_good(page)


def test_a_view_is_saved_opened_and_deleted(
    open_page: Opener, officer: User, known: scene.Scene, look: str
) -> None:
    SavedViewFactory(owner=officer, name="Old faces", query="check=face-matching&sort=oldest")
    page = opened(open_page(look, person=officer), "/queue/?reason=LOW_CONFIDENCE")
    page.locator("summary", has_text="Save view").click()
    page.get_by_label("Name", exact=True).fill("Low confidence")
    checks.is_good(page)
    page.get_by_role("button", name="Save view").click()
    tab = page.get_by_role("navigation", name="Views").get_by_role("link", name="Low confidence 3")
    expect(tab).to_have_attribute("aria-current", "page")
    checks.is_good(page)
    page.get_by_role("button", name="Delete view").click()
    expect(tab).to_have_count(0)


def test_what_is_seen_stays_when_nothing_newer_comes(
    open_page: Opener, officer: User, known: scene.Scene, problems: list[str]
) -> None:
    page = opened(open_page(person=officer))
    n_rows = page.locator(".qrow").count()
    page.context.set_offline(True)
    later(page)
    notice = page.get_by_role("alert").filter(has_text="The queue did not load.")
    expect(notice).to_contain_text("UTC")
    expect(page.locator(".qrow")).to_have_count(n_rows)
    checks.is_good(page)
    # The last look by itself is in vain: from now on the clock stands still.
    with page.expect_event("requestfailed"):
        page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    page.context.set_offline(False)
    notice.get_by_role("button", name="Try again").click()

    expect(notice).to_be_hidden()
    # The request that could not be sent is what this is about.
    problems[:] = [each for each in problems if "rows" not in each and "htmx" not in each]


def test_it_all_works_without_javascript(
    open_page: Opener, officer: User, colleague: User, known: scene.Scene
) -> None:
    review.claim(known.overdue, by=colleague)
    page = open_page(person=officer, javascript=False)
    page.goto("/queue/")
    page.get_by_role("button", name=f"Claim session {str(known.waiting)[:8]}").click()
    expect(page.get_by_text(f"Session {str(known.waiting)[:8]} claimed.")).to_be_visible()
    for session in (known.overdue, known.party):
        row(page, session).get_by_role("checkbox").check()
    bar = page.get_by_role("group", name="Selected sessions")
    bar.get_by_role("button", name="Claim", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="1 of 2 sessions claimed")).to_be_visible()
    page.get_by_role("link", name="Back to the queue").click()
    page.get_by_role("link", name="Mine 2").click()
    expect(page.locator(".qrow")).to_have_count(2)
    page.get_by_role("link", name="Free").click()
    page.get_by_role("button", name="Claim next").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(known.unchecked))
