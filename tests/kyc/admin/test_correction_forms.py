"""An admin corrects a session, a check or a reason on its page; nothing typed is lost when that cannot be."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

from django.contrib.admin.models import LogEntry
from django.test import Client

from kyc import review
from kyc.models import Check, Correction, LedgerEntry, Reason, Session, User
from kyc.rebuilding import rebuild
from tests import wire
from tests.kyc.admin.conftest import form_of, url
from tests.kyc.personal import unmask

WHY = {"correction_reason": "The officer saw it."}


def details() -> list[dict[str, object]]:
    entries = LedgerEntry.objects.filter(action="session.corrected").order_by("seq")
    return [json.loads(entry.detail) for entry in entries]


def form_of_answer(answer: object, posted: dict[str, str]) -> dict[str, str]:
    form = answer.context["adminform"].form  # type: ignore[attr-defined]
    return posted | {"seen": form["seen"].value()}


def test_a_session_s_subject(admin_client: Client, admin: User, session: Session) -> None:
    said, meant = session.user_id, str(uuid4())
    posted = form_of(admin_client, url(session), user_id=meant, **WHY)
    answer = admin_client.post(url(session), posted)
    (made,), (told,) = Correction.objects.all(), details()

    assert answer.status_code == 302
    assert (made.field, json.loads(made.old), json.loads(made.new)) == ("user_id", str(said), meant)
    assert (made.by, made.reason) == (admin, WHY["correction_reason"])
    assert (told["before"], told["after"], told["correction"]) == (str(said), meant, made.pk)
    wire.post(wire.payload("kyc_session_verified", session_id=session.pk, user_id=said))
    assert str(Session.objects.get().user_id) == meant
    assert rebuild(session.pk) == []
    assert LogEntry.objects.get().user == admin


def test_a_due_time(admin_client: Client, session: Session) -> None:
    posted = form_of(admin_client, url(session), due_at_0="01/02/2027", due_at_1="09:30:00", **WHY)
    assert admin_client.post(url(session), posted).status_code == 302

    assert Session.objects.get().due_at.isoformat() == "2027-02-01T09:30:00+00:00"  # type: ignore[union-attr]
    assert [made.field for made in Correction.objects.all()] == ["due_at"]


def test_a_check(admin_client: Client, session: Session, check: Check) -> None:
    unmask(admin_client, session)
    posted = form_of(admin_client, url(check), state="validated", data='{"score": 9.0}', **WHY)
    assert admin_client.post(url(check), posted).status_code == 302
    fresh, told = Check.objects.get(), {item["field"]: item for item in details()}

    assert (fresh.state, fresh.data) == ("validated", '{"score":9.0}')
    assert Session.objects.get().n_refused == 0
    assert told["state"]["after"] == "validated"
    assert told["data"]["after"] == review.digest('{"score":9.0}')


def test_masked_data_is_neither_shown_nor_corrected(admin_client: Client, check: Check) -> None:
    page = admin_client.get(url(check)).content.decode()
    posted = form_of(admin_client, url(check), state="validated", data="{}", **WHY)
    assert admin_client.post(url(check), posted).status_code == 302

    assert ("{&quot;score&quot;:1.5" in page, "{&quot;score&quot;: ••••••}" in page) == (False, True)
    assert (Check.objects.get().state, Check.objects.get().data) == ("validated", check.data)


def test_a_reason(admin_client: Client, session: Session, reason: Reason) -> None:
    posted = form_of(admin_client, url(reason), code="GLARE", **WHY)
    assert admin_client.post(url(reason), posted).status_code == 302
    page = admin_client.get(url(reason)).content.decode()

    assert Reason.objects.get().code == "GLARE"
    assert WHY["correction_reason"] in page
    assert "LOW_CONFIDENCE" in page


def test_text_with_odd_line_ends_is_not_corrected_by_looking_at_it(
    admin_client: Client, session: Session, reason: Reason
) -> None:
    Reason.objects.update(message=" one\r\ntwo\nthree\rfour \n")
    posted = form_of(admin_client, url(reason), code="GLARE", **WHY)
    posted["message"] = " one\r\ntwo\r\nthree\r\nfour \r\n"
    assert admin_client.post(url(reason), posted).status_code == 302

    assert [made.field for made in Correction.objects.all()] == ["code"]
    assert Reason.objects.get().message == " one\r\ntwo\nthree\rfour \n"


def test_text_too_long_for_a_browser_is_shown_in_part_and_left_alone(
    admin_client: Client, session: Session, check: Check
) -> None:
    Check.objects.update(data='"' + "x" * 300_000 + '"')
    unmask(admin_client, session)
    page = admin_client.get(url(check)).content.decode()

    assert "The first 100,000 of 300,002 characters." in page
    assert 'name="data"' not in page


def test_a_session_with_thousands_of_checks_shows_the_first(admin_client: Client, session: Session) -> None:
    many = [{"type": f"check-{n}", "state": 1, "reasons": [{"code": f"C{n}"}]} for n in range(3000)]
    later = session.last_event_at + timedelta(minutes=5)
    wire.post(wire.payload("kyc_session_manual_review", session_id=session.pk, at=later, checks=many))
    page = admin_client.get(url(session)).content.decode()

    assert "check-49<" in page
    assert "check-50<" not in page
    assert f"?session__id__exact={session.pk}" in page
    listed = admin_client.get(url("kyc.check", "changelist"), {"session__id__exact": str(session.pk)})
    assert listed.context["cl"].result_count == 1001
