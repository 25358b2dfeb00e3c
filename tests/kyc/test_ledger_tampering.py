"""Whatever is changed by SQL, with or without the hashes made to fit, is found: here and by who has only the bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kyc import ledger
from kyc.ledger import SYSTEM
from kyc.models import LedgerEntry, LedgerHead, Seal, SealedHead, User
from tests.kyc import forging
from tests.kyc.forging import MIDDLE, NEW, SEALED, A, B, breaks, outsiders, past_the_triggers, rehash, reseal

pytestmark = pytest.mark.django_db
ONES = "1" * 64

# Column -> what it is changed to.
OF_ENTRIES = {
    # In its chain it still comes after the one before, and before the one after.
    "id": "id + 1",
    "chain": "'session:33333333-3333-4333-8333-333333333333'",
    "seq": "seq + 1000",
    "at": "'2020-01-01 00:00:00'",
    "actor_id": "NULL",
    "action": "'session.claimed'",
    "detail": "'{}'",
    "request_id": "'fedcba9876543210'",
    "address": "'198.51.100.7'",
    "previous_hash": f"'{ONES}'",
    "hash": f"'{ONES}'",
}
OF_HEADS = {"chain": "'session:33333333-3333-4333-8333-333333333333'", "seq": "seq - 1", "hash": f"'{ONES}'"}
OF_SEALS = {
    "number": "7",
    "day": "'2020-01-01'",
    "at": "'2020-01-01 00:00:00'",
    "n_chains": "n_chains + 1",
    "n_entries": "n_entries + 1",
    "heads_digest": f"'{ONES}'",
    "previous_hash": f"'{ONES}'",
    "hash": f"'{ONES}'",
}
OF_SEALED_HEADS = {
    "seal_id": "1",
    "chain": "'session:33333333-3333-4333-8333-333333333333'",
    "seq": "seq + 10",
    "hash": f"'{ONES}'",
    "id": "id + 1000",
}


@pytest.fixture(autouse=True)
def grown(officer: User) -> None:
    forging.grow(officer)


@pytest.fixture
def found(tmp_path: Path) -> Callable[[], list[str]]:
    """Return what is found here, which is also what an outsider finds."""

    def found() -> list[str]:
        here = breaks()
        code, said = outsiders(tmp_path)
        assert (code, said[: len(here)]) == (1, here) and said[-1] == f"{len(here)} breaks."
        return here

    return found


def change(cursor: Any, table: str, column: str, value: str, where: str) -> None:
    cursor.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")
    assert cursor.rowcount == 1


def test_the_columns_are_all_there() -> None:
    told = (LedgerEntry, OF_ENTRIES), (LedgerHead, OF_HEADS), (Seal, OF_SEALS), (SealedHead, OF_SEALED_HEADS)
    for model, columns in told:
        assert {field.column for field in model._meta.fields} == columns.keys()


@pytest.mark.parametrize("column", OF_ENTRIES)
@pytest.mark.parametrize("seq", [1, MIDDLE, SEALED])
def test_a_changed_entry_is_named(found: Any, column: str, seq: int) -> None:
    with past_the_triggers() as cursor:
        change(cursor, "kyc_ledgerentry", column, OF_ENTRIES[column], f"chain = '{A}' AND seq = {seq}")
        first = found()[0]

    # What is gone, or has taken another place, is missed by what comes after it.
    near = {f"{A} entry {n}" for n in (seq, seq + 1)}
    assert first.partition(": ")[0] in near


@pytest.mark.parametrize(
    "column", sorted(OF_ENTRIES.keys() - {"id", "hash", "previous_hash", "chain", "seq"})
)
def test_an_entry_that_was_rewritten_with_all_hashes_after_it_is_not_what_the_seal_says(
    found: Any, column: str
) -> None:
    with past_the_triggers() as cursor:
        change(cursor, "kyc_ledgerentry", column, OF_ENTRIES[column], f"chain = '{A}' AND seq = {MIDDLE}")
        rehash(cursor, A)

        assert found() == [f"{A} entry 3: it is not what seal 1 says"]


@pytest.mark.parametrize("seq", [1, MIDDLE, 3])
@pytest.mark.parametrize("fits", [False, True])
def test_a_missing_entry_is_missed(found: Any, seq: int, fits: bool) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s AND seq = %s", [A, seq])
        if fits:
            rehash(cursor, A)
        (first,) = found()

    assert first == (
        f"{A} entry 3: it is not what seal 1 says" if fits else f"{A} entry {seq + 1}: entry {seq} is missing"
    )


def test_an_end_that_was_cut_off_is_missed_though_the_head_was_moved_back(found: Any) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s AND seq >= %s", [A, SEALED])
        assert found() == [f"{A} entry {SEALED}: seal 2 names it, and it is not there"]
        rehash(cursor, A)
        assert found() == [f"{A} entry {SEALED}: seal 2 names it, and it is not there"]


def test_two_swapped_entries_are_named(found: Any) -> None:
    with past_the_triggers() as cursor:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            change(cursor, "kyc_ledgerentry", "seq", str(new), f"chain = '{A}' AND seq = {old}")
        assert found() == [f"{A} entry 2: it does not follow from the entry before it"]
        # With hashes made to fit their ids still say in which order they were written.
        rehash(cursor, A)
        assert found() == [f"{A} entry 3: its id says that it was written before the entry before it"]


def test_a_chain_that_is_gone_is_missed(found: Any) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s", [B])
        assert found() == [f"{B} entry 1: seal 1 names it, and the whole chain is gone"]
        cursor.execute("DELETE FROM kyc_ledgerhead WHERE chain = %s", [B])
        assert found() == [f"{B} entry 1: seal 1 names it, and the whole chain is gone"]


def test_a_chain_under_another_name_is_missed_under_its_own(found: Any) -> None:
    with past_the_triggers() as cursor:
        other = OF_ENTRIES["chain"].strip("'")
        for table in ("kyc_ledgerentry", "kyc_ledgerhead"):
            change(cursor, table, "chain", f"'{other}'", f"chain = '{B}'")
        rehash(cursor, other)

        assert found() == [f"{B} entry 1: seal 1 names it, and the whole chain is gone"]


@pytest.mark.parametrize("column", OF_HEADS)
def test_a_changed_head_is_named(found: Any, column: str) -> None:
    with past_the_triggers() as cursor:
        change(cursor, "kyc_ledgerhead", column, OF_HEADS[column], f"chain = '{A}'")
        first = found()[0]

    assert first.startswith(f"{A} entry {NEW}: the ")


def test_a_head_that_is_gone_or_has_no_chain_is_named(found: Any) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerhead WHERE chain = %s", [A])
        cursor.execute("INSERT INTO kyc_ledgerhead (chain, seq, hash) VALUES ('person:999', 3, %s)", [ONES])

        assert found() == [
            "person:999 entry 1: the head says that entries exist, and none does",
            f"{A} entry {NEW}: the chain has no head",
        ]


@pytest.mark.parametrize("column", OF_SEALS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_seal_is_named(found: Any, column: str, number: int) -> None:
    with past_the_triggers() as cursor:
        change(cursor, "kyc_seal", column, OF_SEALS[column], f"number = {number}")

        assert f"seal {number}" in [fault.partition(":")[0] for fault in found()]


@pytest.mark.parametrize("column", ["day", "at", "n_chains", "n_entries"])
def test_a_seal_that_was_rewritten_with_its_hash_is_not_what_the_ledger_tells_of(
    found: Any, column: str
) -> None:
    with past_the_triggers() as cursor:
        change(cursor, "kyc_seal", column, OF_SEALS[column], "number = 3")
        digest = forging.sealing.seal_hash(Seal.objects.get(number=3))
        change(cursor, "kyc_seal", "hash", f"'{digest}'", "number = 3")

        assert found() == [
            "seal 3: its heads are not those that were sealed"
            if column.startswith("n_")
            else "seal 3: the ledger does not tell of it"
        ]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "seal 1: it is missing; the next one is seal 2"),
        (2, "seal 2: it is missing; the next one is seal 3"),
        (3, "seal 3: the ledger says that it was made, and it is not there"),
    ],
)
@pytest.mark.parametrize("with_heads", [False, True])
def test_a_seal_that_is_gone_is_missed(found: Any, number: int, said: str, with_heads: bool) -> None:
    with past_the_triggers() as cursor:
        if with_heads:
            cursor.execute("DELETE FROM kyc_sealedhead WHERE seal_id = %s", [number])
        cursor.execute("DELETE FROM kyc_seal WHERE number = %s", [number])

        assert said in found()


@pytest.mark.parametrize("column", OF_SEALED_HEADS)
def test_a_changed_head_of_a_seal_is_named(found: Any, column: str) -> None:
    with past_the_triggers() as cursor:
        where = f"seal_id = 2 AND chain = '{A}'"
        change(cursor, "kyc_sealedhead", column, OF_SEALED_HEADS[column], where)

        assert "seal 2: its heads are not those that were sealed" in found()


def test_a_head_that_was_taken_from_a_seal_or_put_under_it_is_named(found: Any) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_sealedhead WHERE seal_id = 2 AND chain = %s", [A])
        cursor.execute(
            "INSERT INTO kyc_sealedhead (seal_id, chain, seq, hash)"
            " SELECT 3, chain, seq, hash FROM kyc_ledgerentry WHERE chain = %s AND seq = %s",
            [A, NEW],
        )

        assert found() == [f"seal {number}: its heads are not those that were sealed" for number in (2, 3)]


def older(cursor: Any) -> None:
    """Let all of it be as it was written before hashes covered ids."""
    chains = LedgerEntry.objects.values_list("chain", flat=True).order_by("chain").distinct()
    for chain in list(chains):
        rehash(cursor, chain, forging.older_entry_hash)
    reseal(cursor, forging.older_entry_hash, forging.older_heads_digest)


def test_a_ledger_from_before_hashes_covered_ids_holds_and_goes_on(officer: User, tmp_path: Path) -> None:
    with past_the_triggers() as cursor:
        older(cursor)
        assert breaks() == []
        forging.grow(officer)

        assert breaks() == [] and ledger.verify_chain(A) is None
        assert outsiders(tmp_path)[0] == 0


@pytest.mark.parametrize("column", sorted(OF_ENTRIES.keys() - {"id"}))
def test_a_changed_entry_from_before_is_named(found: Any, column: str) -> None:
    with past_the_triggers() as cursor:
        older(cursor)
        change(cursor, "kyc_ledgerentry", column, OF_ENTRIES[column], f"chain = '{A}' AND seq = {MIDDLE}")

        assert found()[0].partition(": ")[0] in {f"{A} entry {n}" for n in (MIDDLE, MIDDLE + 1)}


@pytest.mark.parametrize("column", sorted(OF_SEALED_HEADS.keys() - {"id"}))
def test_a_changed_head_of_a_seal_from_before_is_named(found: Any, column: str) -> None:
    with past_the_triggers() as cursor:
        older(cursor)
        change(cursor, "kyc_sealedhead", column, OF_SEALED_HEADS[column], f"seal_id = 2 AND chain = '{A}'")

        assert "seal 2: its heads are not those that were sealed" in found()


def test_who_rewrites_all_of_it_is_found_by_what_was_mailed_and_by_nothing_else(tmp_path: Path) -> None:
    """This is what no ledger can show before its seals have left the house."""
    mailed = Seal.objects.get(number=2).hash
    with past_the_triggers() as cursor:
        change(cursor, "kyc_ledgerentry", "action", "'x'", f"chain = '{A}' AND seq = {MIDDLE}")
        rehash(cursor, A)
        reseal(cursor)

        assert breaks() == []
        assert breaks(seal_2=mailed) == ["seal 2: it is not the one that was mailed"]
        code, said = outsiders(tmp_path, "--seal", f"2={mailed}")
        assert (code, said[0]) == (1, "seal 2: it is not the one that was mailed")


def test_seals_that_are_gone_with_what_tells_of_them_are_missed_by_what_was_mailed() -> None:
    mailed = Seal.objects.get(number=3).hash
    with past_the_triggers() as cursor:
        told = LedgerEntry.objects.filter(chain=SYSTEM, action="ledger.sealed").order_by("-seq")[0]
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s AND seq >= %s", [SYSTEM, told.seq])
        cursor.execute("DELETE FROM kyc_sealedhead WHERE seal_id = 3")
        cursor.execute("DELETE FROM kyc_seal WHERE number = 3")
        rehash(cursor, SYSTEM)

        assert breaks() == []
        assert breaks(seal_3=mailed) == ["seal 3: it was mailed, and it is not there"]
