"""The measure of the ledger's cost leaves out the ledger, and nothing else."""

from __future__ import annotations

from kyc import fastpath
from tests.bench.ingest.ledger import statement_without


def test_only_what_the_ledger_needs_is_left_out() -> None:
    whole, rest = set(fastpath._STORE.names), set(statement_without().names)

    assert whole - rest == {
        "chain", "at", "action", "detail", "request_id", "address", "previous_hash", "words",
    }  # fmt: skip
