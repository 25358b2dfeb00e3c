"""A real browser against a live desk. A page that breaks the content policy or throws an error fails its test."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Response,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from kyc.models import User
from tests.conftest import signed_in

# Milliseconds that a page may take for anything: a limit for what hangs, not for what is slow on a busy machine.
PATIENCE = 60_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
}
CONTEXTS = pytest.StashKey[list[BrowserContext]]()
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `content policy: ${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`
));
"""


# A request that another one replaces, or that its page leaves behind, is no fault. htmx says both of one that failed, too,
# and then what failed.
NO_FAULTS = ("Failed to load resource", "htmx:afterRequest", "htmx:sendAbort")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # Playwright keeps an event loop in this thread, and Django would refuse the database there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as started:
        expect.set_options(timeout=PATIENCE)
        yield started
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def chromium_path(playwright: Playwright) -> str:
    """Return a Chromium; a person's machine may lack one, CI may not."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), playwright.chromium.executable_path]
    path = next((path for path in found if path and Path(path).exists()), None)
    if path:
        return path
    missing = "No Chromium is installed; on Debian: apt-get install chromium. CHROMIUM names one elsewhere."
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    """How the desk is looked at; `@pytest.mark.parametrize("look", ["light"], indirect=True)` picks one."""
    return str(request.param)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Leave out the log's line, with its traceback, for each page that is refused on purpose."""
    caplog.set_level(logging.ERROR, "django.request")


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What went wrong in any page of this test; the test fails at its end unless this is empty."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(["The browser reported:", *found])


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, problems: list[str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """`open_page("dark", person=officer, javascript=False)` gives a page of its own, signed in if a person is named."""
    contexts = request.node.stash[CONTEXTS] = []

    def open_page(look: str = "light", *, person: User | None = None, javascript: bool = True) -> Page:
        context = browser.new_context(
            **LOOKS[look], base_url=live_server.url, java_script_enabled=javascript, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if person:
            session = signed_in(person).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        watch(page, problems)
        return page

    yield open_page
    for context in contexts:
        context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what uses a browser a second try in CI, where the machine may be slow; a fault at one's desk is a fault."""
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say what each page showed when its test failed: on another machine nobody can look."""
    report = yield
    if report.when == "call" and report.failed:
        pages = [page for context in item.stash.get(CONTEXTS, []) for page in context.pages]
        report.sections += [(f"Page {page.url}", shown(page)) for page in pages]
    return report


def shown(page: Page) -> str:
    try:
        return page.locator("body").inner_text(timeout=1_000)[:4_000]
    except Error as error:
        return error.message


@pytest.fixture
def page(open_page: Callable[..., Page], look: str) -> Page:
    """An empty page, once for each look; nobody is signed in."""
    return open_page(look)


def watch(page: Page, problems: list[str]) -> None:
    """Note every violation of the content policy, error and failed answer."""

    def console(message: ConsoleMessage) -> None:
        # `answer` sees failed loads too, and knows a page that says 404 from a style sheet that is not there.
        if message.type == "error" and not message.text.startswith(NO_FAULTS):
            problems.append(f"{page.url}: {message.text}")

    def answer(response: Response) -> None:
        if response.status >= (500 if response.request.is_navigation_request() else 400):
            problems.append(f"{page.url}: {response.url} answered {response.status}")

    page.add_init_script(REPORT_VIOLATIONS)
    page.on("console", console)
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("response", answer)
