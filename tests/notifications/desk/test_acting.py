"""Released and tried again from the notifications' pages, one or many: a result for each, and all of it in the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from kyc.models import LedgerEntry, User
from notifications.choices import Status
from notifications.desk import acting
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import ContactFactory, NotificationFactory

pytestmark = pytest.mark.django_db
ACT = "/notifications/act/"


def act(client: Client, name: str, *rows: Notification, **more: str) -> Any:
    return client.post(ACT, {"act": name, "message": [str(row.pk) for row in rows], **more})


def results(answer: Any) -> list[str]:
    """What the page says of each message, in order."""
    listed = answer.content.decode().split('class="results nt-results"')[1]
    lines = re.findall(r"<li><a.*?</li>", listed, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", line.rsplit("<span>", 1)[1]).split()) for line in lines]


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def statuses(*rows: Notification) -> list[str]:
    found = Notification.objects.in_bulk([row.pk for row in rows])
    return [found[row.pk].status for row in rows]


def test_many_are_released_each_for_itself(supervisor_client: Client, supervisor: User) -> None:
    soon = timezone.now() + timedelta(minutes=3)
    rows = [
        NotificationFactory(status=Status.WITHHELD),
        NotificationFactory(status=Status.WITHHELD, not_before=soon),
        NotificationFactory(status=Status.GAVE_UP),
        NotificationFactory(status=Status.SENT),
    ]
    answer = act(supervisor_client, "release", *rows, **{"from": "status=due"})

    assert "2 of 4 messages released" in answer.content.decode()
    assert 'href="/notifications/?status=due"' in answer.content.decode()
    assert results(answer) == [
        "Released. It leaves within a minute.",
        "Released. It leaves when the decision can no longer be undone.",
        "Nothing was done: it is not withheld.",
        "Nothing was done: it was sent.",
    ]
    assert statuses(*rows) == ["pending", "pending", "gave_up", "sent"]
    acts = LedgerEntry.objects.filter(action="notification.released", actor=supervisor)
    assert {str(row.pk) in "".join(acts.values_list("detail", flat=True)) for row in rows[:2]} == {True}


def test_many_are_tried_again_each_for_itself(supervisor_client: Client) -> None:
    soon = timezone.now() + timedelta(hours=3)
    rows = [
        NotificationFactory(status=Status.GAVE_UP),
        NotificationFactory(next_attempt_at=soon, n_attempts=4),
        NotificationFactory(not_before=soon, next_attempt_at=soon),
        NotificationFactory(lease_token=uuid4(), leased_until=soon),
        NotificationFactory(status=Status.WITHHELD),
        NotificationFactory(status=Status.CANCELLED),
        NotificationFactory(status=Status.WAITING),
    ]

    assert results(act(supervisor_client, "try-again", *rows)) == [
        "It is tried again within a minute.",
        "It is tried again within a minute.",
        "Nothing was done: the decision that it tells of may still be undone.",
        "Nothing was done: it is on its way.",
        "Nothing was done: it is withheld. Release it instead.",
        "Nothing was done: it was cancelled.",
        "Nothing was done: no contact with an address is known. It leaves once there is one.",
    ]
    assert LedgerEntry.objects.filter(action="notification.retried").count() == 2


def test_a_missing_contact_is_a_link_for_who_may_enter_it(admin_client: Client) -> None:
    row = NotificationFactory(status=Status.WAITING)

    answer = act(admin_client, "try-again", row)
    assert (
        f"/admin/kyc/contact/add/?entity_type=user&amp;subject_id={row.session.user_id}"
        in answer.content.decode()
    )


def test_what_gave_up_leaves_at_the_next_round(
    supervisor_client: Client, reject: Callable[..., Any], mailoutbox: list[Any]
) -> None:
    contact = ContactFactory()
    row = reject(user_id=contact.subject_id).notifications.get()
    Notification.objects.update(status=Status.GAVE_UP, next_attempt_at=None)
    act(supervisor_client, "try-again", row)

    send_due()
    assert statuses(row) == ["sent"] and [mail.to for mail in mailoutbox] == [[contact.email]]


def test_from_a_message_s_own_page_the_words_come_back_on_it(supervisor_client: Client) -> None:
    row = NotificationFactory(status=Status.WITHHELD)
    answer = act(supervisor_client, "release", row, alone="", **{"from": "status=due\n"})

    assert answer["Location"] == f"/notifications/{row.pk}/?from=status%3Ddue%250A"
    assert said(answer) == ["Released. It leaves within a minute."]


def test_what_is_missing_is_said_and_nothing_done(
    supervisor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "MOST", 1)
    rows = NotificationFactory.create_batch(2, status=Status.WITHHELD)

    for answer, fault in [
        (act(supervisor_client, "delete", rows[0]), "Choose what to do"),
        (act(supervisor_client, "release"), "Tick at least one message first."),
        (supervisor_client.post(ACT, {"act": "release", "message": "nonsense"}), "Tick at least one"),
        (act(supervisor_client, "release", *rows, **{"from": "status=due"}), "Tick at most 1 messages"),
    ]:
        assert answer["Location"].startswith("/notifications/") and fault in said(answer)[-1]
    assert statuses(*rows) == ["withheld", "withheld"]


@pytest.mark.parametrize("role", ["officer", "auditor"])
def test_who_may_not_release_has_no_ticks_and_is_refused(request: pytest.FixtureRequest, role: str) -> None:
    client: Client = request.getfixturevalue(f"{role}_client")
    row = NotificationFactory(status=Status.WITHHELD)

    assert 'name="message"' not in client.get("/notifications/").content.decode()
    assert act(client, "release", row).status_code == 403 and statuses(row) == ["withheld"]
