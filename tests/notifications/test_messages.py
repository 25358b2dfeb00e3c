"""What the two messages say, in both of their forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from kyc.models import Contact, Session
from notifications.messages import MOST_CHECKS, MOST_REASONS, Message, compose
from notifications.models import Notification
from notifications.recipients import Addressee

Act = Callable[..., Session]
TEAM = Addressee("team@example.test")
REASON = {
    "type": "face-match",
    "code": "LOW_CONFIDENCE",
    "message": "Face matching confidence below threshold",
}


def message(session: Session, to: Addressee = TEAM) -> Message:
    row = Notification.objects.select_related("session").get(session=session)
    return compose(row, to)


class Tags(HTMLParser):
    """Collects what a mail's HTML would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("part", ["text", "html"])
def test_the_team_reads_what_it_needs_to_begin(review: Act, settings: Any, part: str) -> None:
    settings.DESK_URL = "https://desk.example.test"
    session = review()
    found = getattr(message(session), part)

    for fact in (
        str(session.pk), str(session.user_id), "face-matching", "LOW_CONFIDENCE",
        "Face matching confidence below threshold", f"https://desk.example.test/sessions/{session.pk}/",
    ):  # fmt: skip
        assert fact in found
    assert "document-verification" not in found, "That check was validated."


@pytest.mark.parametrize("part", ["text", "html"])
def test_the_due_time_names_its_zone(review: Act, settings: Any, part: str) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    at = datetime.now(UTC).replace(hour=22, minute=30) - timedelta(days=1)
    due = (at + settings.KYC_REVIEW_SLA).astimezone(ZoneInfo("Europe/Madrid"))
    session = review(at=at)

    found = getattr(message(session), part)
    assert f"{due.day} {due:%b %Y}, {due:%H:%M} Europe/Madrid" in found


def test_the_end_of_the_calendar_can_be_told(review: Act, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"

    assert "Due: 31 Dec 9999, 23:59 UTC" in message(review(at="9999-12-31T23:00:00Z")).text


def test_a_session_that_left_review_says_so(review: Act, verify: Act) -> None:
    session = review()
    verify(session_id=session.pk, at=timezone.now() + timedelta(seconds=1))

    assert "The session has left review meanwhile: it is VERIFIED now." in message(session).text


def test_a_related_party_is_named_as_one(review: Act) -> None:
    party = uuid4()
    session = review(user_id=None, related_party_id=party, entityType="related-party")

    text = message(session).text
    assert f"Related party: {party}" in text
    assert "User:" not in text


def test_a_subject_that_is_not_named_is_said_to_be_so(review: Act) -> None:
    assert "Subject: not named" in message(review(user_id=None)).text


def test_long_lists_are_cut_and_counted(review: Act) -> None:
    reasons = [{**REASON, "code": f"CODE_{n}"} for n in range(MOST_REASONS + 2)]
    checks = [{"type": f"check-{n}", "state": 2, "reasons": reasons} for n in range(MOST_CHECKS + 1)]
    found = message(review(checks=checks))

    for part in (found.text, found.html):
        assert "2 more reasons" in part
        assert "1 more check" in part
        assert f"CODE_{MOST_REASONS}" not in part


def test_without_checks_it_says_that_none_are_known(review: Act) -> None:
    assert "No refused checks are known." in message(review(checks=[])).text


def test_subject_lines_and_previews_hold_no_personal_data(review: Act, reject: Act, contact: Contact) -> None:
    team = message(review())
    subject = message(reject(user_id=contact.subject_id), Addressee(contact.email, contact.name))

    assert team.subject.startswith("Review opened: session ")
    assert subject.subject == "About your identity verification"
    preview = subject.html.split('aria-hidden="true">')[1].split("</div>")[0]
    assert preview == "There is news about your identity verification."


def test_a_subject_is_greeted_by_name_and_given_a_reference(reject: Act) -> None:
    session = reject()

    named, unnamed = message(session, Addressee("a@b.test", "Ana")), message(session)
    assert "Hello Ana," in named.text
    assert "Hello," in unnamed.text
    assert str(session.pk) in named.text
    assert "http" not in named.text, "No link, so none that could hold a secret."


def test_the_html_loads_and_runs_nothing(review: Act, reject: Act) -> None:
    for session in (review(), reject()):
        tags = Tags()
        tags.feed(message(session).html)
        assert {tag for tag, _ in tags.found}.isdisjoint(
            {"script", "img", "link", "iframe", "form", "object"}
        )
        assert "url(" not in message(session).html
        links = [attributes["href"] for tag, attributes in tags.found if tag == "a"]
        assert all(link and link.startswith("http://127.0.0.1:8000/sessions/") for link in links)
