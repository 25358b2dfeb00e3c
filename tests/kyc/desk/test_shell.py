"""What stands on every page: the frame, the theme, the errors, and a policy that no page breaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from kyc.querysets import CAP
from tests.factories import SessionFactory

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
# Mail is read in other programs: its styles stand in it.
PAGES = [file for file in TEMPLATES if "notifications" not in file.parts]
INLINE = re.compile(
    r"""<style|<script(?![^>]*\ssrc=)|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:""", re.IGNORECASE
)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(settings.BASE_DIR)))
def test_no_template_needs_an_inline_style_or_script(file: Path) -> None:
    assert not INLINE.search(file.read_text())


def test_the_policy_allows_no_inline_code(client: Client, db: None) -> None:
    policy = client.get("/account/login/")["Content-Security-Policy"]

    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_frame_links_what_the_person_may_open(officer_client: Client, supervisor_client: Client) -> None:
    SessionFactory.create_batch(2)
    officers, supervisors = (
        client.get("/account/password/").content.decode() for client in (officer_client, supervisor_client)
    )

    assert '2<span class="vh"> in review</span>' in officers
    assert reverse("admin:index") not in officers
    assert reverse("admin:index") in supervisors


def test_people_without_a_role_get_a_frame_without_links(outsider_client: Client) -> None:
    page = outsider_client.get("/account/password/").content.decode()

    assert "nav__item" not in page


def test_the_count_in_the_frame_is_capped(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kyc.querysets.CAP", 2)
    monkeypatch.setattr("kyc.figures.CAP", 2)
    SessionFactory.create_batch(4)

    assert '2+<span class="vh"> in review' in officer_client.get("/account/password/").content.decode()
    assert CAP == 1000


def test_the_theme_is_kept_without_script(client: Client, db: None) -> None:
    answer = client.post("/theme/", {"theme": "dark", "next": "/account/login/?next=/queue/"})

    assert answer.url == "/account/login/?next=/queue/"
    assert '<html lang="en-gb" data-theme="dark">' in client.get("/account/login/").content.decode()


@pytest.mark.parametrize("theme", ["", "<script>", "DARK"])
def test_an_unknown_theme_is_not_kept(client: Client, db: None, theme: str) -> None:
    assert client.post("/theme/", {"theme": theme, "next": "https://evil.example/"}).url == "/queue/"
    client.cookies["desk_theme"] = theme
    assert "data-theme=" not in client.get("/account/login/").content.decode()


def test_the_theme_is_not_chosen_by_a_link(client: Client, db: None) -> None:
    assert client.get("/theme/?theme=dark").status_code == 405


def test_a_page_that_is_missing_says_so(officer_client: Client) -> None:
    answer = officer_client.get("/queue/nothing/")

    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.content.decode()


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_an_error_page_needs_no_request(status: int) -> None:
    assert "KYC Desk" in render_to_string(f"{status}.html")


def test_the_page_of_our_own_failure_needs_nothing(
    monkeypatch: pytest.MonkeyPatch, officer_client: Client
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("kyc.desk.queue.stats", fail)
    officer_client.raise_request_exception = False
    answer = officer_client.get("/queue/")

    assert answer.status_code == 500
    assert answer.content.decode() == render_to_string("500.html")
    assert "{" not in Path(settings.BASE_DIR / "templates/500.html").read_text()


def test_a_form_that_has_expired_says_so(officer_client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/account/logout/")

    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
