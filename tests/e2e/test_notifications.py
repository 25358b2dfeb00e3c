"""A supervisor's way through the messages: find what needs a person, read one's life, release some; choose one's own mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from kyc.models import User
from notifications.choices import Status
from notifications.models import Notification
from tests.e2e import checks
from tests.e2e.keys import press_together
from tests.factories import AttemptFactory, NotificationFactory


@pytest.fixture
def withheld(db: None) -> list[Notification]:
    """Two messages that are withheld, beside one that gave up, one that left and one without a contact."""
    rows = NotificationFactory.create_batch(2, status=Status.WITHHELD)
    gave_up = NotificationFactory(status=Status.GAVE_UP, n_attempts=1, last_error="550 no such mailbox")
    AttemptFactory(notification=gave_up, answer="550 no such mailbox")
    for status in (Status.SENT, Status.WAITING):
        NotificationFactory(status=status)
    return rows


def test_a_supervisor_releases_what_is_withheld(
    open_page: Callable[..., Page], supervisor: User, withheld: list[Notification], look: str
) -> None:
    page = open_page(look, person=supervisor)
    page.goto("/queue/")
    page.get_by_role("link", name="Notifications", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Notifications")).to_be_visible()
    page.get_by_role("link", name="Needs a person 4").click()
    expect(page.locator(".qrow")).to_have_count(4)
    checks.is_good(page)

    for row in withheld:
        page.locator(f"#s-{row.pk}").get_by_role("checkbox").check()
    expect(page.get_by_role("group", name="Selected messages")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("button", name="Release messages").click()
    expect(page.get_by_role("heading", level=1, name="2 of 2 messages released")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("link", name="Back to the notifications").click()
    expect(page.locator(".qrow")).to_have_count(2)


def test_the_list_is_walked_by_keyboard_and_a_life_is_read(
    open_page: Callable[..., Page], supervisor: User, withheld: list[Notification]
) -> None:
    row = Notification.objects.get(status=Status.GAVE_UP)
    page = open_page("dark", person=supervisor)
    page.goto("/queue/")
    page.wait_for_load_state("load")
    press_together(page, "g", "n")
    expect(page.get_by_role("heading", level=1, name="Notifications")).to_be_visible()
    page.wait_for_load_state("load")
    page.locator(f"#s-{row.pk} .qrow__link").focus()
    pane = page.get_by_role("complementary", name="Message: Verification failed")
    expect(pane).to_contain_text("550 no such mailbox")
    checks.is_good(page)
    page.emulate_media(color_scheme="light")
    checks.is_good(page)
    page.keyboard.press("x")
    expect(page.locator(f"#s-{row.pk}").get_by_role("checkbox")).to_be_checked()
    expect(page.locator("#announce")).to_have_text("1 message selected")
    page.locator(f"#s-{row.pk} .qrow__link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Verification failed")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is tried again within a minute.")).to_be_visible()


def test_a_person_chooses_their_mail_without_javascript(
    open_page: Callable[..., Page], officer: User
) -> None:
    page = open_page("phone", person=officer, javascript=False)
    page.goto("/notifications/")
    page.get_by_role("main").get_by_role("link", name="Mail I get").click()
    group = page.get_by_role("group", name="Review opened")
    group.get_by_text("At once").click()
    page.get_by_role("button", name="Save choice").click()
    expect(page.get_by_text("Your choice is saved.")).to_be_visible()
    expect(group.get_by_role("radio", name="At once")).to_be_checked()
