"""Several acts appended at once stand in their chains as if each had come by itself."""

from __future__ import annotations

import json
import threading
from typing import Any

from django.db import connection, transaction

from kyc import ledger
from kyc.ledger import Act
from kyc.models import LedgerEntry


def acts(chain: str) -> list[tuple[int, str]]:
    entries = LedgerEntry.objects.filter(chain=chain).order_by("seq")
    return [(entry.seq, entry.action) for entry in entries]


def test_each_chain_goes_on_in_the_order_of_its_acts(db: None) -> None:
    ledger.append("session:a", "first")
    ledger.append_all(
        [Act("session:a", "second", {}), Act("session:b", "begun", {"n": 1}), Act("session:a", "third", {})]
    )
    ledger.append("session:a", "fourth")

    assert acts("session:a") == [(1, "first"), (2, "second"), (3, "third"), (4, "fourth")]
    assert acts("session:b") == [(1, "begun")]
    assert json.loads(LedgerEntry.objects.get(chain="session:b").detail) == {"n": 1}
    assert not list(ledger.verify())


def test_a_chain_that_does_not_exist_yet_takes_several(db: None) -> None:
    ledger.append_all([Act("session:a", "first", {}), Act("session:a", "second", {})])

    assert acts("session:a") == [(1, "first"), (2, "second")]
    assert not list(ledger.verify())


def test_the_number_of_statements_does_not_grow_with_the_acts(db: None, queries: Any) -> None:
    for n in range(20):
        ledger.append(f"session:{n}", "first")

    with queries(4):
        ledger.append_all([Act(f"session:{n % 20}", "next", {}) for n in range(40)])
    with queries(0):
        ledger.append_all([])


def test_groups_that_are_appended_at_once_break_no_chain(transactional_db: None) -> None:
    chains = [f"session:{n}" for n in range(6)]

    def append(in_order: list[str]) -> None:
        for _ in range(5):
            with transaction.atomic():
                ledger.append_all([Act(chain, "next", {}) for chain in in_order])
        connection.close()

    with transaction.atomic():
        ledger.append_all([Act(chain, "first", {}) for chain in chains])
    threads = [threading.Thread(target=append, args=(order,)) for order in (chains, chains[::-1], chains)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert LedgerEntry.objects.count() == 6 * 16
    assert not list(ledger.verify())
