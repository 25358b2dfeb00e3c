"""The claim strip: who holds the session, and what its reader can do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from kyc.models import LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.desk.arrivals import in_order, page
from tests.kyc.desk.panels import act, decide, panel, session_in_review, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(db: None) -> User:
    return UserFactory(username="officer.b", role="officer")


def test_a_free_session_is_claimed_and_released(officer_client: Client, officer: User) -> None:
    session = session_in_review()
    assert in_order(
        panel(page(officer_client, session)), "Nobody holds this session", "Claim session", "<kbd>c</kbd>"
    )

    answer = act(officer_client, session, "claim")
    assert answer.status_code == 303 and Session.objects.get().assignee == officer
    shown = panel(page(officer_client, session))
    assert in_order(shown, "Claimed by you", "UTC", "renewed while you work", "Release", "<kbd>c</kbd>")

    act(officer_client, session, "release")
    assert Session.objects.get().assignee is None


def test_whoever_else_opens_it_reads_who_holds_it(officer_client: Client, other: User) -> None:
    session = session_in_review()
    act(signed_in(other), session, "claim")
    shown = panel(page(officer_client, session))

    assert in_order(
        text(shown),
        "officer.b holds this session",
        "claimed under 1m ago",
        "You can read the session and add notes",
        "Ask to take over",
    )
    assert 'name="decision"' not in shown
    claimed = act(officer_client, session, "claim")
    assert claimed.status_code == 409 and "officer.b holds this session." in text(claimed)


def test_who_is_asked_hands_over_or_keeps(officer_client: Client, officer: User, other: User) -> None:
    session, holder = session_in_review(), signed_in(other)
    act(holder, session, "claim")
    act(officer_client, session, "ask")
    assert "You asked to take over" in panel(page(officer_client, session))
    assert in_order(text(panel(page(holder, session))), "officer asks to take over", "Hand over", "Keep")

    act(holder, session, "keep")
    assert "Ask to take over" in panel(page(officer_client, session))
    act(officer_client, session, "ask")
    act(holder, session, "hand-over")
    assert Session.objects.get().assignee == officer


def test_a_supervisor_assigns_and_releases_for_others(
    officer_client: Client, supervisor_client: Client, officer: User, other: User
) -> None:
    session = session_in_review()
    act(signed_in(other), session, "claim")
    shown = panel(page(supervisor_client, session))
    assert (
        "Release for officer.b" in shown
        and f'value="{officer.pk}"' in shown
        and f'value="{other.pk}"' not in shown
    )

    assert act(supervisor_client, session, "assign", to=officer.pk).status_code == 303
    assert Session.objects.get().assignee == officer
    assert act(supervisor_client, session, "release").status_code == 303
    assert Session.objects.get().assignee is None
    assert "assign/" not in panel(page(officer_client, session))


@pytest.mark.parametrize("to", ["", "x", "9999999", "9" * 40])
def test_a_session_is_assigned_to_somebody(supervisor_client: Client, to: str) -> None:
    answer = act(supervisor_client, session_in_review(), "assign", to=to)

    assert answer.status_code == 409 and "Choose one of the people of this list." in text(answer)


def test_an_officer_assigns_and_releases_nothing_of_others(officer_client: Client, other: User) -> None:
    session = session_in_review()
    act(signed_in(other), session, "claim")

    assert act(officer_client, session, "assign", to=other.pk).status_code == 403
    assert act(officer_client, session, "release").status_code == 403
    assert Session.objects.get().assignee == other


def test_to_open_the_page_renews_ones_own_lease_at_most_once_a_minute(
    officer_client: Client, other: User
) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    old = timezone.now() + settings.KYC_CLAIM - timedelta(minutes=20)
    Session.objects.update(claimed_until=old)
    page(signed_in(other), session)
    assert Session.objects.get().claimed_until == old

    page(officer_client, session)
    renewed = Session.objects.get().claimed_until
    assert renewed > old
    page(officer_client, session)
    assert Session.objects.get().claimed_until == renewed


def test_activity_renews_it_without_a_new_page(officer_client: Client) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    claimed = Session.objects.get()
    Session.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    answer = officer_client.post(f"/sessions/{session.pk}/renew/", headers={"HX-Request": "true"})

    assert "Claimed by you" in text(answer) and "<html" not in answer.content.decode()
    now = Session.objects.get()
    assert now.claimed_until > timezone.now() + timedelta(minutes=5) and now.version == claimed.version
    assert not LedgerEntry.objects.filter(action__contains="renew").exists()


def test_a_lease_that_ran_out_is_said_politely_and_deciding_takes_it_again(
    officer_client: Client, officer: User
) -> None:
    session = session_in_review()
    act(officer_client, session, "claim")
    Session.objects.update(claimed_until=timezone.now() - timedelta(minutes=1))
    answer = officer_client.post(f"/sessions/{session.pk}/renew/", headers={"HX-Request": "true"})
    assert "Your claim has ended. What you typed is kept." in text(answer)

    decide(officer_client, session, "second_review", rationale_second_review="Is it the same person?")
    assert Session.objects.get().assignee == officer


def test_a_lease_of_a_minute_is_renewed_too(settings: Any, officer_client: Client) -> None:
    settings.KYC_CLAIM = timedelta(minutes=1)
    session = session_in_review()
    act(officer_client, session, "claim")
    soon = timezone.now() + timedelta(seconds=20)
    Session.objects.update(claimed_until=soon)
    page(officer_client, session)
    assert Session.objects.get().claimed_until > soon + timedelta(seconds=30)
