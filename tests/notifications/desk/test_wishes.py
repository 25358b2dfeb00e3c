"""Mail I get: each person chooses how they hear of what their role lets them hear of."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kyc.models import User
from notifications import preferences
from notifications.choices import TO_SUBJECTS, TO_THE_DESK, Kind
from notifications.desk.wishes import MEANINGS
from notifications.messages import compose
from notifications.models import Preference
from notifications.recipients import Addressee
from tests.factories import NotificationFactory, SessionFactory

pytestmark = pytest.mark.django_db
PAGE = "/notifications/preferences/"


def options(client: Client) -> dict[str, dict[str, str]]:
    """Return each kind's choices as the page offers them: "chosen", "usual", both or neither."""
    found: dict[str, dict[str, str]] = {}
    shown = client.get(PAGE).content.decode()
    for kind, choice, checked, label in re.findall(
        r'name="(\w+)" value="(\w+)"( checked)?>([^<]+)</label>', shown
    ):
        marks = ["chosen"] * bool(checked) + ["usual"] * ("(usual)" in label)
        found.setdefault(kind, {})[choice] = " ".join(marks)
    return found


@pytest.mark.parametrize("role", ["officer", "supervisor"])
def test_a_person_is_offered_what_they_may_have_with_what_is_usual_marked(
    request: pytest.FixtureRequest, role: str
) -> None:
    client: Client = request.getfixturevalue(f"{role}_client")
    usual = preferences.defaults_of(request.getfixturevalue(role))

    shown = options(client)
    assert shown.keys() == usual.keys() and not shown.keys() & TO_SUBJECTS
    for kind, default in usual.items():
        assert shown[kind] == {
            choice.value: "chosen usual" * (choice == default) for choice in preferences.offered(kind)
        }


def test_what_is_chosen_is_kept_and_shown(officer: User, officer_client: Client) -> None:
    wanted = {"review_opened": "at_once", "daily_digest": "off"}
    answer = officer_client.post(PAGE, wanted, follow=True)

    assert answer.redirect_chain == [(PAGE, 302)] and "Your choice is saved." in answer.content.decode()
    assert dict(Preference.objects.filter(person=officer).values_list("kind", "choice")) == wanted
    assert options(officer_client)["daily_digest"] == {"at_once": "usual", "off": "chosen"}


@pytest.mark.parametrize(
    "wanted",
    [{"review_opened": "now"}, {"inbox_unwell": "off"}, {"verified": "off"}, {"daily_digest": "digest"}],
)
def test_what_there_is_not_to_choose_changes_nothing(officer_client: Client, wanted: dict[str, str]) -> None:
    answer = officer_client.post(PAGE, {"due_soon": "off", **wanted})

    assert answer.status_code == 422 and "Nothing was saved." in answer.content.decode()
    assert not Preference.objects.exists()


def test_without_an_address_nothing_can_be_sent(officer: User, officer_client: Client) -> None:
    assert "no address" not in officer_client.get(PAGE).content.decode()
    User.objects.filter(pk=officer.pk).update(email="")

    assert "Your account has no address" in officer_client.get(PAGE).content.decode()


def test_a_role_without_mail_is_told_so(auditor_client: Client) -> None:
    assert "Your role is sent no mail" in auditor_client.get(PAGE).content.decode()


def test_every_kind_that_can_be_chosen_is_explained() -> None:
    assert MEANINGS.keys() == TO_THE_DESK


def test_the_ways_to_the_pages(officer_client: Client, outsider_client: Client) -> None:
    own = officer_client.get("/account/security/").content.decode()

    assert 'href="/notifications/" data-key="g n"' in own and own.count(f'href="{PAGE}"') == 2
    assert "/notifications/" not in outsider_client.get("/account/security/").content.decode()


def test_a_person_s_mail_leads_to_the_choice_and_the_team_s_does_not(officer: User) -> None:
    about = {"kind": Kind.ESCALATED, "session": SessionFactory()}
    to_person = NotificationFactory(recipient=f"person:{officer.pk}", occasion="1", **about)
    to_team = NotificationFactory(recipient="team@example.test", occasion="2", **about)
    reader = Addressee("reader@example.test")

    mail = compose(to_person, reader)
    assert mail.text.count(PAGE) == mail.html.count(PAGE) == 1
    assert PAGE not in compose(to_team, reader).html
