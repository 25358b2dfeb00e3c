"""What the team's messages say, in both of their forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from kyc import review as acts
from kyc.models import ReasonCode, Session, User
from notifications.choices import ABOUT_SEALS, TO_SUBJECTS, Kind
from notifications.contents_sessions import MOST_CHECKS, MOST_REASONS
from notifications.messages import Message, compose
from notifications.recipients import Addressee
from tests.factories import UserFactory
from tests.notifications import decisions, every_kind
from tests.notifications.every_kind import WORDS

Act = Callable[..., Session]
TEAM = Addressee("team@example.test")
REASON = {
    "type": "face-match",
    "code": "LOW_CONFIDENCE",
    "message": "Face matching confidence below threshold",
}


def message(session: Session, kind: Kind = Kind.REVIEW_OPENED) -> Message:
    return compose(every_kind.message(session, kind), TEAM)


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


@pytest.mark.parametrize("part", ["text", "html"])
def test_a_session_that_left_review_says_so(review: Act, verify: Act, part: str) -> None:
    session = review()
    verify(session_id=session.pk, at=timezone.now() + timedelta(seconds=1))

    said = "The session has left review meanwhile: it is VERIFIED now."
    assert said in getattr(message(session), part)


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


def test_a_mail_is_never_so_long_that_programs_cut_it_off(review: Act) -> None:
    reason = dict.fromkeys(("type", "code", "message", "category"), "\"'&<>" * 200)
    checks = [{"type": "'" * 900, "state": 2, "reasons": [reason] * 20} for _ in range(30)]
    found = message(review(checks=checks))

    assert len(found.html.encode()) < 100_000
    assert len(found.text.encode()) < 100_000


def test_without_checks_it_says_that_none_are_known(review: Act) -> None:
    assert "No refused checks are known." in message(review(checks=[])).text


# --- Sessions that wait for somebody -----------------------------------------------------------------
@pytest.mark.parametrize("part", ["text", "html"])
def test_who_escalated_is_named_as_the_desk_names_them(db: None, part: str) -> None:
    found = getattr(message(every_kind.escalated(), Kind.ESCALATED), part)

    assert "Escalated by" in found
    assert "escalating.officer" in found
    assert "Only supervisors decide what is escalated." in found


def test_a_code_s_mark_escalates_without_a_person(review: Act) -> None:
    ReasonCode.objects.create(code="LOW_CONFIDENCE", is_suspicion=True)

    assert "Escalated by: KYC Desk, by a reason code's mark" in message(review(), Kind.ESCALATED).text


def test_who_is_asked_for_a_second_review_reads_it_is_them(review: Act, officer: User) -> None:
    asked, session = UserFactory(role="officer"), review()
    seen = decisions.seen(session)
    decision = acts.ask_second_review(session.pk, by=officer, seen=seen, rationale=WORDS, to=asked)
    row = every_kind.message(session, Kind.SECOND_REVIEW)
    row.recipient, row.occasion = f"person:{asked.pk}", f"decision {decision.pk}"

    text = compose(row, Addressee(asked.email)).text
    assert f"Asked by: {officer.username}\nAsked to look: you\n" in text
    assert "Whatever is decided, another person confirms it." in text


def test_a_dispute_says_who_says_what_and_who_settles_it(db: None, settings: Any) -> None:
    session = every_kind.disputed()
    text = message(session, Kind.DISPUTED).text

    assert "Ralio says: VERIFIED\nDecided here: REJECTED\nDecided by: deciding.supervisor\n" in text
    assert "A supervisor who took no part in the decision settles which of the two holds." in text
    settings.KYC_FOUR_EYES = "none"
    assert "A supervisor settles which of the two holds." in message(session, Kind.DISPUTED).text


# --- Every kind --------------------------------------------------------------------------------------
def test_the_team_s_mails_repeat_no_word_that_somebody_wrote(db: None) -> None:
    for kind, row in every_kind.every().items():
        if kind in TO_SUBJECTS:
            continue
        found = compose(row, Addressee("team@example.test", "María"))
        said = found.subject + found.preview + found.text + found.html
        assert "QXZ" not in said, kind
        assert "María" not in said, kind


def test_subject_lines_and_previews_name_nobody(db: None) -> None:
    for kind, row in every_kind.every().items():
        found = compose(row, Addressee("maria@example.test", "María"))
        shown = f"{found.subject} {found.preview}"
        ids = [] if row.session is None else [str(row.session.subject_id), str(row.session.pk)]
        assert not [word for word in ("María", "maria", "Acme", "QXZ", *ids) if word in shown], kind
        assert found.html.split('aria-hidden="true">')[1].split("</div>")[0] == found.preview, kind


def test_the_html_loads_and_runs_nothing_and_leads_to_the_desk_alone(db: None) -> None:
    for kind, row in every_kind.every().items():
        tags, found = Tags(), compose(row, TEAM)
        tags.feed(found.html)
        assert {tag for tag, _ in tags.found}.isdisjoint(
            {"script", "img", "link", "iframe", "form", "object"}
        )
        assert "url(" not in found.html
        links = {attributes["href"] for tag, attributes in tags.found if tag == "a"}
        if kind in TO_SUBJECTS:
            assert links <= {every_kind.LINK}, "No link of ours, so none that could hold a secret."
        elif kind in ABOUT_SEALS:
            assert not links, "Who keeps the seals need not be anybody at the desk."
        else:
            assert links, kind
            assert all(link and link.startswith("http://127.0.0.1:8000/") for link in links), kind
