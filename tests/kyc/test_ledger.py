"""The append-only record: triggers refuse, and tampering past them shows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from kyc import ledger
from kyc.models import LedgerEntry, LedgerHead, User
from tests import wire

pytestmark = pytest.mark.django_db


@contextmanager
def past_the_triggers() -> Iterator[Any]:
    """Do what only someone with the keys to the database could."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield cursor
            cursor.execute("SET session_replication_role = DEFAULT")
        else:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            yield cursor
            for _, sql in triggers:
                cursor.execute(sql)


@pytest.fixture
def chain(officer: User) -> str:
    name = ledger.person_chain(officer)
    for n in range(1, 5):
        ledger.append(name, "session.read", actor=officer, session=f"s{n}")
    ledger.append(ledger.SYSTEM, "desk.started")
    return name


def breaks() -> list[str]:
    return [str(fault) for fault in ledger.verify()]


def test_a_chain_that_was_only_appended_to_holds(chain: str) -> None:
    assert breaks() == []
    assert LedgerHead.objects.get(pk=chain).seq == 4
    out = io.StringIO()
    call_command("verify_ledger", stdout=out)
    assert "all sound" in out.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kyc_ledgerentry SET action = 'x'",
        "DELETE FROM kyc_ledgerentry",
        "TRUNCATE kyc_ledgerentry CASCADE",
    ],
)
def test_the_database_refuses_to_change_an_entry(chain: str, statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE.")
    connection.check_constraints()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert LedgerEntry.objects.filter(chain=chain).count() == 4


def test_an_entry_is_never_deleted(chain: str) -> None:
    with pytest.raises(TypeError):
        LedgerEntry.objects.filter(chain=chain).first().delete()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "change",
    [
        "action = 'x'",
        "detail = '{}'",
        "at = '2020-01-01 00:00:00'",
        "actor_id = NULL",
        "hash = '" + "1" * 64 + "'",
        "previous_hash = '" + "1" * 64 + "'",
    ],
)
def test_a_changed_entry_is_named(chain: str, change: str) -> None:
    with past_the_triggers() as cursor:
        cursor.execute(f"UPDATE kyc_ledgerentry SET {change} WHERE chain = %s AND seq = 2", [chain])
    (found,) = breaks()
    assert found.startswith(f"{chain} entry 2: ")


def test_an_entry_that_was_rewritten_with_its_hash_is_found_by_the_next(chain: str) -> None:
    forged = LedgerEntry.objects.get(chain=chain, seq=2)
    forged.action = "x"
    with past_the_triggers() as cursor:
        cursor.execute(
            "UPDATE kyc_ledgerentry SET action = 'x', hash = %s WHERE id = %s",
            [ledger.entry_hash(forged), forged.pk],
        )
    assert breaks() == [f"{chain} entry 3: it does not follow from the entry before it"]


@pytest.mark.parametrize(("gone", "named"), [(1, 2), (2, 3), (4, 4)])
def test_a_missing_entry_is_named(chain: str, gone: int, named: int) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM kyc_ledgerentry WHERE chain = %s AND seq = %s", [chain, gone])
    (found,) = breaks()
    assert found.startswith(f"{chain} entry {named}: ")


def test_two_swapped_entries_are_named(chain: str) -> None:
    with past_the_triggers() as cursor:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            cursor.execute(
                "UPDATE kyc_ledgerentry SET seq = %s WHERE chain = %s AND seq = %s", [new, chain, old]
            )
    (found,) = breaks()
    assert found.startswith(f"{chain} entry 2: ")


def test_a_chain_without_its_head_or_its_entries_is_named(chain: str) -> None:
    LedgerHead.objects.filter(pk=chain).delete()
    assert breaks() == [f"{chain} entry 4: the chain has no head"]
    LedgerHead.objects.create(chain="person:999", seq=3, hash="1" * 64)
    assert breaks()[1].startswith("person:999 entry 1: ")


def test_a_head_that_was_changed_is_named(chain: str) -> None:
    LedgerHead.objects.filter(pk=chain).update(hash="1" * 64)
    assert breaks() == [f"{chain} entry 4: the head does not agree with it"]


def test_the_command_fails_and_names_the_first_broken_entry(chain: str) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET action = 'x' WHERE chain = %s AND seq >= 2", [chain])
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 chains"):
        call_command("verify_ledger", stdout=out)
    assert out.getvalue().startswith(f"{chain} entry 2: ")


def test_every_delivery_is_in_the_ledger_once() -> None:
    for name in wire.names():
        event = wire.payload(name)
        wire.post(event)
        wire.post(event)
    actions = list(
        LedgerEntry.objects.filter(action__startswith="delivery.").values_list("action", flat=True)
    )
    assert len(actions) == len(wire.names())
    assert breaks() == []


def test_entries_hold_no_personal_data() -> None:
    wire.post(wire.payload("related_party.kyc_session_created"))
    entry = LedgerEntry.objects.get(action="delivery.applied")
    assert not any(word in entry.detail for word in ("John", "Doe", "example.com", "Madrid"))
