"""Markup in everything that comes from outside or that people type, looked at by a real browser: it stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from kyc.models import Delivery, User
from tests.conftest import signed_in
from tests.security.addresses import everything, furnish, of_all_roles

pytestmark = pytest.mark.looks

# What closes every place that text can stand in, then runs in each way that there is.
NAUGHTY = (
    "\"'></textarea></title></style></script></option></pre>-->"
    "<script>alert(1)</script><img src=x style=all:unset onerror=alert(2)><svg/onload=alert(3)><a href=javascript:alert(4) autofocus "
    "onfocus=alert(5)>x</a><base href=//evil.test><meta http-equiv=refresh content=0;url=//evil.test><style>*{all:unset}"
    "</style><input hx-get=//evil.test hx-trigger=load hx-on::load=alert(6)>{{7*7}}{% now 'Y' %}${7*7}\u202e\u2028"
)
# What no page of ours has by itself: a mail has styles of its own, and its preview a frame.
INJECTED = """() => [
    ...document.querySelectorAll('[onerror], [onload], [onfocus], [onclick], [style*=unset], base, object, embed, img[src=x]'),
    ...document.querySelectorAll('[hx-get^="//"], [href^="//"], [src^="//"], [action^="//"], meta[content*=evil], iframe:not(.mail)'),
    ...document.querySelectorAll('[href^="javascript:" i], [action^="javascript:" i], [formaction], script:not([src])'),
    ...[...document.querySelectorAll('style')].filter((style) => style.textContent.includes('unset')),
].map((element) => element.outerHTML.slice(0, 300))"""
OPENED = "document.querySelectorAll('details').forEach((details) => { details.open = true })"
SHOWN = {
    "check", "state", "reason", "code", "message", "category", "key", "value", "inner key", "inner value", "provider",
    "agent", "request", "member", "extra", "not JSON", "id", "time", "event", "refused", "username", "first name", "last name", "view", "note",
    "rationale", "verdict", "answer", "correction", "contact", "language", "enquiry", "alarm", "advice",
    "last error", "attempt", "label", "guidance", "subject's words", "subject's words in Spanish", "filter",
    "erasure", "refusal", "hold",
}  # fmt: skip


def naughty(where: str) -> str:
    return f"«{where}»{NAUGHTY}"


def test_markup_is_text_on_every_page(open_page: Callable[..., Page], db: None) -> None:
    everyone: User = of_all_roles()
    furnish(everyone, naughty)
    page = open_page("light", person=everyone)
    page.on("dialog", lambda dialog: pytest.fail(f"{page.url} ran a script: {dialog.message}"))
    wrong, seen = {}, set()
    for path in [*pages(everyone), *others()]:
        page.goto(path)
        page.evaluate(OPENED)
        if found := page.evaluate(INJECTED):
            wrong[path] = found
        seen |= shown(page)
    assert not wrong
    assert seen >= SHOWN


def pages(person: User) -> list[str]:
    """Return the addresses that a browser shows as pages of their own."""
    client = signed_in(person)
    answers = [(address.path, client.get(address.path)) for address in everything()]
    return [
        path
        for path, answer in answers
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html") and answer.content
    ]


def others() -> list[str]:
    """Return the pages of each other delivery and person, and lists that are asked for markup."""
    asked = urlencode(dict.fromkeys(["q", "reason", "from", "event", "kind", "action"], naughty("filter")))
    lists = [f"/{name}/?{asked}" for name in ("queue", "rejected", "deliveries", "notifications")]
    deliveries = [reverse("delivery", args=[row.pk]) for row in Delivery.objects.order_by("pk")[1:]]
    people = [reverse("admin:kyc_user_change", args=[row.pk]) for row in User.objects.order_by("pk")[1:]]
    return [*lists, *deliveries, *people]


def shown(page: Page) -> set[str]:
    """Return the places whose text stands on the page as it was sent, to its last tag or to where it is cut."""
    text = page.evaluate("document.documentElement.textContent")
    values = page.evaluate(
        "[...document.querySelectorAll('input, textarea')].map((field) => field.value).join(' ')"
    )
    return set(re.findall(r"«([^»]+)»\\?\"'></", text + values))
