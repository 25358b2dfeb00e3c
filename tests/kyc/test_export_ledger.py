"""`export_ledger` as it is run: outside any transaction, and with what it was asked for wrongly."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from kyc import ledger
from kyc.models import LedgerEntry


@pytest.mark.django_db(transaction=True)
def test_it_writes_the_bundle_and_the_ledger_has_it_before(tmp_path: Path) -> None:
    call_command("export_ledger", str(tmp_path / "ledger.zip"), stdout=io.StringIO())
    assert (tmp_path / "ledger.zip").stat().st_size > 1000
    entry = LedgerEntry.objects.get(action="ledger.exported")
    assert entry.detail == '{"by":"command","chains":null}'


@pytest.mark.django_db
def test_a_chain_that_there_is_not_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ledger.zip"
    ledger.append(ledger.SYSTEM, "x")
    with pytest.raises(CommandError, match="There is no chain person:4711"):
        call_command("export_ledger", str(file), chain=["system", "person:4711"])
    assert not file.exists()


@pytest.mark.django_db
def test_what_can_not_be_written_was_not_exported(tmp_path: Path) -> None:
    file = tmp_path / "ledger.zip"
    file.touch()
    ledger.append(ledger.SYSTEM, "x")
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_ledger", str(file))
    assert not LedgerEntry.objects.filter(action="ledger.exported").exists()
