"""What must hold on every page, whatever it shows."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 390, "height": 844}
RULES = {
    "resultTypes": ["violations"],
    # Style sheets would be fetched and parsed again for a rule that is not among these.
    "preload": {"assets": ["media"]},
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


# Django's inline tables have header cells without text, over cells without content.
OF_DJANGO = ("empty-table-header",)
# What the dark theme can break: all else is the same page, and looked at in the light.
COLOURS = ("color-contrast", "link-in-text-block")
# A colour half-way through its transition is nobody's, and within what is closed a transition never comes to its end.
SETTLED = """() => {
    document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity)
        .forEach((one) => one.finish());
    return [matchMedia('(prefers-color-scheme: dark)').matches, innerWidth < 600, typeof axe === 'object'];
}"""
# Filters stand open where there is room, as desk.js says when a page is loaded.
AS_IF_LOADED = """document.querySelectorAll('details[data-open-wide]').forEach(
    (details) => { details.open = matchMedia('(min-width: 1000px)').matches; }
)"""
LOOKED_AT = """async (rules) => {
    const { violations } = await axe.run(rules);
    const { scrollWidth, clientWidth } = document.documentElement;
    const found = violations.map(({ id, impact, help, nodes }) => [
        `${id} (${impact}): ${help}`,
        ...nodes.map(({ target, failureSummary }) => `    ${JSON.stringify(target)}: ${failureSummary}`),
    ].join('\\n'));
    return scrollWidth <= clientWidth ? found : [...found, `${scrollWidth} px wide in a window of ${clientWidth} px`];
}"""


def faults(page: Page) -> list[str]:
    """Return each violation that axe-core finds, and where; and whether the page as a whole scrolls sideways.

    In the dark it looks at colours alone, and on a phone, where these are those of a wide window, at all else.
    """
    page.wait_for_load_state()
    is_dark, is_narrow, knows_axe = page.evaluate(SETTLED)
    if not knows_axe:
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(LOOKED_AT, rules(page.url, is_dark=is_dark, is_narrow=is_narrow))
    return found


def rules(address: str, *, is_dark: bool, is_narrow: bool) -> dict[str, Any]:
    """Return what axe-core is to look at on a page as it is shown."""
    if is_dark:
        return {**RULES, "runOnly": {"type": "rule", "values": list(COLOURS)}}
    left_out = (OF_DJANGO if "/admin/" in address else ()) + (COLOURS if is_narrow else ())
    return {**RULES, "rules": {name: {"enabled": False} for name in left_out}}


def faults_in_each_look(page: Page) -> list[str]:
    """Return the faults of a page that is shown wide and in the light, and then in the dark and as narrow as a phone."""
    window = page.viewport_size
    assert window is not None
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    found += [f"In the dark: {fault}" for fault in faults(page)]
    page.emulate_media(color_scheme="light")
    _resize(page, PHONE)
    found += [f"On a phone: {fault}" for fault in faults(page)]
    _resize(page, window)
    return found


def _resize(page: Page, window: ViewportSize) -> None:
    page.set_viewport_size(window)
    page.evaluate(AS_IF_LOADED)


def is_good(page: Page) -> None:
    """Fail with every fault of the page as it is now."""
    _none(page, faults(page))


def is_good_in_each_look(page: Page) -> None:
    """Fail with every fault of the page as it is now, whichever of the looks it has it in."""
    _none(page, faults_in_each_look(page))


def _none(page: Page, found: list[str]) -> None:
    assert not found, "\n".join([f"On {page.url}:", *found])
