"""Where somebody is signed in, and every way in which that ends from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session as Kept
from django.test import Client
from django.utils import timezone

from kyc import ledger, people, sittings
from kyc.models import LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import PASSWORD, UserFactory

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
PAGE = "/account/sessions/"
GONE = "/account/login/?next=%2Fqueue%2F&ended=gone"


@pytest.fixture
def sign_in(officer: User) -> Callable[..., Client]:
    def sign_in(agent: str, address: str = "192.0.2.7") -> Client:
        client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
        client.post("/account/login/", {"login": "officer", "password": PASSWORD})
        return client

    return sign_in


def test_the_page_lists_each_browser_with_its_address(sign_in: Callable[..., Client]) -> None:
    sign_in(SAFARI, "198.51.100.4")
    text = sign_in(FIREFOX).get(PAGE).content.decode()

    assert text.index("Firefox on Linux") < text.index("Safari on iPhone")
    assert text.count("This browser") == 1
    assert "192.0.2.7" in text and "198.51.100.4" in text


def test_one_is_ended_and_the_others_go_on(sign_in: Callable[..., Client], officer: User) -> None:
    here, phone, third = sign_in(FIREFOX), sign_in(SAFARI), sign_in(SAFARI)
    pk = next(each.pk for each in sittings.of(officer) if each.key == phone.session.session_key)
    answer = here.post(f"{PAGE}{pk}/end/", follow=True)

    assert "Signed out of 1 browser." in answer.content.decode()
    assert phone.get("/queue/").url == GONE
    assert here.get("/queue/").status_code == third.get("/queue/").status_code == 200
    entry = LedgerEntry.objects.filter(chain=ledger.person_chain(officer)).latest("seq")
    assert (entry.action, entry.detail, entry.actor) == ("person.signed_out_elsewhere", '{"n":1}', officer)
    assert here.post(f"{PAGE}{pk}/end/").status_code == 404


def test_all_others_are_ended_at_once(sign_in: Callable[..., Client]) -> None:
    here, *others = [sign_in(FIREFOX), sign_in(SAFARI), sign_in(SAFARI)]
    here.post(f"{PAGE}end-others/")

    assert [client.get("/queue/").url for client in others] == [GONE, GONE]
    assert "End all others" not in here.get(PAGE).content.decode()


def test_to_end_this_one_is_to_sign_out(sign_in: Callable[..., Client], officer: User) -> None:
    here = sign_in(FIREFOX)
    (sitting,) = sittings.of(officer)
    assert here.post(f"{PAGE}{sitting.pk}/end/").url == "/account/login/"
    assert here.get("/queue/").status_code == 302


def test_what_is_over_is_forgotten_with_the_next_sign_in_of_anybody(
    sign_in: Callable[..., Client], supervisor_client: Client
) -> None:
    Kept.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    sign_in(FIREFOX)
    assert (Kept.objects.count(), UserSession.objects.count()) == (1, 1)


def test_somebody_else_s_is_none_of_mine(
    sign_in: Callable[..., Client], officer: User, supervisor_client: Client
) -> None:
    here = sign_in(FIREFOX)
    (sitting,) = sittings.of(officer)
    assert supervisor_client.post(f"{PAGE}{sitting.pk}/end/").status_code == 404
    supervisor_client.post(f"{PAGE}end-others/")
    assert here.get("/queue/").status_code == 200


def close(officer: User) -> None:
    officer.is_active = False
    officer.save()


def other_role(officer: User) -> None:
    people.ensure_person("officer", "auditor")


def taken_from_the_role(officer: User) -> None:
    Group.objects.get(name="officer").user_set.remove(officer)


def all_roles_cleared(officer: User) -> None:
    officer.groups.clear()


@pytest.mark.parametrize("change", [close, other_role, taken_from_the_role, all_roles_cleared])
def test_they_end_with_the_access(
    change: Callable[[User], None], officer: User, officer_client: Client, supervisor_client: Client
) -> None:
    assert officer_client.get("/queue/").status_code == 200
    change(officer)

    assert officer_client.get("/queue/").url == GONE
    assert sittings.of(officer) == []
    assert supervisor_client.get("/queue/").status_code == 200


def test_they_end_when_an_admin_sets_the_password(
    officer: User, officer_client: Client, admin_client: Client
) -> None:
    new = {"password1": "another-Passw0rd", "password2": "another-Passw0rd", "usable_password": "true"}
    admin_client.post(f"/admin/kyc/user/{officer.pk}/password/", new)
    assert officer_client.get("/queue/").url == GONE


def test_an_admin_signs_somebody_out_everywhere(
    officer: User, officer_client: Client, admin_client: Client
) -> None:
    page = f"/admin/kyc/user/{officer.pk}/sign-ins/"
    assert "Sign out everywhere" in admin_client.get(page).content.decode()
    assert admin_client.post(page).url == f"/admin/kyc/user/{officer.pk}/change/"

    assert officer_client.get("/queue/").url == GONE
    entry = LedgerEntry.objects.filter(chain=ledger.SYSTEM).latest("seq")
    assert entry.action == "person.signed_out_by_admin" and '"n":1' in entry.detail
    assert "is signed in nowhere" in admin_client.get(page).content.decode()


def test_an_admin_who_changes_their_own_role_is_signed_out_by_it(admin: User, admin_client: Client) -> None:
    roles = Group.objects.filter(name__in=["admin", "supervisor"])
    form = {"username": "admin", "is_active": "on", "groups": [role.pk for role in roles]}
    assert admin_client.post(f"/admin/kyc/user/{admin.pk}/change/", form).status_code == 302
    assert people.roles(admin) == ["admin", "supervisor"]
    assert admin_client.get("/queue/").status_code == 302


def test_a_changed_password_keeps_this_browser_and_ends_the_others(
    sign_in: Callable[..., Client], officer: User
) -> None:
    here, other = sign_in(FIREFOX), sign_in(SAFARI)
    new = {"oldpassword": PASSWORD, "password1": "another-Passw0rd", "password2": "another-Passw0rd"}
    here.post("/account/password/", new)

    assert [each.key for each in sittings.of(officer)] == [here.session.session_key]
    assert other.get("/queue/").url == GONE
    assert sittings.end_sessions(officer, but=here.session.session_key) == 0
    assert sittings.end_sessions(officer) == 1 and here.get("/queue/").url == GONE


def test_nobody_else_may_end_or_see_them_in_the_admin(officer: User, auditor: User) -> None:
    page = f"/admin/kyc/user/{officer.pk}/sign-ins/"
    boss = UserFactory(username="boss", role="admin", is_superuser=True)
    assert signed_in(auditor).get(page).status_code == 403
    assert (
        signed_in(UserFactory(role="admin")).post(f"/admin/kyc/user/{boss.pk}/sign-ins/").status_code == 403
    )
