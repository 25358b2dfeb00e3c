"""The export holds what the history shows, one line per reason, and is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from kyc.desk import exports
from kyc.desk.rejections import Filters
from kyc.models import LedgerEntry, Session, User
from tests.factories import DecisionFactory, UserFactory
from tests.kyc.desk.arrivals import again, arrive, newest_delivery, refused

pytestmark = pytest.mark.django_db


def export(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/rejected/export/?{query}")
    assert answer.status_code == 200
    text = b"".join(answer).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_each_reason_has_a_line(officer_client: Client) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    one, two = refused("ONE", "It is one.", category="DOC"), refused("TWO", 'It says "two",\nand more.')
    session = arrive("REJECTED", at=at, entityType="user", checks=[one, two])
    first, second = export(officer_client)

    assert first == {
        "session": str(session.pk),
        "subject": str(session.user_id),
        "entity": "user",
        "rejected at": at.isoformat(),
        "decided by": "Ralio, automatic",
        "confirmed by": "",
        "check": "face-matching",
        "code": "ONE",
        "category": "DOC",
        "message": "It is one.",
        "earlier": "",
        "from the API": "",
        "rationale": "",
    }
    assert (second["code"], second["message"]) == ("TWO", 'It says "two",\nand more.')


def test_a_session_without_reasons_has_a_line_too(officer_client: Client) -> None:
    session = arrive("REJECTED")
    (line,) = export(officer_client)

    assert (line["session"], line["code"], line["message"]) == (str(session.pk), "", "")


def test_earlier_reasons_and_second_officers_are_named(officer_client: Client, officer: User) -> None:
    session = arrive("REVIEW", hours=3, checks=[refused("BEFORE")])
    again(session, "REJECTED")
    checker = UserFactory(username="supervisor.a", role="supervisor")
    basis = newest_delivery(session)
    DecisionFactory(session=session, basis=basis, outcome="reject", maker=officer, checker=checker)
    Session.objects.filter(pk=session.pk).update(decided_by=officer)
    (line,) = export(officer_client)

    assert (line["code"], line["earlier"]) == ("BEFORE", "earlier")
    assert (line["decided by"], line["confirmed by"]) == ("officer", "supervisor.a")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(officer_client: Client, start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    arrive("REJECTED", checks=[refused(text, text, category=text, type=text)])
    (line,) = export(officer_client)

    assert {line[name] for name in ("check", "code", "category", "message")} == {f"'{text}"}


def test_it_exports_what_is_filtered_in_the_order_shown(officer_client: Client) -> None:
    old, new = (arrive("REJECTED", hours=hours, checks=[refused("ONE")]) for hours in (9, 2))
    arrive("REJECTED", checks=[refused("TWO")])
    arrive("REJECTED", hours=24 * 50, checks=[refused("ONE")])

    assert [line["session"] for line in export(officer_client, "reason=ONE")] == [str(new.pk), str(old.pk)]
    assert [line["session"] for line in export(officer_client, "q=one&sort=oldest")] == [
        str(old.pk),
        str(new.pk),
    ]
    assert len(export(officer_client, "days=all")) == 4
    assert export(officer_client, "q=unheard-of") == []


def test_chunks_lose_and_repeat_nothing(officer_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 2)
    at = datetime.now(UTC)
    sessions = {str(arrive("REJECTED", at=at, checks=[refused("ONE")]).pk) for _ in range(5)}

    for query in ("", "reason=ONE", "reason=ONE&reason=TWO", "sort=oldest"):
        lines = [line["session"] for line in export(officer_client, query)]
        assert (set(lines), len(lines)) == (sessions, 5)


def test_it_is_in_the_ledger_before_its_first_byte(officer_client: Client, officer: User) -> None:
    arrive("REJECTED", checks=[refused("ONE")])
    answer: Any = officer_client.get(
        "/rejected/export/", {"reason": ["ONE", "Ana Pérez"], "q": str(uuid4())[:8]}
    )
    entry = LedgerEntry.objects.get(chain=f"person:{officer.pk}", action="history.exported")
    detail = json.loads(entry.detail)

    assert answer.streaming
    assert (detail["codes"], len(detail["filter"])) == (["ONE"], 64)
    assert "Ana" not in entry.detail


def test_its_first_lines_leave_before_the_last_are_read(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any, rf: Any
) -> None:
    monkeypatch.setattr(exports, "CHUNK", 1)
    for _ in range(3):
        arrive("REJECTED", checks=[refused("ONE")])
    lines = exports.csv_lines(Filters.read(rf.get("/").GET))

    with django_assert_num_queries(0):
        assert next(lines).startswith("\ufeffsession,")
    with django_assert_num_queries(3):
        assert "ONE" in next(lines)


def test_it_is_a_file_that_names_the_day(officer_client: Client) -> None:
    answer = officer_client.get("/rejected/export/")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="rejected-sessions-20')
    assert "no-store" in answer["Cache-Control"]


def test_it_is_for_people_who_may_export(
    client: Client, officer: User, officer_client: Client, outsider_client: Client
) -> None:
    assert client.get("/rejected/export/").status_code == 302
    assert outsider_client.get("/rejected/export/").status_code == 403
    assert officer_client.post("/rejected/export/").status_code == 405
    officer.groups.get().permissions.get(codename="export_session").group_set.clear()
    assert officer_client.get("/rejected/export/").status_code == 403
    assert "Export CSV" not in officer_client.get("/rejected/").content.decode()
    assert not LedgerEntry.objects.filter(action="history.exported").exists()
