"""A second factor in a real browser: an authenticator app, Chromium's virtual passkey, and confirmations on the way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, Route, expect

from kyc.models import Decision, User
from tests.conftest import signed_in
from tests.e2e import checks
from tests.factories import PASSWORD, UserFactory
from tests.kyc import scene
from tests.kyc.review.acting import rejected

Opener = Callable[..., Page]


def device(page: Page) -> None:
    """Give the browser a platform authenticator that sees the right finger."""
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    chromium.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def enter_password(page: Page, person: User) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def shown_key(page: Page) -> pyotp.TOTP:
    return pyotp.TOTP(page.locator(".setup__key .uuid").inner_text().replace(" ", ""))


def next_code(app: pyotp.TOTP) -> str:
    """Return the code of the next half minute: the present one was given, and counts no more."""
    return app.at(int(time.time()) + 30)


@pytest.mark.parametrize("javascript", [True, False])
def test_an_app_is_set_up_before_anything_else_and_asked_for_at_the_next_sign_in(
    open_page: Opener, officer: User, settings: Any, javascript: bool
) -> None:
    settings.KYC_MFA_REQUIRED = True
    page = open_page(javascript=javascript)
    enter_password(page, officer)
    expect(page.get_by_text("Set up a second factor to go on.")).to_be_visible()
    if javascript:
        checks.is_good(page)
    page.get_by_role("link", name="Set up the app").click()
    app = shown_key(page)
    if javascript:
        checks.is_good(page)
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Set up the app").click()
    expect(page.get_by_text("This is not right")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(app.now())
    page.get_by_role("button", name="Set up the app").click()
    expect(page.locator(".codes-list li")).to_have_count(10)
    if javascript:
        checks.is_good(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(re.compile("/queue/"))

    page.get_by_role("button", name="Sign out").click()
    enter_password(page, officer)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    if javascript:
        checks.is_good(page)
    page.get_by_label("Code", exact=True).fill(next_code(app))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/queue/"))


def test_a_passkey_is_added_signs_in_alone_and_confirms(
    open_page: Opener, supervisor: User, settings: Any
) -> None:
    settings.KYC_FOUR_EYES = "all"
    proposal = rejected(scene.in_review(), UserFactory(username="maker", role="officer"))
    page = open_page(person=supervisor)
    device(page)
    page.goto("/account/security/")
    page.get_by_role("link", name="Add passkey").click()
    page.get_by_label("Name").fill("Desk computer")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator(".codes-list li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Desk computer")).to_be_visible()
    checks.is_good(page)

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile("/queue/"))
    grow_stale(page, supervisor)
    page.goto(f"/sessions/{proposal.session_id}/")
    page.get_by_role("button", name=re.compile("^Confirm")).first.click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    checks.is_good(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(f"/sessions/{proposal.session_id}/"))
    assert Decision.objects.get().checker == supervisor


def test_a_passkey_is_asked_for_only_once_its_script_has_come(open_page: Opener, officer: User) -> None:
    page, held = open_page(person=officer), list[Route]()
    device(page)
    page.route(re.compile(r"/passkeys\..*js"), lambda route: held.append(route))
    page.goto("/account/security/passkeys/add/", wait_until="commit")
    add = page.get_by_role("button", name="Add passkey")
    expect(add).to_be_disabled()
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    add.click()
    expect(page.locator(".codes-list li")).to_have_count(10)


def test_a_passkey_is_the_second_step_and_a_browser_without_one_says_so(
    open_page: Opener, officer: User
) -> None:
    page = open_page(person=officer)
    device(page)
    page.goto("/account/security/passkeys/add/")
    page.get_by_label("It may sign me in by itself").uncheck()
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator(".codes-list li")).to_have_count(10)
    page.goto("/account/security/")
    page.get_by_role("button", name="Sign out").click()
    enter_password(page, officer)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile("/queue/"))

    other = open_page()
    other.add_init_script("Object.defineProperty(navigator, 'credentials', { value: undefined })")
    enter_password(other, officer)
    other.get_by_role("button", name="Use a passkey").click()
    expect(other.get_by_text("Your browser gave no passkey.")).to_be_visible()


def test_an_export_is_offered_after_the_confirmation(open_page: Opener, supervisor: User) -> None:
    page = open_page(person=supervisor)
    page.goto("/account/security/")
    grow_stale(page, supervisor, method="password")
    page.goto("/rejected/?span=all")
    page.get_by_role("link", name=re.compile("Export")).first.click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Your file is ready.")).to_be_visible()
    checks.is_good(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith("rejected-sessions-")
    page.get_by_role("link", name="Back to where I was").click()
    expect(page).to_have_url(re.compile(r"/rejected/"))


def grow_stale(page: Page, person: User, method: str = "mfa") -> None:
    """Put the browser into a sign-in of eleven minutes ago."""
    session = signed_in(person, minutes_ago=11, method=method).cookies["sessionid"].value
    page.context.clear_cookies(name="sessionid")
    host = "/".join(page.url.split("/")[:3])
    # What the page that is open still asks for could bring the other sign-in back.
    page.goto("about:blank")
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": host}])
