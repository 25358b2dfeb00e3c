"""Sign-in through the company's identity provider: a real one, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from kyc import ledger, people
from kyc.models import LedgerEntry, User
from tests import oidc
from tests.factories import UserFactory
from tests.oidc import Provider, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def company(provider: Provider, settings: Any) -> None:
    oidc.trust(settings, provider)


def acts(chain: str) -> list[tuple[str, str]]:
    return list(LedgerEntry.objects.filter(chain=chain).order_by("seq").values_list("action", "detail"))


def test_the_first_sign_in_makes_an_account_with_the_role_of_the_group(
    client: Client, provider: Provider
) -> None:
    provider.knows("anna", "staff", "kyc-supervisors", email="anna@acme.example", given_name="Anna")
    assert sign_in(client, provider, "anna").url == "/queue/"

    person = User.objects.get(username="anna")
    assert (people.roles(person), person.is_staff, person.email) == (
        ["supervisor"],
        True,
        "anna@acme.example",
    )
    assert not person.has_usable_password()
    assert client.get("/queue/").status_code == 200
    (added,) = acts(ledger.SYSTEM)
    assert added[0] == "person.added" and '"because":"provider"' in added[1]


def test_nothing_of_what_the_provider_said_is_kept_beside_it(client: Client, provider: Provider) -> None:
    provider.knows("anna", "kyc-officers", phone_number="+34 600 000 000")
    sign_in(client, provider, "anna")
    sign_in(client, provider, "anna")

    assert SocialAccount.objects.get().extra_data == {"issuer": provider.address}
    assert not SocialToken.objects.exists()


def test_it_leads_on_to_where_the_person_was_going_and_nowhere_else(
    client: Client, provider: Provider
) -> None:
    provider.knows("anna", "kyc-officers")
    assert sign_in(client, provider, "anna", next="/rejected/?reason=A").url == "/rejected/?reason=A"
    assert sign_in(Client(), provider, "anna", next="https://evil.example/").url == "/queue/"
    assert sign_in(Client(), provider, "anna", next="//evil.example/").url == "/queue/"


def test_a_role_taken_away_there_goes_at_the_next_sign_in_and_with_it_the_other_sign_ins(
    client: Client, provider: Provider
) -> None:
    provider.knows("anna", "kyc-supervisors", "kyc-officers")
    sign_in(client, provider, "anna")
    provider.knows("anna", "kyc-officers")
    sign_in(Client(), provider, "anna")

    person = User.objects.get(username="anna")
    assert (people.roles(person), person.is_staff) == (["officer"], False)
    assert client.get("/queue/").url == "/account/login/?next=%2Fqueue%2F&ended=gone"
    assert '"because":"provider"' in acts(ledger.SYSTEM)[-1][1]


def test_without_a_group_that_has_a_role_nobody_comes_in(client: Client, provider: Provider) -> None:
    provider.knows("bert", "staff")
    refused = sign_in(client, provider, "bert")

    assert refused.status_code == 403 and "You have no role at the desk" in refused.content.decode()
    assert not User.objects.filter(username="bert").exists()
    assert acts(ledger.SYSTEM) == [("person.sign_in_failed", '{"because":"no_role"}')]


def test_who_has_lost_every_group_loses_every_role(client: Client, provider: Provider) -> None:
    provider.knows("anna", "kyc-officers")
    sign_in(client, provider, "anna")
    provider.knows("anna")

    assert sign_in(Client(), provider, "anna").status_code == 403
    assert people.roles(User.objects.get(username="anna")) == []
    assert client.get("/queue/").status_code == 302


def test_an_account_closed_at_the_desk_stays_closed(client: Client, provider: Provider) -> None:
    provider.knows("anna", "kyc-officers")
    sign_in(client, provider, "anna")
    User.objects.filter(username="anna").update(is_active=False)
    refused = sign_in(Client(), provider, "anna")

    assert refused.status_code == 403 and "Your account here is closed" in refused.content.decode()
    assert acts(ledger.person_chain(User.objects.get(username="anna")))[-1] == (
        "person.sign_in_failed",
        '{"because":"closed"}',
    )


@pytest.mark.parametrize("claims", [{"email": "boss@acme.example"}, {"preferred_username": "Boss"}])
def test_a_name_or_an_address_opens_nobody_else_s_account(
    client: Client, provider: Provider, claims: dict[str, str]
) -> None:
    boss = UserFactory(username="boss", email="boss@acme.example", role="admin")
    provider.knows("mallory", "kyc-officers", email_verified=True, **claims)
    sign_in(client, provider, "mallory")

    assert client.session["_auth_user_id"] != str(boss.pk)
    assert people.roles(boss) == ["admin"] and not SocialAccount.objects.filter(user=boss).exists()


def test_an_address_that_the_provider_has_not_verified_gets_no_mail(
    client: Client, provider: Provider
) -> None:
    provider.knows("anna", "kyc-officers", email="boss@acme.example", email_verified=False)
    sign_in(client, provider, "anna")

    assert User.objects.get(username="anna").email == ""
