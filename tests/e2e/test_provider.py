"""Sign-in through a real identity provider on another site, with cookies that never leave with another site's request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as Kept
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kyc import people, sittings
from kyc.models import User
from kyc.sittings import SEEN
from tests import oidc
from tests.e2e import checks
from tests.kyc.scene import in_review
from tests.oidc import Provider

pytestmark = pytest.mark.looks


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with oidc.running() as provider:
        oidc.trust(settings, provider)
        yield provider


def sign_in(page: Page, sub: str) -> None:
    page.get_by_role("button", name="Sign in with Acme").click()
    page.wait_for_url("**/oauth2/authorize*")
    page.locator("input[name=sub]").fill(sub)
    page.get_by_role("button", name="Authorize", exact=True).click()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_there_and_back(open_page: Callable[..., Page], provider: Provider, javascript: bool) -> None:
    provider.knows("anna", "kyc-supervisors")
    page = open_page(javascript=javascript)
    page.goto("/rejected/?reason=A")
    sign_in(page, "anna")
    page.wait_for_url("**/rejected/?reason=A")

    expect(page.get_by_role("heading", level=1)).to_have_text("Rejected sessions")
    assert people.roles(User.objects.get(username="anna")) == ["supervisor"]
    cookies: Any = {cookie["name"]: cookie for cookie in page.context.cookies(page.url)}
    assert cookies["sessionid"]["sameSite"] == cookies["csrftoken"]["sameSite"] == "Strict"


def test_who_has_no_role_is_told_so(open_page: Callable[..., Page], provider: Provider) -> None:
    provider.knows("bert", "staff")
    page = open_page("phone")
    page.goto("/account/login/")
    checks.is_good(page)
    sign_in(page, "bert")

    expect(page.get_by_role("heading", level=1)).to_have_text("You have no role at the desk")
    checks.is_good(page)
    page.get_by_role("link", name="Go to sign-in").click()
    expect(page.get_by_role("button", name="Sign in with Acme")).to_be_visible()


def test_a_link_on_another_site_finds_who_is_signed_in(
    open_page: Callable[..., Page], provider: Provider, officer: User, live_server: LiveServer
) -> None:
    page = open_page(person=officer)
    page.goto("/queue/")
    page.goto(provider.address)
    link = f"{live_server.url}/rejected/?reason=A"
    page.evaluate("address => { location.href = address }", link)
    page.wait_for_url(link)

    expect(page.get_by_role("heading", level=1)).to_have_text("Rejected sessions")
    page.go_back()
    expect(page).to_have_url(re.compile(re.escape(provider.address)))


def test_a_form_on_another_site_finds_nobody(
    open_page: Callable[..., Page], provider: Provider, officer: User, live_server: LiveServer
) -> None:
    page = open_page(person=officer)
    page.goto(provider.address)
    with page.expect_navigation():
        page.evaluate(
            "to => { const f = document.createElement('form'); f.method = 'post'; f.action = to;"
            " document.body.append(f); f.submit() }",
            f"{live_server.url}{reverse('account_sessions_end_others')}",
        )
    assert page.url.startswith(live_server.url) and "Where you are signed in" not in page.content()
    assert len(sittings.of(officer)) == 1


def test_a_page_left_open_too_long_says_why_it_is_left(
    open_page: Callable[..., Page], officer: User, problems: list[str]
) -> None:
    in_review()
    page = open_page(person=officer)
    page.goto("/queue/")
    (sitting,) = sittings.of(officer)
    kept = Kept.objects.get(session_key=sitting.key)
    kept.session_data = Kept.objects.encode(kept.get_decoded() | {SEEN: 0})
    kept.save()
    page.wait_for_url("**/account/login/?next=*")

    expect(page.get_by_role("status").first).to_contain_text(
        "You were signed out after 30 minutes without use."
    )
    checks.is_good(page)
    assert [problem for problem in problems if not problem.endswith("answered 401")] == []
    problems.clear()


def test_who_types_for_long_is_warned_in_time_and_stays(
    open_page: Callable[..., Page], officer: User, settings: Any
) -> None:
    settings.KYC_SESSION_IDLE = timedelta(minutes=30)
    page = open_page(person=officer)
    page.clock.install()
    page.goto("/account/sessions/")
    warning = page.get_by_role("alert").filter(has_text="You will soon be signed out")
    # The page's clock goes on by itself, too: only minutes tell.
    page.clock.fast_forward("20:00")
    expect(warning).to_have_count(0)
    page.clock.fast_forward("08:15")
    checks.is_good(page)
    warning.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_have_count(0)

    page.clock.fast_forward("31:00")
    expect(page.get_by_role("alert").filter(has_text="Copy what you have typed")).to_be_visible()
