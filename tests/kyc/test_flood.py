"""A flood of forged requests leaves no mark: bounds hold, what is trusted is untouched, the next good one is taken."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Sum

from kyc import refusals
from kyc.choices import DeliveryStatus, RefusalCause
from kyc.models import Delivery, LedgerEntry, RefusedRequest, Session
from tests import wire

pytestmark = pytest.mark.django_db
WELL_FORMED = {"X-Signature": "0" * 64}
N_REQUESTS = 3000


@pytest.fixture(autouse=True)
def small_ring(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_ROWS, settings.RALIO_REFUSED_MAX_BYTES = 200, 500_000


def sizes() -> list[int]:
    rng = random.Random(0)
    large = [20_000] * 50 + [200_000] * 10 + [300_000] * 3
    mixed = large + [rng.choice([0, 1, 100, 300, 1_000]) for _ in range(N_REQUESTS - len(large))]
    rng.shuffle(mixed)
    return mixed


def ring() -> tuple[int, int]:
    """Return how many refused requests are kept, and how many bytes of bodies."""
    kept = RefusedRequest.objects.all()
    return kept.count(), kept.aggregate(n=Sum("n_kept_bytes"))["n"] or 0


def event_bytes(n_bytes: int = 100) -> bytes:
    return b"{" + b" " * (n_bytes - 2) + b"}"


def test_three_thousand_forged_requests_leave_only_a_bounded_ring(settings: Any) -> None:
    settings.RALIO_REFUSED_MAX_ROWS = 1000
    wire.post(wire.payload("kyc_session_failed"))
    trusted = Delivery.objects.count(), Session.objects.count(), LedgerEntry.objects.count()
    kept = []
    for number, size in enumerate(sizes()):
        body = event_bytes(size) if size > 1 and number % 3 else b"x" * size
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, WELL_FORMED, body=body)
        if number % 97 == 0 or size > 100_000:
            kept.append(ring())

    assert 900 < max(n_rows for n_rows, _ in kept) <= settings.RALIO_REFUSED_MAX_ROWS
    assert max(n_bytes for _, n_bytes in kept) <= settings.RALIO_REFUSED_MAX_BYTES
    assert trusted == (Delivery.objects.count(), Session.objects.count(), LedgerEntry.objects.count())
    assert wire.post(wire.payload("kyc_session_failed")).json() == {"received": True}
    assert set(Delivery.objects.values_list("status", flat=True)) == {DeliveryStatus.APPLIED}


def test_the_newest_ones_are_there_with_their_cause() -> None:
    for number in range(300):
        refusals.refuse(RefusalCause.SIGNATURE_MISSING, {}, body=b"%d" % number)
    newest = RefusedRequest.objects.order_by("-id")[:190]
    assert [bytes(row.body) for row in newest] == [b"%d" % number for number in range(299, 109, -1)]
    assert {row.cause for row in newest} == {RefusalCause.SIGNATURE_MISSING}


def test_rubbish_does_not_wash_away_what_looks_like_ralios() -> None:
    lost = wire.payload("kyc_session_failed")
    wire.post(lost, secret="rotated on one side only")
    for _ in range(150):
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, WELL_FORMED, body=b"x" * 1000)
        refusals.refuse(RefusalCause.SIGNATURE_MISSING, {}, body=event_bytes())
    (kept,) = RefusedRequest.objects.filter(is_plausible=True)
    assert bytes(kept.body) == wire.encode(lost)


def test_what_looks_like_ralios_leaves_half_to_the_others() -> None:
    refusals.refuse(RefusalCause.TOO_LARGE, {}, n_bytes=10**9)
    for _ in range(300):
        refusals.refuse(RefusalCause.SIGNATURE_WRONG, WELL_FORMED, body=event_bytes())
    assert RefusedRequest.objects.filter(cause=RefusalCause.TOO_LARGE).count() == 1
    assert ring()[0] > 190


def test_of_a_flood_of_large_bodies_the_last_ones_leave_their_digest(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RALIO_REFUSED_MAX_BYTES = 400_000
    # All in one moment: with every second there is room for more.
    monkeypatch.setattr(refusals, "time", SimpleNamespace(monotonic=lambda: 0.0))
    rows = [refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 100_000) for _ in range(6)]
    small = refusals.refuse(RefusalCause.SIGNATURE_WRONG, {}, body=b"x" * 1000)

    assert [row.n_kept_bytes for row in rows] == [100_000] * 4 + [0, 0]
    assert {(row.n_bytes, len(row.sha256)) for row in rows} == {(100_000, 64)}
    assert small.n_kept_bytes == 1000
