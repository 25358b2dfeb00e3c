"""Who is told of what: those who may see to it and want to, each mailbox once, and never who did it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kyc import review as acts
from kyc.choices import Outcome
from kyc.models import ReasonCode, Session, User
from notifications import preferences, recipients
from notifications.choices import Choice, Kind, Status
from notifications.models import Notification, Preference
from notifications.sending import send_due
from tests.factories import UserFactory
from tests.notifications import decisions
from tests.notifications.decisions import WHY, seen
from tests.notifications.happenings import TEAM, happen, named, recipients_of

Act = Callable[..., Session]
ACTS = (Kind.ESCALATED, Kind.SECOND_REVIEW)
AT_ONCE = sorted(preferences.RULES.keys() - {Kind.INBOX_WELL})


@pytest.fixture(autouse=True)
def digests(settings: Any) -> None:
    settings.KYC_DIGEST_TIME = time(0, 0)


def wanting(choice: Choice, kind: Kind, **columns: Any) -> User:
    """Return a new supervisor who has chosen this."""
    person = UserFactory(**{"role": "supervisor", **columns})
    Preference.objects.create(person=person, kind=kind, choice=choice)
    return person


@pytest.mark.parametrize("kind", AT_ONCE)
def test_who_may_and_wants_to_hear_is_told_and_nobody_else(kind: Kind, supervisor: User) -> None:
    preferences.choose(supervisor, {kind: Choice.OFF})
    one, two = wanting(Choice.AT_ONCE, kind), wanting(Choice.AT_ONCE, kind)
    wanting(Choice.AT_ONCE, kind, email=one.email.upper())
    of_team = wanting(Choice.AT_ONCE, kind, email=TEAM.upper())
    wanting(Choice.OFF, kind)
    if kind != Kind.DAILY_DIGEST:
        wanting(Choice.DIGEST, kind)
    wanting(Choice.AT_ONCE, kind, email="")
    wanting(Choice.AT_ONCE, kind, email="nobody\n@example.test")
    wanting(Choice.AT_ONCE, kind, is_active=False)
    for role in ("auditor", "admin", None):
        wanting(Choice.AT_ONCE, kind, role=role)

    happen(kind, by=supervisor)

    # The inbox is the supervisors' business: the team only stands in for them.
    team = named(of_team) if kind == Kind.INBOX_UNWELL else [TEAM]
    assert recipients_of(kind) == sorted([*named(one, two), *team])


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        (Kind.REVIEW_OPENED, ""),
        (Kind.DUE_SOON, ""),
        (Kind.OVERDUE, "s"),
        (Kind.ESCALATED, "s"),
        (Kind.SECOND_REVIEW, "s"),
        (Kind.DISPUTED, "s"),
        (Kind.INBOX_UNWELL, "s"),
        (Kind.DAILY_DIGEST, "os"),
    ],
)
def test_who_has_chosen_nothing_is_told_what_their_role_is_for(
    kind: Kind, roles: str, officer: User, supervisor: User, auditor: User, admin: User
) -> None:
    happen(kind, by=UserFactory(role="officer"))
    people = {row for row in recipients_of(kind) if recipients.is_person(row)}

    assert people >= set(named(*(person for person in (officer, supervisor) if person.username[0] in roles)))
    assert not people & set(named(auditor, admin))
    assert (f"person:{officer.pk}" in people) == ("o" in roles)


@pytest.mark.parametrize("kind", ACTS)
def test_who_asks_is_not_told_not_even_at_the_team_s_address(
    kind: Kind, supervisor: User, settings: Any
) -> None:
    by = UserFactory(role="supervisor", email="Boss@example.test")
    settings.COMPLIANCE_TEAM_EMAILS = ["boss@example.test", TEAM]

    happen(kind, by=by)

    assert recipients_of(kind) == sorted([TEAM, *named(supervisor)])


def test_a_mailbox_that_people_share_is_told_of_what_one_of_them_did(settings: Any) -> None:
    by, _ = UserFactory(role="officer", email=TEAM), UserFactory(role="officer", email=TEAM)

    happen(Kind.ESCALATED, by=by)

    assert recipients_of(Kind.ESCALATED) == [TEAM]


@pytest.mark.parametrize("kind", ACTS)
def test_who_is_asked_by_name_is_told_alone(kind: Kind, review: Act, officer: User, supervisor: User) -> None:
    UserFactory(role="supervisor")
    session, asked = review(), UserFactory(role="supervisor")
    Preference.objects.create(person=asked, kind=kind, choice=Choice.DIGEST)
    act = acts.escalate if kind == Kind.ESCALATED else acts.ask_second_review
    act(session.pk, by=officer, seen=seen(session), rationale=WHY, to=asked)

    assert recipients_of(kind) == named(asked)


def test_the_team_stands_in_for_who_wants_nothing_of_the_kind(review: Act, officer: User) -> None:
    session, asked = review(), UserFactory(role="officer")
    preferences.choose(asked, {Kind.SECOND_REVIEW: Choice.OFF})
    acts.ask_second_review(session.pk, by=officer, seen=seen(session), rationale=WHY, to=asked)

    assert recipients_of(Kind.SECOND_REVIEW) == [TEAM]


def test_what_officers_leave_to_supervisors_is_told_to_no_officer(review: Act, officer: User) -> None:
    ReasonCode.objects.create(code="LOW_CONFIDENCE", is_suspicion=True)
    supervisor = wanting(Choice.AT_ONCE, Kind.REVIEW_OPENED)
    preferences.choose(officer, {Kind.REVIEW_OPENED: Choice.AT_ONCE})
    session = review()

    assert session.is_suspect
    assert recipients_of(Kind.REVIEW_OPENED) == sorted([TEAM, *named(supervisor)])
    assert recipients_of(Kind.ESCALATED) == sorted([TEAM, *named(supervisor)])


def test_who_takes_a_settlement_back_is_not_told_of_the_dispute(
    review: Act, verify: Act, officer: User, supervisor: User, mailoutbox: list[Any]
) -> None:
    other, session = UserFactory(role="supervisor"), review()
    decisions.reject(session, officer)
    verify(session_id=session.pk, user_id=session.user_id)
    settled = decisions.settle(session, supervisor, Outcome.REJECT)
    send_due()
    acts.undo(settled.pk, by=supervisor)

    waiting = Notification.objects.filter(kind=Kind.DISPUTED, status=Status.PENDING)
    assert sorted(waiting.values_list("recipient", flat=True)) == sorted([TEAM, *named(other)])


@pytest.mark.parametrize("what", ["role", "account", "wish", "address", "mistaken address", "duty"])
def test_whose_business_it_is_no_more_is_not_mailed(
    what: str, review: Act, supervisor: User, officer: User, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    person = officer if what == "duty" else supervisor
    preferences.choose(person, {Kind.REVIEW_OPENED: Choice.AT_ONCE})
    session = review()
    match what:
        case "role":
            supervisor.groups.set([Group.objects.get(name="auditor")])
        case "account":
            User.objects.update(is_active=False)
        case "wish":
            preferences.choose(supervisor, {Kind.REVIEW_OPENED: Choice.OFF})
        case "address":
            User.objects.update(email="")
        case "mistaken address":
            User.objects.update(email="a@b")
        case "duty":
            Session.objects.filter(pk=session.pk).update(escalated_at=session.state_since)

    assert send_due() == {"cancelled": 1}
    assert mailoutbox == []


def test_each_is_written_to_in_their_language(settings: Any, supervisor: User, officer: User) -> None:
    settings.LANGUAGE_CODE = "es"
    User.objects.filter(pk=supervisor.pk).update(language="en-gb")

    def language(recipient: str, kind: Kind) -> str:
        found = recipients.addressee(recipient, kind)
        assert found
        return found.language

    assert language(f"person:{supervisor.pk}", Kind.OVERDUE) == "en-gb"
    assert language(f"person:{officer.pk}", Kind.OVERDUE) == "es"
    assert language(TEAM, Kind.OVERDUE) == "es"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        *((each, "es") for each in ("es", "ES", "es-ES", "es_MX", " es-419 ")),
        *((each, "en-gb") for each in ("en", "EN-us", "en_GB", "", "fr", "spanish", "e", "-", "\x00")),
    ],
)
def test_a_subject_is_written_to_in_what_comes_closest(written: str, spoken: str, contact: Any) -> None:
    contact.language = written
    if "\x00" not in written:
        contact.save()
        found = recipients.addressee(f"user:{contact.subject_id}", Kind.VERIFIED)
        assert found and (found.address, found.name, found.language) == (contact.email, contact.name, spoken)

    assert recipients.language_of(written) == spoken


def test_a_contact_with_no_address_that_is_one_is_none(contact: Any) -> None:
    type(contact).objects.update(email="subject@\nexample.test")

    assert recipients.addressee(f"user:{contact.subject_id}", Kind.VERIFIED) is None


def test_a_new_session_costs_no_question_who_wants_to_hear(review: Act, settings: Any, officer: User) -> None:
    settings.COMPLIANCE_TEAM_EMAILS = []
    review()
    with CaptureQueriesContext(connection) as captured:
        assert not recipients.anybody_at_once(Kind.REVIEW_OPENED)
        review()
    assert not [query for query in captured if "preference" in query["sql"]]

    preferences.choose(officer, {Kind.REVIEW_OPENED: Choice.AT_ONCE})
    review()
    assert recipients_of(Kind.REVIEW_OPENED) == named(officer)
    officer.groups.clear()
    assert not recipients.anybody_at_once(Kind.REVIEW_OPENED)
