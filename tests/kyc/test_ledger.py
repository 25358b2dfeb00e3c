"""The append-only record: what is done is in it, and triggers refuse to change it. `test_ledger_tampering` goes past them."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from kyc import ledger, sealing
from kyc.models import LedgerEntry, LedgerHead, User
from tests import wire
from tests.kyc.forging import breaks, past_the_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(officer: User) -> str:
    name = ledger.person_chain(officer)
    for n in range(1, 5):
        ledger.append(name, "session.read", actor=officer, session=f"s{n}")
    ledger.append(ledger.SYSTEM, "desk.started")
    return name


def test_a_chain_that_was_only_appended_to_holds(chain: str) -> None:
    assert breaks() == []
    assert LedgerHead.objects.get(pk=chain).seq == 4
    out = io.StringIO()
    call_command("verify_ledger", stdout=out)
    assert "5 entries in 2 chains, 0 seals." in out.getvalue() and "All sound." in out.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        *(
            "UPDATE kyc_ledgerentry SET action = 'x'",
            "DELETE FROM kyc_ledgerentry",
            "DELETE FROM kyc_ledgerhead",
        ),
        *("UPDATE kyc_seal SET hash = 'x'", "DELETE FROM kyc_seal"),
        *("UPDATE kyc_sealedhead SET hash = 'x'", "DELETE FROM kyc_sealedhead"),
        *(f"TRUNCATE kyc_{table} CASCADE" for table in ("ledgerentry", "ledgerhead", "seal", "sealedhead")),
    ],
)
def test_the_database_refuses_to_change_the_record(chain: str, statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE.")
    sealing.seal()
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


def test_the_command_fails_and_names_the_first_broken_entry(chain: str) -> None:
    out = io.StringIO()
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE kyc_ledgerentry SET action = 'x' WHERE chain = %s AND seq >= 2", [chain])
        with pytest.raises(CommandError, match="1 breaks"):
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
