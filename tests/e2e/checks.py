"""What must hold on every page, whatever it shows."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

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
LOOK = "[matchMedia('(prefers-color-scheme: dark)').matches, innerWidth < 600]"


def faults(page: Page) -> list[str]:
    """Return each violation that axe-core finds, and where; and whether the page as a whole scrolls sideways.

    In the dark it looks at colours alone, and on a phone, where these are those of a wide window, at all else.
    """
    page.wait_for_load_state()
    # A colour half-way through its transition is nobody's.
    page.evaluate(
        "Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))"
    )
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['failureSummary']}" for node in violation["nodes"])
        for violation in Axe().run(page, options=rules(page)).response["violations"]
    ]
    width, window = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return found if width <= window else [*found, f"{width} px wide in a window of {window} px"]


def rules(page: Page) -> dict[str, Any]:
    """Return what axe-core is to look at on a page as it is shown."""
    is_dark, is_narrow = page.evaluate(LOOK)
    if is_dark:
        return {**RULES, "runOnly": {"type": "rule", "values": list(COLOURS)}}
    left_out = (OF_DJANGO if "/admin/" in page.url else ()) + (COLOURS if is_narrow else ())
    return {**RULES, "rules": {name: {"enabled": False} for name in left_out}}


def is_good(page: Page) -> None:
    """Fail with every fault of the page as it is now."""
    found = faults(page)
    assert not found, "\n".join([f"On {page.url}:", *found])
