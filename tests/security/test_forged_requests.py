"""Another site's page makes a signed-in person's browser send something: nothing of it is done, whichever address it is."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session as SignIn
from django.core.cache import cache
from django.test import Client

from kyc.models import LedgerEntry, LedgerHead, User
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.security.addresses import everything, furnish, of_all_roles

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

# They answer a machine or send on to another address, which refuses.
READ_ONLY = {"health-live", "health-ready"}
SENDS_ON = {"", "admin:logout", "admin:password_change", "admin:password_change_done"}


@pytest.fixture
def everyone(db: None) -> User:
    return of_all_roles()


def strict(person: User | None) -> Client:
    """Return a browser that the person is signed in with, at a desk that asks where a form came from."""
    client = signed_in(person) if person else Client()
    client.handler.enforce_csrf_checks = True
    client.raise_request_exception = False
    return client


def picture() -> dict[str, list[str]]:
    """Every row of every table but what a sign-in or a read leaves."""
    skipped = (SignIn, LedgerEntry, LedgerHead)
    models = [model for model in apps.get_models() if model not in skipped]
    return {model._meta.label: sorted(map(repr, model._base_manager.values_list())) for model in models}


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_form_of_another_site_is_refused_at_every_address(is_signed_in: bool, everyone: User) -> None:
    furnish(everyone)
    client, before = strict(everyone if is_signed_in else None), picture()
    done = [
        (address.name, method, answer)
        for address in everything()
        for method in ("post", "put", "patch", "delete")
        if (answer := getattr(client, method)(address.path, {"post": "yes"}).status_code) != 403
    ]
    assert {name for name, _, _ in done} <= READ_ONLY | SENDS_ON
    assert all(answer in (301, 302, 405) for _, _, answer in done), done
    assert picture() == before


def test_a_token_does_not_help_who_comes_from_elsewhere(everyone: User) -> None:
    client = strict(everyone)
    token = _token(client)
    form = {"theme": "dark", "csrfmiddlewaretoken": token}
    for origin in ("https://evil.test", "null", "http://testserver.evil.test", "http://testserver:81"):
        assert client.post("/theme/", form, headers={"Origin": origin}).status_code == 403, origin
    secure = {"secure": True}
    for referer in ("", "https://evil.test/", "https://testserver.evil.test/", "http://testserver/", "x"):
        assert client.post("/theme/", form, headers={"Referer": referer}, **secure).status_code == 403, (
            referer
        )
    assert client.post("/theme/", form, headers={"Origin": "http://testserver"}).status_code == 302


def test_nor_does_one_of_another_browser_or_of_before_the_sign_in(everyone: User) -> None:
    client, other = strict(None), strict(of_all_roles("other"))
    before = _token(client, "/account/login/")
    sent = {"login": "everyone", "password": PASSWORD, "csrfmiddlewaretoken": before}
    assert client.post("/account/login/", sent).status_code == 302
    for token in (before, _token(other), "", "x" * 64, "\0"):
        form = {"theme": "dark", "csrfmiddlewaretoken": token}
        assert client.post("/theme/", form).status_code == 403, token


# What a form without PUT, or a proxy, says it by: none of it is believed.
OVERRIDES = dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), "POST")
ASKED = {"_method": "POST", "method": "DELETE", "post": "yes", "action": "delete_selected", "act": "claim"}


def test_a_link_signs_nobody_in_or_out_and_changes_nothing(everyone: User) -> None:
    """What another site can do without a form: an image, a link, a redirect. Signing in at the provider is one too."""
    furnish(everyone)
    client, before = strict(everyone), picture()
    for address in everything():
        answer = client.get(address.path, ASKED, headers=OVERRIDES)
        assert "://" not in answer.get("Location", ""), address
    assert client.get("/queue/").status_code == 200
    assert picture() == before


def test_the_webhook_takes_no_cookie_for_a_signature(everyone: User) -> None:
    client = strict(everyone)
    token = _token(client)
    sent = {"content_type": "application/json", "headers": {"X-CSRFToken": token}}
    assert client.post("/webhooks/ralio", b"{}", **sent).status_code == 401
    cache.clear()


def _token(client: Client, page: str = "/queue/") -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(page).content.decode())
    assert found
    return found[1]
