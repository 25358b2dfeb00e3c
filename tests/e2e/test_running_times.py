"""How long a review has left and how long it waits go on by themselves while the page is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kyc.models import Session, User
from tests import wire
from tests.e2e import checks
from tests.e2e.scene import hours_ago

pytestmark = pytest.mark.looks
TWO_HOURS = int(timedelta(hours=2).total_seconds() * 1000)


def in_review(*, hours: float) -> Session:
    event = wire.payload("kyc_session_manual_review", at=hours_ago(hours))
    wire.post(event)
    return Session.objects.get(pk=event["data"]["sessionId"])


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_minutes_pass_without_a_word(open_page: Callable[..., Page], officer: User, look: str) -> None:
    late, early = in_review(hours=22.5), in_review(hours=1.25)
    page = open_page(look, person=officer)
    page.clock.install()
    page.goto("/queue/")
    page.wait_for_load_state("load")
    soon, ok = page.locator(f"[id='s-{late.pk}'] .q-due"), page.locator(f"[id='s-{early.pk}'] .q-due")
    expect(soon).to_contain_text("1h 29m left")
    page.clock.fast_forward(TWO_HOURS)

    expect(soon.locator(".sla--over")).to_contain_text("30m over")
    expect(soon).to_contain_text("waiting 1d")
    expect(ok.locator(".sla--ok")).to_contain_text("20h 4")
    expect(ok).to_contain_text("waiting 3h 15m")
    expect(page.locator("#announce")).to_be_empty()
    checks.is_good(page)


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_they_go_on_in_the_reader_s_language(
    open_page: Callable[..., Page], officer: User, live_server: LiveServer, look: str
) -> None:
    session = in_review(hours=20)
    page = open_page(look, person=officer)
    page.context.add_cookies([{"name": "desk_language", "value": "es", "url": live_server.url}])
    page.clock.install()
    page.goto(session.get_absolute_url())
    page.wait_for_load_state("load")
    page.clock.fast_forward(TWO_HOURS)

    expect(page.locator(".factstrip .sla--soon")).to_contain_text("1 h 59 min")
