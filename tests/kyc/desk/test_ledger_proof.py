"""One entry, one chain and one seal of the ledger: what each says, and whether it holds; and the export for outsiders."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
from django.test import Client

from kyc import ledger, sealing
from kyc.models import LedgerEntry, Seal, User
from tests.conftest import signed_in
from tests.kyc.desk.arrivals import arrive
from tests.kyc.forging import past_the_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(officer: User) -> str:
    """The chain of a session that an officer has read."""
    session = arrive("REVIEW")
    signed_in(officer).get(f"/sessions/{session.pk}/")
    return ledger.session_chain(session.pk)


@pytest.fixture
def seal(chain: str) -> Seal:
    made = sealing.seal()
    assert made is not None
    return made


def first_of(chain: str) -> LedgerEntry:
    return LedgerEntry.objects.get(chain=chain, seq=1)


def verified(client: Client, chain: str) -> str:
    answer = client.post("/ledger/verify/", {"chain": chain})
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_entry_shows_its_detail_its_hashes_and_its_seal(auditor_client: Client, chain: str) -> None:
    entry = first_of(chain)
    address = f"/ledger/{entry.pk}/"
    assert "not sealed yet" in auditor_client.get(address).content.decode()
    sealing.seal()
    for page in (auditor_client.get(address), auditor_client.get(address, headers={"HX-Request": "true"})):
        html = page.content.decode()
        for part in (entry.hash, entry.previous_hash, "Covers this entry", "seal 1", "delivery.applied"):
            assert part in html
        assert f'href="/sessions/{chain.partition(":")[2]}/"' in html


def test_an_altered_entry_says_so(auditor_client: Client, chain: str) -> None:
    entry = first_of(chain)
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET detail = 'no JSON' WHERE id = %s", [entry.pk])
        html = auditor_client.get(f"/ledger/{entry.pk}/").content.decode()
        assert "Does not cover this entry: it was altered" in html
        assert auditor_client.get(f"/ledger/?q={chain}").status_code == 200


def test_an_entry_that_names_what_is_no_row_still_shows(auditor_client: Client) -> None:
    entry = ledger.append(ledger.SYSTEM, "x", session="no id", delivery=-1, notification=None)
    assert auditor_client.get(f"/ledger/{entry.pk}/").status_code == 200


def test_a_chain_is_verified_when_asked_and_that_is_recorded(
    auditor_client: Client, chain: str, auditor: User
) -> None:
    assert "No seal covers it yet" in verified(auditor_client, chain)
    sealing.seal()
    assert "Nothing that was sealed is missing or altered." in verified(auditor_client, chain)
    entry = LedgerEntry.objects.filter(chain=ledger.person_chain(auditor)).latest("pk")
    assert entry.action == "ledger.verified"
    assert chain in entry.detail


def test_a_broken_chain_is_told_where_it_breaks(auditor_client: Client, seal: Seal, chain: str) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s", [chain])
        cursor.execute("DELETE FROM kyc_ledgerhead WHERE chain = %s", [chain])
        html = verified(auditor_client, chain)
        assert "The chain is broken" in html
        assert "Seal 1 names it, and the whole chain is gone." in html


def test_a_chain_that_never_was_is_not_found(auditor_client: Client) -> None:
    for name in ("", "session:" + str(uuid4()), "x" * 65, "a\x00b"):
        assert auditor_client.post("/ledger/verify/", {"chain": name}).status_code == 404


def test_seals_are_listed_with_their_state(auditor_client: Client, seal: Seal) -> None:
    ledger.append(ledger.SYSTEM, "code.changed")
    sealing.seal()
    assert [shown.holds for shown in auditor_client.get("/ledger/seals/").context["rows"]] == [True, True]
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_seal SET n_entries = n_entries + 1 WHERE number = 2")
        assert "Altered" in auditor_client.get("/ledger/seals/").content.decode()
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_sealedhead WHERE seal_id = 1")
        cursor.execute("DELETE FROM kyc_seal WHERE number = 1")
        assert "The seal before is another, or gone" in auditor_client.get("/ledger/seals/").content.decode()


def test_a_seal_is_compared_with_the_one_that_was_mailed(auditor_client: Client, seal: Seal) -> None:
    address = f"/ledger/seals/{seal.number}/?hash="
    assert "It is the same" in auditor_client.get(f"{address}%20{seal.hash.upper()}").content.decode()
    assert "It is another" in auditor_client.get(f"{address}ñ{seal.hash[1:]}").content.decode()


def test_what_a_seal_names_is_hashed_again_when_asked(auditor_client: Client, seal: Seal) -> None:
    address = f"/ledger/seals/{seal.number}/verify/"
    assert "Its digest is that of the heads" in auditor_client.post(address).content.decode()
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_sealedhead SET seq = seq + 1 WHERE seal_id = %s", [seal.number])
        assert "Its digest is not that of the heads" in auditor_client.post(address).content.decode()


def test_the_export_can_be_checked_alone_and_is_recorded(
    auditor_client: Client, auditor: User, chain: str
) -> None:
    assert "verify.py" in auditor_client.get("/ledger/export/").content.decode()
    answer = auditor_client.get("/ledger/export/bundle/")
    assert answer["Content-Type"] == "application/zip"
    bundle = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert {"entries.jsonl", "verify.py", "README.txt"} <= set(bundle.namelist())
    assert b"ledger.exported" in bundle.read("entries.jsonl")
    assert LedgerEntry.objects.filter(chain=ledger.person_chain(auditor), action="ledger.exported").exists()


def test_one_chain_can_be_exported(auditor_client: Client, chain: str) -> None:
    assert chain in auditor_client.get(f"/ledger/export/?chain={chain}").content.decode()
    answer = auditor_client.get(f"/ledger/export/bundle/?chain={chain}")
    lines = zipfile.ZipFile(io.BytesIO(answer.getvalue())).read("entries.jsonl").decode().splitlines()
    assert len(lines) == LedgerEntry.objects.filter(chain=chain).count()
    assert auditor_client.get("/ledger/export/bundle/?chain=none").status_code == 404


def test_the_export_asks_again_who_is_there(stale_client: Callable[[User], Client], auditor: User) -> None:
    assert stale_client(auditor).get("/ledger/export/bundle/").status_code == 302


@pytest.mark.parametrize(
    ("address", "n"), [("/ledger/{entry}/", 5), ("/ledger/seals/", 6), ("/ledger/seals/1/", 6)]
)
def test_the_pages_cost_few_queries(
    auditor_client: Client,
    seal: Seal,
    chain: str,
    address: str,
    n: int,
    queries: Callable[[int], AbstractContextManager[None]],
) -> None:
    page = address.format(entry=first_of(chain).pk)
    with queries(n):
        auditor_client.get(page)
