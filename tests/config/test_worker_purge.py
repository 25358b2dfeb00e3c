"""A day's purge that could not overwrite everything goes on with the rest, and the worker's exit status says so."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from kyc.choices import DataKind
from kyc.models import Delivery, LedgerEntry
from tests.kyc.privacy import lives
from tests.kyc.privacy.test_purge_goes_on import two_of_which_one_fails
from tests.kyc.privacy.test_retention import keep

pytestmark = pytest.mark.django_db(transaction=True)


def test_once_ends_with_an_error_and_has_purged_all_else(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    first, second = two_of_which_one_fails(monkeypatch)
    with caplog.at_level(logging.ERROR), pytest.raises(CommandError, match="the log says why"):
        call_command("worker", "--once")

    assert not Delivery.objects.filter(session=second, erased_at=None).exists()
    assert Delivery.objects.filter(session=first, erased_at=None).exists()
    done = json.loads(LedgerEntry.objects.get(action="retention.purged").detail)
    assert (done["failed"], done["contacts"]) == (1, 2)
    assert "rows that could not be overwritten: 1." in caplog.text and lives.MARK not in caplog.text


def test_what_is_whole_ends_well(settings: Any) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    lives.rejected()
    call_command("worker", "--once")
    assert lives.found() == set()
