"""Whatever text came from outside stays text, on every page of the desk that shows it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from kyc import review
from kyc.models import Session, User
from tests import wire
from tests.kyc.desk.arrivals import again, arrive, page

pytestmark = pytest.mark.django_db

EVIL = "<script>alert('%s')</script>\"' onmouseover=x {{ 7|add:7 }} </pre></details> \u202e"


def evil(where: str) -> str:
    return EVIL % where


def check(name: str) -> dict[str, Any]:
    reason = {member: evil(f"{name}-{member}") for member in ("type", "code", "message", "category")}
    data = {evil(f"{name}-key"): [evil(f"{name}-value")], "provider": evil("provider")}
    return {"type": evil(f"{name}-check"), "state": evil("state"), "data": data, "reasons": [reason]}


@pytest.fixture
def session(admin: User) -> Session:
    """A rejected session whose every text is an attack, with another one, a record, a conflict and a correction."""
    arrived = arrive("REVIEW", hours=5, checks=[check("a")], extra={evil("extra"): evil("extra")})
    conflict = arrived.deliveries.get()
    wire.post(wire.payload("kyc_session_verified", event_id=conflict.event_id, note=evil("conflict")))
    arrive("REJECTED", hours=9, user_id=arrived.user_id, checks=[check("b")])
    wire.post(wire.payload("kyc_state_updated", user_id=arrived.user_id, **{evil("record"): evil("record")}))
    wire.post({**wire.payload("kyc_state_updated", user_id=arrived.user_id), "event": "kyc_" + evil("name")})
    reason = arrived.checks.get().reasons.get()
    change = review.Change(reason, "message", evil("corrected"))
    review.correct(arrived, by=admin, changes=[change], reason=evil("why"))
    return again(arrived, "REJECTED", checks=[check("c")])


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what could run."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "script" and "src" not in named:
            self.dangers.append((tag, ""))
        self.dangers += [(tag, name) for name in named if name.startswith("on") or name == "style"]


def safe(html: str) -> bool:
    """Return True when no attack in the page has become an element or an attribute."""
    reader = Reader()
    reader.feed(html)
    return not reader.dangers and "{{" in html


def test_the_session_page_escapes_it(officer_client: Client, session: Session) -> None:
    html = page(officer_client, session)

    assert safe(html)
    for where in (
        "c-check",
        "c-code",
        "c-message",
        "c-category",
        "c-key",
        "c-value",
        "a-code",
        "why",
        "corrected",
    ):
        assert f"&lt;script&gt;alert(&#x27;{where}&#x27;)" in html, where
    for where in ("b-code", "record", "name", "conflict", "extra"):
        assert f"alert(&#x27;{where}&#x27;)" in html, where


def test_the_history_escapes_it(officer_client: Client, session: Session) -> None:
    html = officer_client.get("/rejected/", {"q": evil("q"), "reason": evil("c-code")}).content.decode()
    assert safe(html)

    html = officer_client.get("/rejected/").content.decode()
    assert safe(html)
    assert "&lt;script&gt;alert(&#x27;c-message&#x27;)" in html


def test_it_keeps_to_its_place_in_the_tree(officer_client: Client, session: Session) -> None:
    html = page(officer_client, session)

    # A letter that would turn the rest of the line round is shown by its number.
    assert "\\u202e" in html
    assert html.count("<details") == html.count("</details>")
    assert html.count("<ul") == html.count("</ul>")
