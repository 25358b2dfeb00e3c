"""What the session page says of messages: in its timeline, and on top when one did not simply leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.template.loader import render_to_string

from kyc import review as acts
from kyc.models import Contact, ReasonCode, Session, User
from notifications import notices
from notifications.choices import Kind, Status
from notifications.models import Notification
from notifications.sending import send_due
from tests.factories import ContactFactory
from tests.notifications import decisions
from tests.notifications.server import MailServer

Act = Callable[..., Session]


def titles(session: Session) -> list[str]:
    return [notice.title for notice in notices.about_session(Session.objects.get(pk=session.pk))]


def entry(row: Notification, **context: Any) -> str:
    row.refresh_from_db()
    return " ".join(render_to_string("notifications/_entry.html", {"notification": row, **context}).split())


def test_a_message_that_left_needs_no_notice(review: Act, mailoutbox: list[Any]) -> None:
    session = review()
    send_due()

    assert titles(session) == []
    shown = entry(session.notifications.get())
    assert "Mail to <b>the compliance team</b>: review opened" in shown
    assert "Sent</span>" in shown


def test_a_missing_contact_is_said(reject: Act) -> None:
    user = reject()
    party = reject(user_id=None, related_party_id=uuid4(), entityType="related-party")

    assert titles(user) == ["No contact is known for this user, so nobody was told."]
    assert titles(party) == ["No contact is known for this related party, so nobody was told."]
    assert "The message waits until a contact is added." in entry(user.notifications.get())


def test_a_late_event_is_said(review: Act, days_ago: Callable[[float], datetime]) -> None:
    session = review(at=days_ago(2))

    assert titles(session) == ["The message to the compliance team is withheld."]
    assert "more than a day old" in entry(session.notifications.get())


def test_a_suspicion_is_said(reject: Act, contact: Contact) -> None:
    session = reject(user_id=contact.subject_id)
    ReasonCode.objects.update(is_suspicion=True)
    send_due()

    assert titles(session) == ["The message to the user is held back."]


def test_a_decision_that_may_be_undone_is_said(review: Act, contact: Contact, officer: User) -> None:
    session = review(user_id=contact.subject_id)
    decision = decisions.reject(session, officer)
    row = decisions.to_subject(session)
    assert row.not_before
    assert "when the decision can no longer be undone" in entry(row)
    assert titles(session) == []

    acts.undo(decision.pk, by=officer)

    assert titles(session) == ["The message to the user was not sent."]
    assert "no longer REJECTED" in entry(row)
    assert "can no longer be undone" not in entry(row)


def test_every_try_is_listed_and_giving_up_is_said(server: MailServer, reject: Act) -> None:
    session = reject(user_id=ContactFactory(email="gone@example.test").subject_id)
    server.refused["gone@example.test"] = "550 No <gone@example.test> here"
    send_due()

    assert titles(session) == ["The message to the user could not be sent."]
    shown = entry(session.notifications.get())
    assert "1 try" in shown and "refused. " in shown
    assert "550 No" in shown
    assert "example.test" not in shown


def test_an_unnamed_subject_is_said(reject: Act) -> None:
    assert titles(reject(user_id=None)) == ["Nobody was told."]


def test_a_team_without_an_address_is_said(review: Act, settings: Any) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []

    assert titles(review()) == ["Nobody was mailed when this session came to review."]


def test_several_addresses_of_the_team_are_one_notice(
    review: Act, settings: Any, days_ago: Callable[[float], datetime]
) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = ["one@example.test", "two@example.test"]

    assert len(titles(review(at=days_ago(2)))) == 1


def test_prefetched_they_cost_no_query(review: Act, queries: Any, mailoutbox: list[Any]) -> None:
    session = Session.objects.prefetch_related("notifications__attempts").get(pk=review().pk)

    with queries(0):
        render_to_string("notifications/_notices.html", {"session": session})
        for row in session.notifications.all():
            render_to_string("notifications/_entry.html", {"notification": row})


@pytest.mark.parametrize(("may", "n_links"), [(True, 1), (False, 0)])
def test_who_may_see_messages_gets_the_way_to_it(review: Act, may: bool, n_links: int) -> None:
    perms = {"notifications": {"view_notification": may}}
    row = review().notifications.get()

    assert entry(row, perms=perms).count(f'href="/notifications/{row.pk}/"') == n_links


def test_a_rejection_that_nobody_is_to_be_told_of_is_said(reject: Act, settings: Any) -> None:
    settings.KYC_SUBJECT_MAILS = frozenset()

    assert titles(reject()) == ["The subject was not told."]


@pytest.mark.parametrize("recipient", ["person:1", "user:00000000-0000-4000-8000-000000000000"])
def test_every_kind_s_words_say_whom_it_is_for_and_why_it_was_cancelled(recipient: str) -> None:
    for kind in Kind:
        row = Notification(kind=kind, recipient=recipient, status=Status.CANCELLED)

        assert notices.reader(row).split()[0] in ("the", "a"), kind
        assert notices.why(row).endswith("."), kind
