"""Who may open the desk, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

PAGES = {
    "queue": reverse("queue"),
    "queue-new": reverse("queue-new"),
    "queue-peek": reverse("queue-peek", args=[uuid4()]),
    "session": reverse("session", args=[uuid4()]),
    "history": reverse("history"),
    "history-export": reverse("history-export"),
}


@pytest.fixture(params=PAGES.values(), ids=PAGES)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param


def test_visitors_are_sent_to_sign_in_and_back(client: Client, db: None, address: str) -> None:
    answer = client.get(address, {"q": "a b"})

    assert (answer.status_code, answer.url) == (302, f"/account/login/?next={address}%3Fq%3Da%2Bb")


def test_people_without_a_role_are_told_so(outsider_client: Client, address: str) -> None:
    answer = outsider_client.get(address)

    assert answer.status_code == 403
    assert "Your role does not open this page" in answer.content.decode()
    assert "Sign out" in answer.content.decode()


def test_pages_are_only_read(officer_client: Client, address: str) -> None:
    assert officer_client.post(address).status_code == 405


@pytest.mark.parametrize(
    ("current", "expected"),
    [("http://testserver/queue/?reason=A", "/queue/?reason=A"), ("https://evil.example/x", "/queue/")],
)
def test_htmx_is_told_to_leave_the_page(client: Client, db: None, current: str, expected: str) -> None:
    answer = client.get("/queue/new/", headers={"HX-Request": "true", "HX-Current-URL": current})

    assert answer.status_code == 401
    assert answer["HX-Redirect"].replace("%2F", "/") == "/account/login/?next=" + expected.replace(
        "?", "%3F"
    ).replace("=", "%3D")


def test_the_front_door_leads_to_the_queue(officer_client: Client) -> None:
    assert officer_client.get("/").url == "/queue/"


def test_auditors_read_the_queue(auditor_client: Client) -> None:
    assert auditor_client.get("/queue/").status_code == 200
