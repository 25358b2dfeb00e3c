"""A real OpenID provider, over HTTP, and the way through it that a browser would take."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.http import HttpResponse
from django.test import Client
from oidc_provider_mock import User as Known
from oidc_provider_mock import run_server_in_thread

BEGIN = "/account/oidc/company/login/"
ROLES = {"kyc-officers": "officer", "kyc-supervisors": "supervisor", "kyc-admins": "admin"}


@dataclass(frozen=True)
class Provider:
    """The company's identity provider, at `address`."""

    address: str

    def knows(self, sub: str, *groups: str, **claims: Any) -> None:
        """Let the provider know a person, with these groups and claims from now on."""
        said = {"groups": list(groups), "preferred_username": sub, **claims}
        requests.put(f"{self.address}/users/{sub}", json=said, timeout=60).raise_for_status()

    def answer(self, going_to: str, sub: str, **form: str) -> str:
        """Sign in there as somebody, and return where the provider sends the browser back to."""
        answered = requests.post(going_to, data={"sub": sub, **form}, allow_redirects=False, timeout=60)
        return answered.headers["Location"]


@contextmanager
def running() -> Iterator[Provider]:
    with pytest.MonkeyPatch.context() as patch:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        # Plain HTTP is what a test of one machine speaks.
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with run_server_in_thread(user_claims=[Known(sub="anna")]) as server:
            # Another site than the desk of a browser test, which is at localhost.
            yield Provider(f"http://127.0.0.1:{server.server_port}")


def trust(settings: Any, provider: Provider, **others: Any) -> None:
    """Have the desk sign people in through the provider."""
    company = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app = {**company, "client_id": "desk", "secret": "s3cret", "settings": {"server_url": provider.address}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    settings.OIDC_ISSUER = provider.address
    settings.OIDC_NAME = "Acme"
    settings.OIDC_ROLES = ROLES
    for name, value in others.items():
        setattr(settings, name, value)


def sign_in(client: Client, provider: Provider, sub: str, query: str = "", **form: str) -> HttpResponse:
    """Go through the provider as somebody and return what the desk answers to their coming back."""
    begun: Any = client.post(f"{BEGIN}{query}", form)
    back = provider.answer(begun.url, sub)
    return client.get(back.removeprefix("http://testserver"))
