"""The admin has no sign-in of its own, follows the desk's theme, and shows each role what it may see."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from kyc.models import LedgerEntry, Session, User
from tests.kyc.admin.conftest import url
from tests.kyc.personal import unmask

INDEX = "/admin/"


def test_a_visitor_signs_in_at_the_desk(db: None) -> None:
    answer = Client().get("/admin/kyc/session/?q=1", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/account/login/?next=/admin/kyc/session/")
    assert 'id="login-form"' not in answer.content.decode()
    assert Client().post("/admin/login/", {"username": "admin", "password": "x"}).status_code == 302


def test_next_leads_nowhere_else(admin_client: Client) -> None:
    assert admin_client.get("/admin/login/", {"next": "https://elsewhere.test/"})["Location"] == INDEX
    assert admin_client.get("/admin/login/", {"next": "/admin/kyc/"})["Location"] == "/admin/kyc/"


def test_an_officer_and_an_outsider_stay_outside(officer_client: Client, outsider_client: Client) -> None:
    for client in (officer_client, outsider_client):
        assert client.get(INDEX, follow=True).status_code == 403
        assert client.get("/admin/kyc/session/", follow=True).status_code == 403


def test_sign_out_and_passwords_are_the_desk_s(admin_client: Client) -> None:
    assert admin_client.get("/admin/logout/")["Location"] == "/account/logout/"
    for page in ("/admin/password_change/", "/admin/password_change/done/"):
        assert admin_client.get(page)["Location"] == "/account/password/"


def test_it_leads_to_the_desk_and_wears_its_theme(admin_client: Client, session: Session) -> None:
    admin_client.cookies["desk_theme"] = "dark"
    page = admin_client.get(url(session)).content.decode()

    assert 'data-theme="dark"' in page
    assert 'href="/queue/"' in page
    assert f'href="{session.get_absolute_url()}"' in page


@pytest.mark.parametrize(
    "path", [INDEX, "/admin/kyc/session/", "/admin/kyc/contact/add/", "/admin/kyc/user/add/"]
)
def test_nothing_is_inline(admin_client: Client, path: str) -> None:
    answer = admin_client.get(path)
    page = answer.content.decode()

    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<style" not in page
    assert " style=" not in page
    assert "<script>" not in page
    assert "data:image" not in page


def test_a_read_is_on_the_reader_s_chain(auditor_client: Client, auditor: User, session: Session) -> None:
    delivery = session.deliveries.get()
    auditor_client.get(url(session))
    auditor_client.get(url(delivery))
    reads = LedgerEntry.objects.filter(chain=f"person:{auditor.pk}", action__endswith=".read").order_by("seq")

    assert [entry.action for entry in reads] == ["session.read", "delivery.read"]
    assert json.loads(reads[1].detail) == {"delivery": delivery.pk, "session": str(session.pk)}


def test_so_is_the_read_of_a_form_that_is_sent_and_refused(
    admin_client: Client, admin: User, session: Session
) -> None:
    check = session.checks.get()
    page = admin_client.post(url(check), {"correction_reason": ""})
    read = LedgerEntry.objects.get(chain=f"person:{admin.pk}", action="check.read")

    assert page.status_code == 200
    assert json.loads(read.detail)["check"] == check.pk


@pytest.mark.parametrize("query", ["delivery/?headers__contains=x", "delivery/?faults__0__path=x"])
def test_no_list_is_filtered_by_what_is_heavy(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"/admin/kyc/{query}").status_code == 400


def test_a_body_is_text_and_nothing_else(admin_client: Client, db: None) -> None:
    from kyc.models import Delivery
    from tests import wire

    wire.post('<script>alert("x")</script>\u202e\x07'.encode())
    unmask(admin_client, Delivery.objects.get())
    page = admin_client.get(url(Delivery.objects.get())).content.decode()

    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\\u202e\\u0007" in page
    assert "The body is not JSON" in page
