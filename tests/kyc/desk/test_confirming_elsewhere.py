"""People who sign in through the company confirm there who they are, and what they asked for goes on from a button."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from kyc.choices import DecisionStatus
from kyc.models import Decision, User
from tests.conftest import AUTHENTICATION_METHODS_SESSION_KEY, signed_in
from tests.kyc.desk.appliances import code, with_app
from tests.kyc.desk.test_confirming import address, proposal, seen

__all__ = ["proposal"]


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = "https://sso.example.test", "Example SSO"


@pytest.fixture
def theirs(supervisor: User) -> Client:
    """Somebody who has no password here, and signed in through the company eleven minutes ago."""
    supervisor.set_unusable_password()
    supervisor.save()
    SocialAccount.objects.create(user=supervisor, provider="company", uid="s1")
    return signed_in(supervisor, method="socialaccount", minutes_ago=11)


def came_back(client: Client) -> None:
    """Leave in the session what the way through the company leaves there."""
    session = client.session
    newer = {**session[AUTHENTICATION_METHODS_SESSION_KEY][0]}
    newer["at"] += 660
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [newer]
    session.save()


def test_the_page_leads_to_the_company_and_from_there_to_what_waits(
    theirs: Client, supervisor: User, proposal: Decision
) -> None:
    asks = theirs.post(address(proposal), seen(proposal)).url
    page = theirs.get(asks).content.decode()
    form = re.search(r'method="post" action="(/account/oidc/[^"]+)"', page)

    assert form
    assert "Confirm with Example SSO" in page
    assert "process=redirect" in unescape(form[1])
    assert theirs.get(asks.replace("/confirm/", "/confirm/done/")).url == asks
    came_back(theirs)
    offered = theirs.get(asks.replace("/confirm/", "/confirm/done/")).content.decode()
    assert f'action="{address(proposal)}"' in offered
    assert theirs.post(address(proposal), seen(proposal)).status_code == 303
    proposal.refresh_from_db()
    assert proposal.status == DecisionStatus.CONFIRMED


def test_where_its_second_factor_is_not_trusted_one_of_their_own_is_asked_for(
    theirs: Client, supervisor: User, proposal: Decision
) -> None:
    with_app(supervisor)
    came_back(theirs)
    asks = theirs.post(address(proposal), seen(proposal)).url
    page = theirs.get(asks).content.decode()

    assert "Example SSO" not in page
    assert theirs.post(asks, {"code": code()}).status_code == 303


def test_who_has_nothing_to_confirm_with_is_told_who_can_help(supervisor: User, settings: Any) -> None:
    settings.OIDC_ISSUER = ""
    supervisor.set_unusable_password()
    supervisor.save()
    page = signed_in(supervisor, minutes_ago=11).get("/account/confirm/").content.decode()

    assert "There is nothing that you could confirm it with." in page
