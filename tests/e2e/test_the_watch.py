"""The watch over pages sees what it is there for: these pages are broken on purpose."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.e2e import checks

pytestmark = pytest.mark.looks

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'"


@pytest.fixture
def show(open_page: Callable[..., Page], problems: list[str]) -> Callable[[str], Page]:
    def show(body: str) -> Page:
        page = open_page()
        page.route(
            "**/broken",
            lambda route: route.fulfill(
                body=f'<!doctype html><html lang="en"><title>Broken</title><main><h1>Broken</h1>{body}</main></html>',
                content_type="text/html",
                headers={"Content-Security-Policy": POLICY},
            ),
        )
        page.goto("/broken")
        return page

    return show


def is_reported(page: Page, words: str, problems: list[str]) -> bool:
    """Return True as soon as the browser has said so, in its own time; False after a minute."""
    until = time.monotonic() + 60
    while not (found := any(words in problem for problem in problems)) and time.monotonic() < until:
        page.wait_for_timeout(20)
    return found


def forget(page: Page, problems: list[str]) -> None:
    """Let what was provoked not fail the test; one fault may be reported twice, so the page is closed first."""
    page.close()
    problems.clear()


@pytest.mark.parametrize(
    "body",
    ["<script>1</script>", '<p style="color: red">Red</p>', '<img alt="" src="http://127.0.0.1:9/x.png">'],
)
def test_a_violation_of_the_content_policy_is_seen(
    show: Callable[[str], Page], problems: list[str], body: str
) -> None:
    page = show(body)

    assert is_reported(page, "content policy", problems)
    forget(page, problems)


def test_an_error_in_a_script_is_seen(show: Callable[[str], Page], problems: list[str]) -> None:
    page = show("")
    page.evaluate("setTimeout(() => { throw new Error('a script broke') })")

    assert is_reported(page, "a script broke", problems)
    forget(page, problems)


def test_what_is_not_accessible_is_seen(show: Callable[[str], Page]) -> None:
    page = show('<input name="nameless">')

    with pytest.raises(AssertionError, match="label"):
        checks.is_good(page)


def test_a_page_that_is_too_wide_is_seen(show: Callable[[str], Page]) -> None:
    page = show("<pre>" + "wide" * 1000 + "</pre>")

    with pytest.raises(AssertionError, match="px wide"):
        checks.is_good(page)


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        ("@media (prefers-color-scheme: dark) { h1 { color: #222 } }", r"In the dark: color-contrast"),
        (
            "@media (max-width: 400px) { h1 { width: 500px } }",
            r"On a phone: \d+ px wide in a window of 390 px",
        ),
        ("@media (max-width: 400px) { label { display: none } }", r"On a phone: label"),
    ],
    ids=["colour", "width", "name"],
)
def test_what_only_one_look_breaks_is_seen(show: Callable[[str], Page], style: str, fault: str) -> None:
    page = show('<label for="named">Name</label><input id="named">')
    page.route(
        "**/look.css",
        lambda route: route.fulfill(
            body=":root { color-scheme: light dark; background: canvas; color: canvastext }" + style,
            content_type="text/css",
        ),
    )
    page.add_style_tag(url="/look.css")

    assert [re.match(fault, found) is not None for found in checks.faults_in_each_look(page)] == [True]
    assert checks.faults(page) == [], "It is seen wide and in the light again."


def test_a_good_page_passes(show: Callable[[str], Page], problems: list[str]) -> None:
    page = show("<p>Good.</p>")

    checks.is_good(page)
    assert problems == []
