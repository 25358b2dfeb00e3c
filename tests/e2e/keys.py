"""Keys that belong together, such as the g and the q that lead to the queue."""

from __future__ import annotations

from playwright.sync_api import Page


def press_together(page: Page, *keys: str) -> None:
    """Press one key after the other with no time between: the desk forgets a g after a second."""
    page.evaluate(
        "(keys) => keys.forEach((key) => document.activeElement.dispatchEvent("
        " new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })))",
        keys,
    )
