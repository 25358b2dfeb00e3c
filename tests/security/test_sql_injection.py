"""What is asked for never becomes a part of a statement: every parameter of every address, probed in several shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.security.addresses import Address, everything, furnish, of_all_roles
from tests.security.asking import watched

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

# It stands in no statement of ours, and a statement that holds it was put together from what somebody sent.
MARK = "zq7zq"
ENDS = f"""'"`\\);{MARK}--%s%(a)s/*"""
# Each begins as something that an address may look for.
BEGINNINGS = [
    "",
    "1",
    "00000000-0000-0000-0000-000000000000",
    "2026-01-01",
    "LOW_CONFIDENCE",
    "in_review",
    "-due_at",
    "[1",
]
PROBES = [f"{beginning}{ENDS}" for beginning in BEGINNINGS]
# Django's own way to ask: columns and lookups by name, which the admin's lists take from the address.
LOOKUPS = {
    f"id__{MARK}": "1",
    f"password__startswith': {MARK}": "a",
    "assignee__password__startswith": MARK,
    "user__password__regex": MARK,
    "by__password__gte": MARK,
    "actor__password__startswith": MARK,
    "_connector": f"OR {MARK}",
    "_negated": MARK,
    "o": f"1.{ENDS}",
    "e": "1",
}


@contextmanager
def statements() -> Iterator[list[str]]:
    """Gather the statements, as they are before their values are put in, that hold the mark."""
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if MARK in sql:
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield found


@pytest.fixture
def everyone(db: None) -> User:
    return of_all_roles()


class Prober:
    """Sends requests as one person, and notes what went wrong."""

    def __init__(self, person: User, found: list[str]) -> None:
        self._person, self._found = person, found
        self.faults: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Go on with a fresh sign-in: some addresses end it."""
        self._client = signed_in(self._person)
        self._client.raise_request_exception = False

    def ask(self, method: str, path: str, fields: dict[str, str]) -> set[str]:
        """Send it; return the names that were looked up."""
        with watched() as names:
            answer = getattr(self._client, method)(path, fields)
            if answer.streaming:
                b"".join(answer)
        if answer.status_code >= 500 or self._found:
            self.faults.append(f"{method} {path} {fields}: {answer.status_code} {self._found}")
            self._found.clear()
        return names


def test_no_parameter_becomes_part_of_a_statement(everyone: User) -> None:
    """All that an address looks up at once; and on pages each by itself, for what is refused may hide the others."""
    furnish(everyone)
    probed: Counter[str] = Counter()
    with statements() as found:
        prober = Prober(everyone, found)
        for address in everything():
            # To draw it takes a second, and it asks for nothing.
            if address.name == "session-record-pdf":
                continue
            prober.begin()
            for method in _methods(address):
                names = prober.ask(method, address.path, {})
                every = dict(zip(sorted(names), cycle(PROBES)))
                names |= prober.ask(method, address.path, every)
                # Where a form says from which list it came, the list's own query stands in it.
                if "from" in names:
                    prober.ask(method, address.path, {**every, "from": urlencode(every)})
                for name in sorted(names) if _is_read(address, method) else ():
                    probed[name] += 1
                    prober.ask(method, address.path, {name: PROBES[probed.total() % len(PROBES)]})
    assert not prober.faults
    assert {"q", "after", "from", "reason", "cause", "kind", "chain"} <= probed.keys()


def _methods(address: Address) -> list[str]:
    # The admin's pages that only show take no form.
    shows = ("_changelist", "_history", ":index", ":app_list")
    return ["get"] if address.is_admin and address.name.endswith(shows) else ["get", "post"]


def _is_read(address: Address, method: str) -> bool:
    return method == "get" and not address.is_admin


def test_no_list_of_the_admin_takes_a_column_or_a_lookup_from_the_address(everyone: User) -> None:
    furnish(everyone)
    lists = [address for address in everything() if address.name.endswith("_changelist")]
    assert len(lists) > 15
    with statements() as found:
        prober = Prober(everyone, found)
        for address in lists:
            for name, value in LOOKUPS.items():
                prober.ask("get", address.path, {name: value})
    assert not prober.faults


def test_no_id_in_an_address_becomes_part_of_one(everyone: User) -> None:
    furnish(everyone)
    with statements() as found:
        client = signed_in(everyone)
        client.raise_request_exception = False
        for address in everything():
            for probe in (f"1{ENDS}", f"_27{MARK}"):
                path = _with_another_id(address.path, probe)
                assert client.get(path).status_code < 500, path
    assert not found


def _with_another_id(path: str, probe: str) -> str:
    """Return the path with each of its numbers and UUIDs replaced."""
    parts = path.split("/")
    return "/".join(quote(probe, safe="") if any(map(str.isdigit, part)) else part for part in parts)


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "desk_theme", "desk_language", "messages"])
def test_no_cookie_or_header_becomes_part_of_one(name: str, everyone: User) -> None:
    client = Client()
    client.raise_request_exception = False
    client.cookies[name] = ENDS
    headers = (
        "Accept-Language",
        "X-Forwarded-For",
        "X-Request-ID",
        "User-Agent",
        "HX-Current-URL",
        "HX-Target",
    )
    with statements() as found:
        for path in ("/queue/", "/account/login/"):
            assert client.get(path, headers=dict.fromkeys(headers, ENDS)).status_code < 500
        assert client.post("/account/login/", {"login": ENDS, "password": ENDS}).status_code < 500
    assert not found
