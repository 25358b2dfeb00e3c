"""A supervisor's way through the deliveries: see one come, find its fault in its body, replay what we can read by now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from kyc.models import Delivery, User
from tests import wire
from tests.e2e import checks, scene
from tests.e2e.keys import press_together
from tests.e2e.test_journey import choose
from tests.kyc.desk.parcels import broken, mended

POLL_SECONDS = 20


@pytest.fixture
def parked(db: None) -> Delivery:
    """A desk with one of everything, and a quarantined delivery that we can read by now."""
    scene.build()
    return mended()


def wide(look: str) -> bool:
    return look != "phone"


def test_a_supervisor_finds_a_fault_and_replays(
    open_page: Callable[..., Page], supervisor: User, parked: Delivery, look: str
) -> None:
    page = open_page(look, person=supervisor)
    page.clock.install()
    page.goto("/queue/")
    page.get_by_role("link", name="Deliveries", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Deliveries")).to_be_visible()
    expect(page.get_by_role("region", name="Health of the inbox")).to_contain_text("Silence")
    page.get_by_role("link", name="Quarantined", exact=False).first.click()
    checks.is_good(page)

    row = page.locator(f"#s-{parked.pk}")
    row.get_by_role("link").first.focus()
    if wide(look):
        pane = page.get_by_role("complementary", name=f"Delivery {parked.pk}")
        expect(pane.locator(".fault__path")).to_have_text("data.checks[0].state")
        expect(pane.locator(".json .hit")).to_contain_text("state")
        checks.is_good(page)
        pane.get_by_role("link", name="Replay…").click()
    else:
        row.get_by_role("link").first.click()
        checks.is_good(page)
        page.get_by_role("link", name="Replay…").click()
    expect(page.get_by_text("Would be applied")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("button", name="Replay delivery").click()
    expect(page.get_by_role("heading", level=1, name="1 of 1 applied")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("link", name="Back to the deliveries").click()
    expect(page.locator(f"#s-{parked.pk}")).to_have_count(0)


def test_what_comes_is_announced_and_moves_nothing(
    open_page: Callable[..., Page], supervisor: User, parked: Delivery
) -> None:
    page = open_page(person=supervisor)
    page.clock.install()
    page.goto("/deliveries/?status=quarantined")
    n_rows = page.locator(".qrow").count()
    broken(b"new and no JSON")
    page.clock.fast_forward(POLL_SECONDS * 1000)
    notice = page.get_by_role("link", name="1 new delivery")

    expect(notice).to_be_visible()
    expect(page.locator(".qrow")).to_have_count(n_rows)
    checks.is_good(page)
    page.keyboard.press(".")
    expect(page.locator(".qrow")).to_have_count(n_rows + 1)


def test_the_list_is_walked_by_keyboard(
    open_page: Callable[..., Page], supervisor: User, parked: Delivery
) -> None:
    page = open_page(person=supervisor)
    page.goto("/queue/")
    page.wait_for_load_state("load")
    press_together(page, "g", "d")
    expect(page.get_by_role("heading", level=1, name="Deliveries")).to_be_visible()
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    expect(page.locator(f"#s-{parked.pk} .qrow__link")).to_be_focused()
    expect(page.get_by_role("complementary", name=f"Delivery {parked.pk}")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(f"#s-{parked.pk} .qrow__link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="kyc_session_failed")).to_be_visible()
    page.get_by_role("link", name="Deliveries").first.click()
    expect(page.get_by_role("heading", level=1, name="Deliveries")).to_be_visible()
    page.wait_for_load_state("load")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_refused_request_shows_in_the_pane(
    open_page: Callable[..., Page], supervisor: User, parked: Delivery
) -> None:
    page = open_page(person=supervisor)
    page.goto("/deliveries/?status=refused")
    page.wait_for_load_state("load")
    page.keyboard.press("j")

    expect(page.get_by_role("complementary", name="Refused request")).to_contain_text(
        "Nobody vouches for what it says"
    )
    expect(page.locator(".qrow.is-open")).to_have_count(1)


def test_it_all_works_without_javascript(
    open_page: Callable[..., Page], supervisor: User, parked: Delivery
) -> None:
    wire.post(wire.payload("kyc_session_verified"))
    page = open_page(person=supervisor, javascript=False)
    page.goto("/deliveries/")
    page.get_by_role("link", name="How the inbox is").click()
    expect(page.get_by_role("heading", level=1, name="Health of the inbox")).to_be_visible()
    page.get_by_role("link", name="Deliveries", exact=True).first.click()

    choose(page, "Cause", "Invalid")
    expect(page.locator(".qrow")).to_have_count(2)
    page.get_by_role("link", name="Replay this list…").click()
    page.get_by_role("button", name="Replay what is ticked").click()
    expect(page.get_by_role("heading", level=1, name="1 of 1 applied")).to_be_visible()
    page.get_by_role("link", name=f"Delivery {parked.pk}").click()
    expect(page.get_by_text("What it changed").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Raw").click()
    assert download.value.path().read_bytes() == bytes(Delivery.objects.get(pk=parked.pk).body)
