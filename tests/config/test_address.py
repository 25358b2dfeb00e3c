"""Which address is believed to be a request's: in the ledger, and by what counts a sign-in's failed tries."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.core.internal.ratelimit import get_ip
from django.test import Client, RequestFactory

from kyc.models import LedgerEntry, User
from tests.factories import PASSWORD

BEHIND = [
    ("203.0.113.9", "203.0.113.9"),
    ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
    ("203.0.113.9:50123", "203.0.113.9"),
    ("[2001:db8::9]:50123", "2001:db8::9"),
    ("nonsense", ""),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("sent", "believed"), BEHIND)
def test_behind_a_proxy_it_is_what_the_proxy_saw(
    settings: Any, client: Client, officer: User, sent: str, believed: str
) -> None:
    settings.BEHIND_PROXY = True
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    form = {"login": "officer", "password": PASSWORD}
    answer = client.post("/account/login/", form, headers={"X-Forwarded-For": sent})

    assert answer.status_code == (302 if believed else 403)
    found = LedgerEntry.objects.filter(action="person.signed_in").values_list("address", flat=True)
    assert list(found) == ([believed] if believed else [])


def test_without_one_the_header_is_anybody_s(settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "6.6.6.6"})
    assert get_ip(request) == "127.0.0.1"
