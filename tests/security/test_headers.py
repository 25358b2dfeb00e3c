"""What is asked for never becomes a header, a file's name or a path of the server's own; nor is more asked than it bears."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.security.addresses import everything, furnish, of_all_roles

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

MARK = "zq9zq"
LINES = [
    f"a\r\nX-Evil: {MARK}",
    f"a\nSet-Cookie: {MARK}=1",
    f"\u560a\u560dX-Evil: {MARK}",
    f"{MARK}\u2028\x85\x0b\x0c",
]
NAMES = [
    "q",
    "from",
    "next",
    "chain",
    "view",
    "sort",
    "name",
    "theme",
    "language",
    "filename",
    "w",
    "event",
    "status",
]
PLACES = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc/passwd",
    "%2e%2e/%2e%2e/manage.py",
    "..\\..\\manage.py",
    "....//manage.py",
    "%00/etc/passwd",
    "/etc/passwd",
    "..;/manage.py",
    "desk/../../../manage.py",
    "//etc/passwd",
]
FILE_NAME = re.compile(r'attachment; filename="[\w.-]+"|inline(; filename="[\w.-]+")?')


@pytest.fixture
def everyone(db: None) -> User:
    return of_all_roles()


def quietly(person: User) -> Client:
    client = signed_in(person)
    client.raise_request_exception = False
    return client


def is_clean(answer: HttpResponse) -> bool:
    """Return True when no header was added or cut by what was asked for."""
    names = {name.lower() for name in answer.headers}
    cookies = {name.lower() for name in answer.cookies}
    lines = any("\n" in value or "\r" in value for value in answer.headers.values())
    return "x-evil" not in names and MARK not in cookies and not lines


def test_no_line_of_ours_is_ended_by_what_is_asked_for(everyone: User) -> None:
    furnish(everyone)
    client = quietly(everyone)
    for number, address in enumerate(everything()):
        asked = dict.fromkeys(NAMES, LINES[number % len(LINES)])
        headers = {"X-Request-ID": MARK, "HX-Current-URL": f"http://testserver/queue/?{MARK}"}
        answer = client.get(address.path, asked, headers=headers)
        assert answer.status_code < 500, address
        assert is_clean(answer), address
        assert answer["X-Request-ID"] != MARK
        named = answer.get("Content-Disposition")
        assert named is None or FILE_NAME.fullmatch(named), address


@pytest.mark.parametrize("line", LINES)
def test_nor_by_what_is_typed(line: str, everyone: User) -> None:
    client = quietly(everyone)
    for path in (
        "/theme/",
        "/language/",
        "/queue/views/",
        "/queue/claim-next/",
        "/account/login/",
        "/queue/bulk/",
    ):
        answer = client.post(path, dict.fromkeys([*NAMES, "login", "password", "act"], line))
        assert answer.status_code < 500 and is_clean(answer), path


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_to_a_file_of_the_server(place: str, everyone: User) -> None:
    client = quietly(everyone)
    for start in ("/static/", "/mail/", "/", "/static/desk/", "/admin/", "/ledger/"):
        answer = client.get(f"{start}{place}")
        text = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code in (301, 302, 400, 404), (start, answer.status_code)
        assert b"root:" not in text and b"DJANGO_SETTINGS_MODULE" not in text


def test_more_than_a_page_bears_is_refused_in_words(everyone: User) -> None:
    furnish(everyone)
    client = quietly(everyone)
    many = "&".join(f"reason={number}&s={number}&delivery={number}" for number in range(1500))
    for path in (
        "/queue/",
        "/rejected/",
        "/deliveries/",
        "/notifications/",
        "/ledger/",
        "/privacy/",
        "/queue/rows/",
    ):
        for query in (many, f"q={'x' * 100_000}", f"after={'9' * 100_000}", f"from={'%25' * 20_000}"):
            assert client.get(f"{path}?{query}").status_code in (200, 204, 302, 400, 404, 414, 429), path
    for path in ("/queue/bulk/", "/notifications/act/", "/deliveries/replay/", "/theme/", "/account/login/"):
        for form in ({"s": ["1"] * 3000}, {"message": "x" * 3_000_000}, {"act": "[" * 100_000}):
            assert client.post(path, form).status_code in (200, 302, 400, 403, 413, 422, 429), path
