"""Chains and seals too long for a page, and entries that were made to hold what the ledger never writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kyc import ledger, sealing
from kyc.desk import ledger_proof, ledger_seals
from kyc.models import LedgerEntry, LedgerHead
from tests.kyc.desk.arrivals import arrive, page
from tests.kyc.forging import past_the_triggers

pytestmark = pytest.mark.django_db

DETAILS = ["[" * 100_000, '{"a":' * 5000, "1" * 5000, "no JSON", "[]", '"x"', '{"session":']


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two entries, or two chains under a seal, be too many."""
    for module in (ledger_proof, ledger_seals):
        monkeypatch.setattr(module, "MOST_VERIFIED", 1)
    for name in ("a", "b"):
        ledger.append(ledger.SYSTEM, name)
        ledger.append(f"session:{name}", "x")


def verdict() -> str:
    return LedgerEntry.objects.filter(action__endswith=".verified").latest("pk").detail


def test_a_chain_that_is_too_long_is_left_to_the_command(long: None, auditor_client: Client) -> None:
    said = auditor_client.post("/ledger/verify/", {"chain": ledger.SYSTEM}).text
    assert "The chain is too long for this page" in said and "it has more than 1 entries" in said
    assert '"holds":null' in verdict()


def test_a_seal_over_too_many_chains_is_left_to_the_command(long: None, auditor_client: Client) -> None:
    seal = sealing.seal()
    assert seal is not None
    said = auditor_client.post(f"/ledger/seals/{seal.number}/verify/").text
    assert "it names more than 1 chains" in said and "Its digest is" not in said
    assert '"holds":null' in verdict()


@pytest.mark.parametrize("address", ["/ledger/verify/", "/ledger/seals/1/verify/"])
def test_verifying_counts_as_a_search(settings: Any, auditor_client: Client, address: str) -> None:
    settings.KYC_SEARCHES_PER_MINUTE = 1
    sealing.seal()
    answers = [auditor_client.post(address, {"chain": ledger.SYSTEM}).status_code for _ in range(2)]
    assert answers == [200, 429]


@pytest.mark.parametrize("detail", DETAILS, ids=lambda text: text[:9])
def test_no_detail_hides_the_ledger_from_its_readers(auditor_client: Client, detail: str) -> None:
    entry = ledger.append(ledger.SYSTEM, "x")
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET detail = %s WHERE id = %s", [detail, entry.pk])
        for address in ("/ledger/", f"/ledger/{entry.pk}/"):
            assert auditor_client.get(address).status_code == 200
        assert "The chain is broken" in auditor_client.post("/ledger/verify/", {"chain": "system"}).text


@pytest.mark.parametrize("action", ["delivery.applied", "session.read"])
@pytest.mark.parametrize("detail", ['no JSON "session":"{}"', '["session":"{}"', '[{{"session":"{}"}}]'])
def test_no_detail_hides_a_session_or_its_record(supervisor_client: Client, action: str, detail: str) -> None:
    session = arrive("REVIEW")
    page(supervisor_client, session)
    with past_the_triggers() as cursor:
        changed = [detail.format(session.pk), action]
        cursor.execute("UPDATE kyc_ledgerentry SET detail = %s WHERE action = %s", changed)
        for name in ("", "record/"):
            assert supervisor_client.get(f"/sessions/{session.pk}/{name}").status_code == 200
        delivery = session.deliveries.get()
        assert supervisor_client.get(f"/deliveries/{delivery.pk}/").status_code == 200


def test_a_record_prints_the_newest_of_what_is_too_much_and_says_so(
    supervisor_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_EVENTS", "MOST_ENTRIES", "MOST_READS"):
        monkeypatch.setattr(f"kyc.desk.record_reading.{name}", 1)
    session = arrive("REVIEW", hours=3)
    arrive("REVIEW", hours=1, session_id=session.pk, user_id=session.user_id)
    page(supervisor_client, session)
    answer = supervisor_client.get(f"/sessions/{session.pk}/record/")
    whole = answer.context["whole"]
    last = LedgerHead.objects.get(pk=ledger.session_chain(session.pk))
    assert [link.entry.hash for link in whole.chain] == [last.hash]
    assert (len(whole.reads), whole.reads[0].entry.action) == (1, "session.printed")
    assert [shown.row.pk for shown in whole.deliveries] == [session.deliveries.latest("pk").pk]
    assert answer.text.count("There are more than these, the newest 1.") == 3
    assert "too long to be verified here" in answer.text and not whole.holds
