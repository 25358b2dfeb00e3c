"""What helps to decide, as an officer sees it: earlier decisions, what changed, the subject's past, what to enter at Ralio."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from kyc import review
from kyc.models import ReasonCode, Session, User
from tests.e2e import checks
from tests.kyc.desk.arrivals import again, arrive, refused
from tests.kyc.review.acting import seen

pytestmark = pytest.mark.looks

WORDS = "The paper is torn in two, and the name cannot be read."
DOCUMENT = {"type": "document-verification", "state": "Validated", "data": {}, "reasons": []}


@pytest.fixture
def session(officer: User, supervisor: User, transactional_db: None) -> Session:
    """A session in its second set of checks, of a subject and with a code that people have decided about."""
    earlier = arrive("REVIEW", hours=24 * 8, checks=[refused("TORN", data={"score": 0.4})])
    now = arrive("REVIEW", hours=9, user_id=earlier.user_id, checks=[refused("TORN", data={"score": 0.5})])
    again(
        now,
        "REVIEW",
        hours=2,
        checks=[DOCUMENT, refused("TORN", data={"score": 0.7}), refused("NEW", type="odd")],
    )
    ReasonCode.objects.filter(code="TORN").update(guidance="Is the tear over the name or the number?")
    review.reject(earlier.pk, by=officer, seen=seen(earlier), codes=["TORN"], rationale=WORDS)
    approved = arrive("REVIEW", hours=24 * 5, checks=[refused("TORN")])
    proposal = review.approve(approved.pk, by=officer, seen=seen(approved), rationale=WORDS)
    review.confirm(proposal.pk, by=supervisor, seen=seen(approved))
    # One that Ralio has heard of is not to be entered any more.
    again(arrive("REVIEW"), "VERIFIED", at=timezone.now() + timedelta(seconds=1))
    return now


def test_the_evidence_is_good_in_every_look(
    open_page: Callable[..., Page], officer: User, session: Session
) -> None:
    page = open_page(person=officer)
    page.goto(session.get_absolute_url())
    earlier = page.get_by_text("Officers rejected 1 and approved 1 session with this code").first
    earlier.click()
    expect(page.locator(".precedents[open] .precedent").first).to_be_visible()
    expect(page.get_by_text("Since the REVIEW event of")).to_be_visible()
    checks.is_good_in_each_look(page)
    page.goto(f"{session.get_absolute_url()}#other")
    expect(page.get_by_text(WORDS).first).to_be_visible()
    checks.is_good_in_each_look(page)
    page.goto(reverse("queue-portal"))
    expect(page.get_by_text("ran out 1 day ago")).to_be_visible()
    checks.is_good_in_each_look(page)
    page.goto(f"{reverse('history')}?by=officer")
    expect(page.get_by_text(WORDS)).to_be_visible()
    checks.is_good_in_each_look(page)


def test_all_of_it_is_there_without_javascript(
    open_page: Callable[..., Page], officer: User, session: Session
) -> None:
    page = open_page("light", person=officer, javascript=False)
    page.goto(session.get_absolute_url())
    page.get_by_text("Officers rejected 1 and approved 1 session with this code").first.click()
    expect(page.locator(".precedents[open] .precedent")).to_have_count(2)
    expect(page.get_by_text("among them")).to_contain_text("score 0.5 to 0.7")
    expect(page.get_by_text("same code as now", exact=True)).to_be_visible()
    page.goto(reverse("queue-portal"))
    expect(page.locator(".pt tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("to-enter-at-ralio-")
