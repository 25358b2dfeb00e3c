"""A person changes their own password."""

from __future__ import annotations

from django.test import Client

from kyc import ledger
from kyc.models import LedgerEntry, User
from tests.conftest import signed_in
from tests.factories import PASSWORD

ADDRESS = "/account/password/"
NEW = "a longer staple than before"


def change(client: Client, **changes: str):
    return client.post(ADDRESS, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, **changes})


def test_it_changes_the_password_says_so_and_records_it(officer_client: Client, officer: User) -> None:
    answer = change(officer_client)
    officer.refresh_from_db()

    assert answer.url == "/queue/"
    assert officer.check_password(NEW)
    assert "Your password is changed." in officer_client.get("/queue/").content.decode()
    chain = LedgerEntry.objects.filter(chain=ledger.person_chain(officer))
    assert chain.filter(action="person.changed_password", actor=officer, detail="{}").exists()


def test_it_signs_other_browsers_out(officer_client: Client, officer: User) -> None:
    other = signed_in(officer)
    change(officer_client)

    assert officer_client.get("/queue/").status_code == 200
    assert other.get("/queue/").status_code == 302


def test_it_wants_the_current_password(officer_client: Client, officer: User) -> None:
    page = change(officer_client, oldpassword="guess").content.decode()
    officer.refresh_from_db()

    assert "This is not your current password." in page
    assert officer.check_password(PASSWORD)


def test_it_refuses_a_weak_password_beside_its_field(officer_client: Client) -> None:
    page = change(officer_client, password1="12345", password2="12345").content.decode()

    assert 'id="password1-error"' in page


def test_visitors_are_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get(ADDRESS).url == f"/account/login/?next={ADDRESS}"


def test_who_signs_in_through_the_company_has_none_to_change(officer: User) -> None:
    officer.set_unusable_password()
    officer.save()
    client = signed_in(officer)

    assert client.get(ADDRESS).url == "/account/security/"
    assert change(client).url == "/account/security/"
    assert "You have no password here" in client.get("/account/security/").content.decode()
