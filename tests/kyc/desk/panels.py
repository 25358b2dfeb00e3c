"""What tests of the session page's acts share: a form as its page sends it, and what stands on the page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from kyc.models import Session
from tests.kyc.desk.arrivals import arrive, page, refused

WORDS = "Neither capture matches the portrait."


def session_in_review(**more: Any) -> Session:
    return arrive("REVIEW", **{"checks": [refused()], **more})


def approvable() -> Session:
    """Return a session whose checks are all validated."""
    fine = {"type": "document-verification", "state": "Validated", "data": {}, "reasons": []}
    return arrive("REVIEW", checks=[fine])


def seen(client: Client, session: Session) -> dict[str, str]:
    """Open the page and return what its forms say that the reader has seen."""
    return seen_in(page(client, session))


def seen_in(html: str) -> dict[str, str]:
    found = {}
    for name in ("version", "basis"):
        match = re.search(rf'name="{name}" value="(\d+)"', html)
        assert match, f"no {name} on the page"
        found[name] = match[1]
    return found


def decide(
    client: Client, session: Session, decision: str, *, saw: dict[str, str] | None = None, **fields: Any
) -> HttpResponse:
    """Send the decision panel as the page has it now, or as it was when `saw` was read off it."""
    return client.post(
        f"/sessions/{session.pk}/decide/",
        {**(saw or seen(client, session)), "decision": decision, **fields},
    )


def reject(
    client: Client, session: Session, *, saw: dict[str, str] | None = None, codes: Any = "NO_MATCH"
) -> HttpResponse:
    return decide(client, session, "reject", saw=saw, codes=codes, rationale_reject=WORDS)


def act(client: Client, session: Session, name: str, **fields: Any) -> HttpResponse:
    return client.post(f"/sessions/{session.pk}/{name}/", fields)


def in_days(number: int) -> str:
    """Return a day to come, as a form's field has it."""
    return (timezone.localdate() + timedelta(days=number)).isoformat()


def text(answer: HttpResponse | str) -> str:
    """Return a page's text, one space between words."""
    html = answer if isinstance(answer, str) else answer.content.decode()
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def panel(html: str) -> str:
    """Return the part of the page that the decision panel takes."""
    start = html.index('id="decision"')
    return html[start : html.index('id="h-subject"', start)]
