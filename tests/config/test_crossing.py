"""Links from mails and from the identity provider find who is signed in, though the cookie is strict."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

ACROSS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


def test_the_first_step_asks_for_the_same_address_again(client: Client) -> None:
    page = client.get("/rejected/?reason=A&from=b", headers=ACROSS)

    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    assert (
        '<meta http-equiv="refresh" content="0; url=/rejected/?reason=A&amp;from=b">' in page.content.decode()
    )
    assert not page.cookies


def test_the_second_step_comes_from_here(client: Client, officer_client: Client) -> None:
    here = {**ACROSS, "Sec-Fetch-Site": "same-origin"}
    assert client.get("/queue/", headers=here).url == "/account/login/?next=/queue/"
    assert officer_client.get("/queue/", headers=here).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {**ACROSS, "Sec-Fetch-Site": "none"}, {**ACROSS, "Sec-Fetch-Mode": "no-cors"}],
    ids=["unsaid", "typed", "no navigation"],
)
def test_what_crosses_nothing_is_answered_at_once(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/queue/", headers=headers).status_code == 302


def test_nor_is_anybody_sent_round_who_brought_the_cookie_or_a_form(
    client: Client, officer_client: Client
) -> None:
    assert officer_client.get("/queue/", headers=ACROSS).status_code == 200
    assert client.post("/queue/claim-next/", headers=ACROSS).status_code == 302


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/\\evil.example", '/x"><script>alert(1)</script>', "/x;url=//evil"]
)
def test_it_leads_nowhere_but_here(client: Client, path: str) -> None:
    text = client.get("/", headers=ACROSS, PATH_INFO=path).content.decode()
    going_to = text.partition("url=")[2].partition('">')[0]

    assert going_to.startswith("/") and going_to[1:2] not in {"/", "\\"}
    assert "<script" not in text
