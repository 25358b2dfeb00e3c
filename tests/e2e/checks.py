"""What must hold on every page, whatever it shows."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "resultTypes": ["violations"],
    # Style sheets would be fetched and parsed again for a rule that is not among these.
    "preload": {"assets": ["media"]},
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


# Django's inline tables have header cells without text, over cells without content.
ADMIN_RULES = {**RULES, "rules": {"empty-table-header": {"enabled": False}}}
# What the dark theme can break: all else is the same page, and looked at in the light.
COLOURS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
IS_DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


def faults(page: Page) -> list[str]:
    """Return each violation that axe-core finds, and where; and whether the page as a whole scrolls sideways. In the dark
    it looks at colours alone."""
    page.wait_for_load_state()
    rules = COLOURS if page.evaluate(IS_DARK) else ADMIN_RULES if "/admin/" in page.url else RULES
    # A colour half-way through its transition is nobody's.
    page.evaluate(
        "Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))"
    )
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['failureSummary']}" for node in violation["nodes"])
        for violation in Axe().run(page, options=rules).response["violations"]
    ]
    width, window = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return found if width <= window else [*found, f"{width} px wide in a window of {window} px"]


def is_good(page: Page) -> None:
    """Fail with every fault of the page as it is now."""
    found = faults(page)
    assert not found, "\n".join([f"On {page.url}:", *found])
