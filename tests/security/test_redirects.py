"""Nobody is sent to another site by an address of ours, whatever it is asked for or told about where they came from."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from kyc.models import User
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.security.addresses import everything, furnish, of_all_roles

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

HOST = "evil.test"
# Ways to write another site that have got past somebody's check before.
WAYS = [
    f"https://{HOST}/",
    f"//{HOST}",
    f"///{HOST}",
    f"/\\{HOST}",
    f"\\\\{HOST}",
    f"/\t/{HOST}",
    f"https:{HOST}",
    f"http:///{HOST}",
    f"http://testserver@{HOST}/",
    f"//testserver.{HOST}/",
    f"/%2f%2f{HOST}/..",
    f"javascript:alert('{HOST}')",
    f"data:text/html,{HOST}",
    f"/queue/\r\nLocation: https://{HOST}/",
    f"\x00//{HOST}",
    f" //{HOST}",
    f"/.//{HOST}",
]
# What programs call the place to go on to: ours, Django's, allauth's, and what else is common.
NAMES = [
    "next", "from", "to", "back", "url", "continue", "return", "return_to", "redirect", "redirect_to", "redirect_url", "goto",
    "dest", "callback_url", "query", "here", "q", "_changelist_filters", "_to_field", "_popup", "view", "page", "path",
]  # fmt: skip
LEADING = {"href", "src", "action", "formaction", "hx-get", "hx-post", "hx-push-url", "data-url", "content"}
HEADERS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Refresh")


class Ways(HTMLParser):
    """Gathers where a page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value.partition("url=")[2] or value for name, value in attrs if name in LEADING and value
        ]


def leads_away(answer: HttpResponse, at: str) -> list[str]:
    """Return where an answer leads that is none of ours."""
    ways = [answer[name].partition("url=")[2] or answer[name] for name in HEADERS if name in answer]
    if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
        page = Ways()
        page.feed(answer.content.decode())
        ways += page.found
    return [way for way in ways if HOST in _host(way, at) or _scheme(way) in ("javascript", "data")]


def _host(way: str, at: str) -> str:
    """Return the host that a browser would go to: it drops controls and takes \\\\ for /."""
    clean = "".join(letter for letter in way if letter > "\x1f").strip().replace("\\", "/")
    return urlsplit(urljoin(f"http://testserver{at}", clean)).netloc


def _scheme(way: str) -> str:
    return way.strip().partition(":")[0].lower()


@pytest.fixture
def everyone(db: None) -> User:
    return of_all_roles()


def quietly(person: User | None) -> Client:
    client = signed_in(person) if person else Client()
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_no_address_leads_away(is_signed_in: bool, everyone: User) -> None:
    """Each gets every name with every way at once, as a link and as a form; the last of a name wins."""
    furnish(everyone)
    away, broken = [], []
    for number, address in enumerate(everything()):
        way = WAYS[number % len(WAYS)]
        asked = dict.fromkeys(NAMES, way)
        headers = {
            "Referer": f"https://{HOST}/",
            "HX-Current-URL": f"https://{HOST}/queue/",
            "X-Forwarded-Host": HOST,
        }
        client = quietly(everyone if is_signed_in else None)
        ajax = {**headers, "HX-Request": "true"}
        for answer in (
            client.get(address.path, asked, headers=ajax if number % 2 else headers),
            client.post(address.path, asked, headers=headers if number % 2 else ajax),
        ):
            away += [(address.name, way, found) for found in leads_away(answer, address.path)]
            broken += [(address.name, way)] if answer.status_code >= 500 else []
    assert not away
    assert not broken


@pytest.mark.parametrize("way", WAYS)
def test_a_sign_in_a_sign_out_and_a_choice_lead_to_our_own(way: str, everyone: User) -> None:
    client = Client()
    for page in ("/account/login/", "/account/login/?next=x"):
        page = page.replace(
            "=x", "=" + way.replace("\r\n", "%0d%0a").replace("\t", "%09").replace("\0", "%00")
        )
        answer = client.post(page, {"login": "everyone", "password": PASSWORD, "next": way})
        assert answer.status_code == 302 and not leads_away(answer, page)
        # Who is signed in already is sent on at once.
        assert not leads_away(client.get(page), page)
        client.post("/account/logout/")
    for page in ("/theme/", "/language/", "/account/logout/"):
        client = signed_in(everyone)
        answer = client.post(page, {"theme": "dark", "language": "es", "next": way})
        assert answer.status_code == 302 and not leads_away(answer, page), page


def test_another_host_s_name_is_not_taken_for_ours(everyone: User) -> None:
    client = quietly(everyone)
    for host in (HOST, f"testserver.{HOST}", f"testserver@{HOST}", "testserver:80@x", "a b"):
        assert client.get("/queue/", headers={"Host": host}).status_code == 400, host
    answer = client.get("/queue/", headers={"X-Forwarded-Host": HOST, "Forwarded": f"host={HOST}"})
    assert answer.status_code == 200 and HOST not in answer.content.decode()
