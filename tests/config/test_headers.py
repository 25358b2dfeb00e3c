"""What browsers are told about every page, and what cookies are: nothing more is open than a page needs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kyc.models import Session
from tests.kyc.scene import in_review

pytestmark = pytest.mark.django_db

EVERYWHERE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CSP = (
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "script-src 'self'",
    "style-src 'self'",
)


@pytest.fixture
def session() -> Session:
    return in_review()


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/queue/",
        "/sessions/{pk}/",
        "/rejected/export/",
        "/admin/",
        "/nowhere/",
        "/account/login/",
        "/health/live",
    ],
)
def test_every_answer_has_them_and_is_kept_nowhere(
    admin_client: Client, session: Session, address: str
) -> None:
    answer = admin_client.get(address.format(pk=session.pk))

    assert {name: answer[name] for name in EVERYWHERE} == EVERYWHERE
    assert all(part in answer["Content-Security-Policy"] for part in CSP)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert {"no-store", "private"} <= set(answer["Cache-Control"].replace(" ", "").split(","))
    assert "camera=()" in answer["Permissions-Policy"] and "geolocation=()" in answer["Permissions-Policy"]


def test_a_refusal_and_an_error_have_them_too(
    outsider_client: Client, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("Ana Pérez")

    monkeypatch.setattr("kyc.desk.queue.stats", fail)
    admin_client.raise_request_exception = False
    for answer, status in ((outsider_client.get("/queue/"), 403), (admin_client.get("/queue/"), 500)):
        assert answer.status_code == status and "Pérez" not in answer.content.decode()
        assert {name: answer[name] for name in EVERYWHERE} == EVERYWHERE
        assert "no-store" in answer["Cache-Control"]


def test_what_is_the_same_for_everybody_may_be_kept(client: Client) -> None:
    answer = client.get("/static/desk/desk.js")

    assert answer.status_code == 200 and "no-store" not in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_no_cookie_follows_a_person_from_another_site(client: Client) -> None:
    client.get("/account/login/")
    client.post(reverse("theme"), {"theme": "dark"})
    client.post(reverse("language"), {"language": "es"})
    cookies = {name: cookie["samesite"] for name, cookie in client.cookies.items()}

    assert {"csrftoken", "desk_theme", "desk_language"} <= set(cookies)
    assert set(cookies.values()) == {"Strict"}
    assert client.cookies["csrftoken"]["httponly"] and client.cookies["desk_language"]["httponly"]
