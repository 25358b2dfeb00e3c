"""Released and retried by hand, one or many, by those who may; every act is in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kyc import ledger
from kyc.models import LedgerEntry, Session, User
from notifications import admin as notifications_admin
from notifications import outbox
from notifications.choices import Status
from notifications.leases import claim
from notifications.models import Notification
from notifications.sending import send_due

Act = Callable[..., Session]
LIST = "admin:notifications_notification_changelist"
TRIES = "admin:notifications_attempt_changelist"


@pytest.fixture
def withheld(review: Act, days_ago: Callable[[float], datetime]) -> Notification:
    return review(at=days_ago(2)).notifications.get()


def act(client: Client, action: str, *rows: Notification) -> str:
    """Do an action of the admin's list and return what it says."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    response = client.post(reverse(LIST), chosen)
    return [str(message) for message in get_messages(response.wsgi_request)][-1]


def test_a_released_message_leaves(withheld: Notification, supervisor: User, mailoutbox: list[Any]) -> None:
    assert send_due() == {}

    assert outbox.release(withheld, by=supervisor)
    assert not outbox.release(withheld, by=supervisor)

    assert send_due() == {"sent": 1}
    entry = LedgerEntry.objects.get(action="notification.released")
    assert (entry.actor, str(withheld.pk) in entry.detail) == (supervisor, True)
    assert not list(ledger.verify())


def test_what_gave_up_is_tried_again(review: Act, supervisor: User, mailoutbox: list[Any]) -> None:
    row = review().notifications.get()
    Notification.objects.update(status=Status.GAVE_UP, next_attempt_at=None, n_attempts=16)

    assert outbox.try_again(row, by=supervisor)

    assert send_due() == {"sent": 1}
    assert LedgerEntry.objects.filter(action="notification.retried", actor=supervisor).exists()


def test_what_waits_for_its_next_try_need_not(review: Act, supervisor: User, mailoutbox: list[Any]) -> None:
    row = review().notifications.get()
    Notification.objects.update(next_attempt_at=timezone.now() + timedelta(hours=9), n_attempts=10)

    assert outbox.try_again(row, by=supervisor)
    assert send_due() == {"sent": 1}


def test_what_a_worker_holds_is_left_to_it(review: Act, supervisor: User) -> None:
    row = review().notifications.get()
    claim(1)

    assert not outbox.try_again(row, by=supervisor)
    assert not LedgerEntry.objects.filter(action="notification.retried").exists()


def test_a_supervisor_releases_in_the_admin(
    supervisor: User, supervisor_client: Client, withheld: Notification
) -> None:
    User.objects.update(is_staff=True)

    assert act(supervisor_client, "release_withheld", withheld) == "1 notification released."

    withheld.refresh_from_db()
    assert (withheld.status, withheld.released_by) == (Status.PENDING, supervisor)
    assert act(supervisor_client, "release_withheld", withheld) == "0 notifications released."


@pytest.mark.parametrize("role", ["auditor", "officer"])
def test_who_may_not_release_has_no_such_action(
    request: pytest.FixtureRequest, withheld: Notification, role: str
) -> None:
    client: Client = request.getfixturevalue(f"{role}_client")
    User.objects.update(is_staff=True)

    page = client.get(reverse(LIST))
    assert (page.status_code, b"Release withheld" in page.content) == (200, False)
    client.post(reverse(LIST), {"action": "release_withheld", "_selected_action": [str(withheld.pk)]})

    withheld.refresh_from_db()
    assert withheld.status == Status.WITHHELD


def test_an_action_is_bounded(
    supervisor_client: Client, review: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications_admin, "MOST_AT_ONCE", 2)
    User.objects.update(is_staff=True)
    rows = [review().notifications.get() for _ in range(3)]
    Notification.objects.update(status=Status.GAVE_UP, next_attempt_at=None)

    said = act(supervisor_client, "try_again", *rows)
    assert said == "2 notifications are due now. There are more: run the action again."
    assert act(supervisor_client, "try_again", *rows) == "1 notification is due now."
    assert not Notification.objects.filter(status=Status.GAVE_UP).exists()


def test_what_the_desk_itself_says_of_a_try_is_said_in_the_reader_s_language(
    supervisor_client: Client, review: Act, mailoutbox: list[Any]
) -> None:
    row = review().notifications.get()
    send_due()
    page = reverse("notification", args=[row.pk])

    spanish = supervisor_client.get(page, headers={"accept-language": "es"}).content.decode()
    assert "El servidor de correo lo aceptó." in spanish
    assert "The mail server took it." in supervisor_client.get(page).content.decode()


def test_the_admin_shows_a_message_with_its_tries_and_changes_nothing(
    supervisor_client: Client, review: Act, mailoutbox: list[Any]
) -> None:
    User.objects.update(is_staff=True)
    row = review().notifications.get()
    send_due()
    page = reverse("admin:notifications_notification_change", args=[row.pk])

    assert "The mail server took it." in supervisor_client.get(page).content.decode()
    assert supervisor_client.post(page, {"status": "pending"}).status_code == 403
    assert supervisor_client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_a_search_finds_a_session_by_its_beginning(supervisor_client: Client, review: Act) -> None:
    User.objects.update(is_staff=True)
    session, other = review(), review()

    found = supervisor_client.get(reverse(LIST), {"q": str(session.pk)[:13]}).content.decode()

    assert str(session.pk) in found
    assert str(other.pk) not in found


@pytest.mark.parametrize("q", ["", "12345678", "00000000-0000-4000-8000-000000000000"])
@pytest.mark.parametrize("name", [LIST, TRIES])
def test_lists_make_the_same_few_queries(
    supervisor_client: Client, review: Act, queries: Any, name: str, q: str
) -> None:
    User.objects.update(is_staff=True)
    for _ in range(3):
        review()
    send_due()

    # One more says that the person has not searched too often. Where no message is found no tries are asked for.
    with queries(5 if q and name == LIST else 4):
        assert supervisor_client.get(reverse(name), {"q": q}).status_code == 200


def test_the_tries_of_a_session_and_of_a_message_are_found_by_index(
    supervisor_client: Client, review: Act
) -> None:
    User.objects.update(is_staff=True)
    sessions = [review(), review()]
    send_due()
    message = sessions[0].notifications.get()

    for term in (sessions[0].pk, message.pk, str(message.pk)[:8]):
        with CaptureQueriesContext(connection) as captured:
            answer = supervisor_client.get(reverse(TRIES), {"q": str(term)})
        assert [row.notification for row in answer.context["cl"].result_list] == [message]
        # A condition on each of two joined tables, either of which may hold, is no range of any index.
        asked = [query["sql"] for query in captured if "notifications_attempt" in query["sql"]]
        assert asked and not any(" OR " in sql for sql in asked)
