"""`purge` says what it would do, does it when told to, and reports by kind."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from kyc.choices import DataKind
from kyc.management.commands import purge
from kyc.models import LedgerEntry
from tests.kyc.privacy import lives

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("purge", *args, stdout=out)
    return out.getvalue()


def keep(settings: Any, days: int) -> None:
    settings.KYC_RETENTION = dict.fromkeys(DataKind.values, timedelta(days=days))


def test_without_a_setting_there_is_nothing_to_purge() -> None:
    lives.rejected()
    assert "bodies    kept until erased (KYC_RETAIN_BODIES_DAYS is not set)" in run("--apply")
    assert run("--apply").endswith("Nothing is to be purged.\n")
    assert lives.found()


def test_it_is_a_dry_run_first(settings: Any) -> None:
    keep(settings, 1900)
    lives.rejected()
    said = run()
    assert "notes              5 rows to overwrite" in said
    assert said.endswith("Dry run, nothing was written: run it with --apply.\n")
    assert lives.found() and not LedgerEntry.objects.filter(action="retention.purged").exists()


def test_it_reports_by_kind_and_is_in_the_ledger(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "STEPS_BETWEEN_LINES", 1)
    keep(settings, 1900)
    lives.rejected()
    said = run("--apply")
    assert "1 looked at, " in said and "contacts           1 rows overwritten" in said
    assert lives.found() == set()
    assert '"contacts":1' in LedgerEntry.objects.get(action="retention.purged").detail


def test_it_takes_only_the_kinds_that_are_named(settings: Any) -> None:
    keep(settings, 1900)
    lives.rejected()
    run("--apply", "--kind", "notes")
    assert "kyc_note.text" not in lives.found()
    assert {"kyc_check.data", "kyc_contact.name"} <= lives.found()
