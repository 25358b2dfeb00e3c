"""What Ralio's API told is marked as such wherever it shows."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from kyc.answering import answer_due
from kyc.models import Enquiry
from kyc.ralio.simulator.api import Api
from tests import wire
from tests.kyc.ralio.served import Played, api

__all__ = ["api"]
pytestmark = pytest.mark.django_db

MARK = "from Ralio’s API"
CHECKS = [{"type": "face-matching", "state": 2, "reasons": [{"code": "X"}]}]


def text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def answered(api: Api) -> Played:
    """A session in REVIEW whose checks were asked for."""
    played = Played(api)
    played.comes_to("REVIEW")
    assert answer_due() == {"answered": 1}
    return played


def test_the_session_page_marks_checks_and_timeline(officer_client: Client, answered: Played) -> None:
    page = text(officer_client, reverse("session", args=[answered.id]))

    assert f"{MARK} for the event of 17 Mar 2026, 13:00" in page
    assert re.search(rf"Received api_checks .{{0,200}}{MARK}", page)
    assert "Received kyc_session_manual_review" in page
    assert "superseded" not in page, "The event says the state, the answer brought the checks: both hold."


def test_a_state_that_only_the_api_told_is_marked(officer_client: Client, api: Api) -> None:
    played = Played(api)
    played.comes_to("REVIEW", checks=CHECKS)
    played.comes_to("VERIFIED", is_told=False)
    call_command("reconcile", "--repair", stdout=StringIO())

    page = text(officer_client, reverse("session", args=[played.id]))
    assert re.search(rf"State changed to VERIFIED .{{0,40}} by event .{{0,30}}{MARK}", page)
    assert re.search(rf"Newest event 17 Mar 2026.{{0,20}} {MARK}", page)


def test_the_queue_and_its_preview_mark_them(officer_client: Client, answered: Played, api: Api) -> None:
    other = Played(api)
    other.comes_to("REVIEW", checks=CHECKS)

    page = officer_client.get("/queue/").content.decode()
    assert page.count('class="from-api"') == 1
    assert f"Checks {MARK}" in text(officer_client, reverse("queue-peek", args=[answered.id]))
    assert MARK not in text(officer_client, reverse("queue-peek", args=[other.id]))


def test_the_history_marks_a_rejections_reasons(officer_client: Client, api: Api) -> None:
    filled, own = Played(api), Played(api)
    filled.comes_to("REJECTED")
    own.comes_to("REVIEW")
    answer_due()
    own.comes_to("REJECTED", checks=CHECKS)

    page = officer_client.get("/rejected/?days=all").content.decode()
    assert page.count('class="from-api"') == 1
    answer: Any = officer_client.get("/rejected/export/?days=all")
    lines = list(csv.DictReader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))
    marked = {line["session"]: line["from the API"] for line in lines}
    assert marked == {str(filled.id): "from the API", str(own.id): ""}


def test_the_admin_names_the_source(admin_client: Client, answered: Played) -> None:
    assert "Newest checks, from Ralio’s API" in text(
        admin_client, reverse("admin:kyc_session_change", args=[answered.id])
    )
    listed = text(admin_client, reverse("admin:kyc_delivery_changelist"))
    assert "Ralio's API" in listed.replace("&#x27;", "'") and "Webhook" in listed


def test_what_was_sent_bears_no_mark(officer_client: Client, api: Api) -> None:
    played = Played(api)
    played.comes_to("REVIEW", checks=CHECKS)
    for url in (reverse("session", args=[played.id]), "/queue/"):
        assert "from-api" not in officer_client.get(url).content.decode()


@pytest.mark.parametrize(
    ("faults", "status", "said"),
    [
        ([], "waiting", "Ralio’s API is being asked for them."),
        (["503"], "waiting", "so far in vain: Ralio&#x27;s API answered 503. The next try is due"),
        (["503"], "gave_up", "was asked for them in vain: Ralio&#x27;s API answered 503."),
        (["none"], "answered", "Ralio’s API knows of none."),
    ],
)
def test_a_session_without_checks_says_how_asking_goes(
    officer_client: Client, api: Api, faults: list[str], status: str, said: str
) -> None:
    played = Played(api)
    played.comes_to("REVIEW")
    if faults == ["503"]:
        api.behaviour.faults.extend(faults)
        answer_due()
    if status != "waiting":
        Enquiry.objects.update(status=status, next_try_at=None, leased_until=None)

    assert said in text(officer_client, reverse("session", args=[played.id]))


def test_where_the_api_is_off_nothing_is_promised(officer_client: Client, db: None) -> None:
    event = wire.payload("kyc_session_manual_review", checks=[])
    wire.post(event)

    page = text(officer_client, reverse("session", args=[event["data"]["sessionId"]]))
    assert "Ralio can send them later, or not at all." in page
