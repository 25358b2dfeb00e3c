"""A failed delivery is tried again, less and less often, up to a last time; none stands in another's way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from kyc import folding, ingestion, ledger, replaying
from kyc.ingestion import LAST_TRY, retry_failed
from kyc.models import Delivery
from tests import wire
from tests.kyc import mending

pytestmark = pytest.mark.django_db


def now_due() -> None:
    Delivery.objects.filter(status="failed", next_try_at__isnull=False).update(next_try_at=timezone.now())


def poisoned(monkeypatch: pytest.MonkeyPatch, poison: Delivery, error: BaseException) -> None:
    """Let one delivery raise what ingestion does not take upon itself."""

    def take_again(delivery: Delivery, reading: Any) -> None:
        if delivery.pk == poison.pk:
            raise error
        real(delivery, reading)

    real = ingestion._take_again
    monkeypatch.setattr(ingestion, "_take_again", take_again)


def test_the_waits_double_and_end_with_the_last_try(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.failed(monkeypatch)
    monkeypatch.setattr(folding, "write", mending.broken)
    waits = [delivery.next_try_at - timezone.now()]
    for n in range(2, LAST_TRY + 1):
        now_due()
        assert retry_failed() == 1
        row = Delivery.objects.get()
        assert row.n_tries == n
        waits.append(row.next_try_at and row.next_try_at - timezone.now())

    assert waits.pop() is None
    minutes = [round(wait / timedelta(minutes=1)) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert retry_failed() == 0
    assert (row.status, row.error[:13]) == ("failed", "ValueError at")


def test_a_replay_by_hand_starts_the_count_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.failed(monkeypatch)
    Delivery.objects.update(n_tries=LAST_TRY, next_try_at=None)
    with monkeypatch.context() as patch:
        patch.setattr(folding, "write", mending.broken)
        replaying.apply(delivery.pk, by=None)
    row = Delivery.objects.get()
    assert (row.n_tries, row.n_replays) == (1, 1)
    now_due()

    assert retry_failed() == 1
    assert Delivery.objects.get().status == "applied"


@pytest.mark.parametrize(
    "error", [OperationalError("Doe, John"), IntegrityError("Doe, John"), RuntimeError("Doe, John")]
)
def test_one_that_can_not_even_be_marked_does_not_block_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    poison, *others = [mending.failed(monkeypatch) for _ in range(3)]
    poisoned(monkeypatch, poison, error)
    now_due()
    assert retry_failed() == 3

    statuses = dict(Delivery.objects.values_list("pk", "status"))
    assert statuses == {poison.pk: "failed", **{other.pk: "applied" for other in others}}
    poison.refresh_from_db()
    assert (poison.n_tries, poison.error.split(" at ")[0]) == (2, type(error).__name__)
    assert poison.next_try_at > timezone.now() + timedelta(seconds=90)
    assert "Doe" not in poison.error + caplog.text


def test_what_kills_its_worker_is_not_first_again(monkeypatch: pytest.MonkeyPatch) -> None:
    poison, other = [mending.failed(monkeypatch) for _ in range(2)]
    poisoned(monkeypatch, poison, SystemExit())
    now_due()
    Delivery.objects.filter(pk=poison.pk).update(next_try_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(SystemExit):
        retry_failed()
    poison.refresh_from_db()
    assert (poison.n_tries, poison.error) == (2, "Try 2 began and did not end.")

    assert retry_failed() == 1
    assert Delivery.objects.get(pk=other.pk).status == "applied"
    assert retry_failed() == 0


def test_what_always_kills_its_worker_has_a_last_try_too(monkeypatch: pytest.MonkeyPatch) -> None:
    poison = mending.failed(monkeypatch)
    Delivery.objects.update(n_tries=LAST_TRY - 1)
    poisoned(monkeypatch, poison, SystemExit())
    now_due()
    with pytest.raises(SystemExit):
        retry_failed()

    assert retry_failed() == 0
    row = Delivery.objects.get()
    assert (row.status, row.next_try_at, row.error) == (
        "failed",
        None,
        f"Try {LAST_TRY} began and did not end.",
    )


@pytest.mark.parametrize("is_mended", [True, False])
def test_one_that_a_person_replays_in_between_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, is_mended: bool
) -> None:
    mending.failed(monkeypatch)
    now_due()
    held = ingestion._begin_try()
    assert held is not None
    if not is_mended:
        monkeypatch.setattr(folding, "write", mending.broken)
    replaying.apply(held.pk, by=None)
    before = mending.everything()
    ingestion._end_try(held)

    assert mending.everything() == before


def test_what_came_often_while_we_could_not_read_is_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    event = wire.payload("kyc_session_failed.g2")
    with monkeypatch.context() as patch:
        patch.setattr("kyc.ralio.events.read", mending.broken)
        for _ in range(3):
            wire.post(event)
    now_due()
    assert retry_failed() == 3

    assert list(Delivery.objects.order_by("pk").values_list("status", "cause"))[0] == ("applied", "")
    assert not Delivery.objects.filter(status="failed").exists()
    assert list(ledger.verify()) == []


def test_what_came_often_and_turns_out_unreadable_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("kyc.ralio.events.read", mending.broken)
        for _ in range(3):
            wire.post(b'{"id": 1}')
    now_due()
    retry_failed()

    assert set(Delivery.objects.values_list("status", flat=True)) == {"quarantined"}
