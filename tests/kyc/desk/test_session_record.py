"""A session's record: its whole file on one page and as PDF, and the ledger's proof of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import Mock

import pytest
from django.db import connection
from django.test import Client

from kyc import ledger, sealing
from kyc.desk import pdf, session_record
from kyc.models import LedgerEntry, Session, User
from tests.conftest import signed_in
from tests.factories import (
    AttemptFactory,
    ContactFactory,
    CorrectionFactory,
    NoteFactory,
    NotificationFactory,
    UserFactory,
)
from tests.kyc.desk.arrivals import again, arrive, newest_delivery, page, refused
from tests.kyc.forging import past_the_triggers
from tests.kyc.review.acting import rejected

pytestmark = pytest.mark.django_db

PERSONAL = "Marker-Person-4711"


@pytest.fixture
def session(officer: User) -> Session:
    """A session with something of everything, which an officer has read."""
    row = arrive(
        "REVIEW", hours=5, checks=[{**refused("LOW_CONFIDENCE", "First look."), "data": {"name": PERSONAL}}]
    )
    again(row, "REVIEW", hours=2, checks=[{**refused("SECOND"), "data": {"name": PERSONAL}}])
    row.refresh_from_db()
    ContactFactory(subject_id=row.user_id, name=PERSONAL, email="marker@example.com")
    NoteFactory(session=row, text="The scan is sharp enough.")
    CorrectionFactory(session=row, reason="Typed wrongly.")
    AttemptFactory(notification=NotificationFactory(session=row), answer="250 taken")
    page(signed_in(officer), row)
    decision = rejected(row, UserFactory(username="maker", role="officer"))
    assert decision.rationale
    return Session.objects.get(pk=row.pk)


def record(client: Client, session: Session) -> str:
    answer = client.get(f"/sessions/{session.pk}/record/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_has_every_part(supervisor_client: Client, session: Session) -> None:
    html = record(supervisor_client, session)
    decision, entries = (
        session.decisions.get(),
        LedgerEntry.objects.filter(chain=ledger.session_chain(session.pk)),
    )
    for part in (
        "First look.", "SECOND", "The scan is sharp enough.", "Typed wrongly.", "250 taken", decision.rationale,
        decision.maker.username, PERSONAL, "marker@example.com", "session.read",
        *(row.sha256 for row in session.deliveries.all()), *(row.hash for row in entries),
    ):  # fmt: skip
        assert part in html, part
    assert "The ledger’s chain of this session holds." in html


def test_who_read_it_is_told_with_this_reading(
    supervisor_client: Client, session: Session, officer: User
) -> None:
    record(supervisor_client, session)
    reads = supervisor_client.get(f"/sessions/{session.pk}/record/").context["whole"].reads
    told = [(read.entry.actor.username, read.entry.action) for read in reads]
    assert told == [
        ("officer", "session.read"),
        ("supervisor", "session.printed"),
        ("supervisor", "session.printed"),
    ]


def test_the_reads_of_its_parts_are_told_too_and_those_of_others_are_not(
    supervisor_client: Client, session: Session
) -> None:
    other = arrive("REVIEW")
    delivery, message = newest_delivery(session), session.notifications.first()
    for address in (
        f"queue/peek/{session.pk}/",
        f"deliveries/{delivery.pk}/",
        f"notifications/{message.pk}/",
    ):
        assert supervisor_client.get(f"/{address}").status_code == 200
    page(supervisor_client, other)
    reads = supervisor_client.get(f"/sessions/{session.pk}/record/").context["whole"].reads
    actions = [read.entry.action for read in reads]
    assert actions[1:] == ["session.previewed", "delivery.read", "notification.read", "session.printed"]


def test_a_reader_who_may_not_see_personal_data_gets_none(auditor_client: Client, session: Session) -> None:
    html = record(auditor_client, session)
    assert PERSONAL not in html
    assert "marker@example.com" not in html
    assert "Personal data is masked" in html


def test_it_names_the_seal_that_covers_it(supervisor_client: Client, session: Session) -> None:
    assert "no seal covers it yet" in record(supervisor_client, session)
    made = sealing.seal()
    assert made is not None
    n = LedgerEntry.objects.filter(chain=ledger.session_chain(session.pk)).count()
    html = record(supervisor_client, session)
    assert f"sealed up to entry {n} by seal {made.number}" in html


def test_a_chain_that_was_tampered_with_is_told(supervisor_client: Client, session: Session) -> None:
    chain = ledger.session_chain(session.pk)
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET action = 'none' WHERE chain = %s AND seq = 2", [chain])
        html = record(supervisor_client, session)
    assert "broken at entry 2" in html
    assert "Its content is not what was written." in html


def test_it_costs_at_most_ten_queries(
    supervisor_client: Client, session: Session, queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    record(supervisor_client, session)
    with queries(9 if connection.vendor == "sqlite" else 8):
        record(supervisor_client, session)


def test_the_button_is_for_those_who_may_print(
    supervisor_client: Client, officer_client: Client, session: Session
) -> None:
    address = f'href="/sessions/{session.pk}/record/"'
    assert address in page(supervisor_client, session)
    assert address not in page(officer_client, session)
    assert officer_client.get(f"/sessions/{session.pk}/record/").status_code == 403


def test_a_pdf_is_made_of_it_without_fetching_anything(
    supervisor_client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    NoteFactory(
        session=session, text='<img src="http://192.0.2.1/x"><link rel=stylesheet href=file:///etc/passwd>'
    )
    monkeypatch.setattr("socket.socket.connect", None)
    answer = supervisor_client.get(f"/sessions/{session.pk}/record.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="session-{session.pk}.pdf"'
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) > 5000


def test_no_address_is_fetched_for_a_pdf() -> None:
    _, fetcher = pdf._tools()
    for address in ("file:///etc/passwd", "http://192.0.2.1/", "data:text/plain,x", "ftp://192.0.2.1/"):
        with pytest.raises(ValueError, match="fetches nothing"):
            fetcher(address)


def test_no_word_is_so_long_that_laying_it_out_takes_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = Mock()
    monkeypatch.setattr(pdf, "_tools", lambda: (laid_out, None))
    pdf.write(f'<p class="{"c" * 200}">{"x" * 200} {"y" * 80} {"&lt;" * 81}</p>')
    broken = f"{'x' * 80}<wbr>{'x' * 80}<wbr>{'x' * 40} {'y' * 80} {'&lt;' * 80}<wbr>&lt;"
    assert laid_out.HTML.call_args.kwargs["string"] == f'<p class="{"c" * 200}">{broken}</p>'


def test_where_no_pdf_can_be_made_the_page_says_so(
    supervisor_client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    answer = supervisor_client.get(f"/sessions/{session.pk}/record.pdf")
    assert answer.status_code == 503
    assert "This machine cannot make a PDF." in answer.content.decode()
    assert "Print this page" in answer.content.decode()


def test_a_record_that_is_too_long_is_left_to_the_browser(
    supervisor_client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_record, "LONGEST_PAPER", 1000)
    answer = supervisor_client.get(f"/sessions/{session.pk}/record.pdf")
    assert "too long for a PDF made here" in answer.content.decode()


def test_the_pdf_asks_again_who_is_there(
    stale_client: Callable[[User], Client], supervisor: User, session: Session
) -> None:
    client = stale_client(supervisor)
    assert client.get(f"/sessions/{session.pk}/record/").status_code == 200
    assert client.get(f"/sessions/{session.pk}/record.pdf").status_code == 302
