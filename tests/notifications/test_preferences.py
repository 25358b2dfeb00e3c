"""What people choose to hear of, and how it goes without saying until they do."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group

from kyc.models import LedgerEntry, User
from notifications.choices import Choice, Kind
from notifications.models import Preference
from notifications.preferences import choices_of, choose, offered

AT_ONCE, DIGEST, OFF = Choice.AT_ONCE, Choice.DIGEST, Choice.OFF


def test_each_role_hears_of_what_it_can_see_to(
    officer: User, supervisor: User, auditor: User, admin: User, outsider: User
) -> None:
    assert choices_of(officer) == {
        Kind.REVIEW_OPENED: DIGEST,
        Kind.DUE_SOON: DIGEST,
        Kind.OVERDUE: DIGEST,
        Kind.SECOND_REVIEW: DIGEST,
        Kind.DAILY_DIGEST: AT_ONCE,
    }
    assert choices_of(supervisor) == {
        Kind.REVIEW_OPENED: DIGEST,
        Kind.DUE_SOON: DIGEST,
        Kind.OVERDUE: AT_ONCE,
        Kind.ESCALATED: AT_ONCE,
        Kind.SECOND_REVIEW: AT_ONCE,
        Kind.DISPUTED: AT_ONCE,
        Kind.DAILY_DIGEST: AT_ONCE,
        Kind.INBOX_UNWELL: AT_ONCE,
        Kind.INBOX_WELL: AT_ONCE,
    }
    assert [choices_of(person) for person in (auditor, admin, outsider)] == [{}, {}, {}]


def test_only_what_is_not_as_usual_is_kept(officer: User) -> None:
    choose(officer, {Kind.OVERDUE: OFF, Kind.DUE_SOON: DIGEST})
    assert list(Preference.objects.values_list("kind", "choice")) == [("overdue", "off")]

    choose(officer, {Kind.OVERDUE: DIGEST})
    assert not Preference.objects.exists()
    assert choices_of(officer)[Kind.OVERDUE] == DIGEST


def test_what_nobody_said_follows_the_role_and_what_was_said_stays(officer: User) -> None:
    choose(officer, {Kind.DUE_SOON: OFF})
    officer.groups.set([Group.objects.get(name="supervisor")])
    person = User.objects.get(pk=officer.pk)

    assert choices_of(person)[Kind.SECOND_REVIEW] == AT_ONCE
    assert choices_of(person)[Kind.DUE_SOON] == OFF


def test_a_choice_is_recorded_once_in_the_person_s_chain(officer: User) -> None:
    choose(officer, {Kind.OVERDUE: AT_ONCE, Kind.DUE_SOON: DIGEST})
    choose(officer, {Kind.OVERDUE: AT_ONCE})

    entry = LedgerEntry.objects.get(action="person.notifications_chosen")
    assert (entry.chain, entry.actor) == (f"person:{officer.pk}", officer)
    assert json.loads(entry.detail) == {"overdue": "at_once"}


@pytest.mark.parametrize(
    "wanted",
    [{Kind.DISPUTED: OFF}, {Kind.DAILY_DIGEST: DIGEST}, {Kind.VERIFIED: OFF}],
    ids=["not of the role", "not offered", "not to the desk"],
)
def test_what_there_is_no_choice_of_is_refused_and_nothing_is_changed(
    officer: User, wanted: dict[Kind, Choice]
) -> None:
    with pytest.raises(ValueError, match="is no choice"):
        choose(officer, {Kind.OVERDUE: OFF, **wanted})

    assert not Preference.objects.exists()


def test_a_digest_is_sent_or_it_is_not() -> None:
    assert offered(Kind.DAILY_DIGEST) == (AT_ONCE, OFF)
    assert offered(Kind.OVERDUE) == (AT_ONCE, DIGEST, OFF)
