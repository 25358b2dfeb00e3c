"""Rule 3: any order, any repetition, at the same time: the same rows as the fold of the set."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc import ingestion, ledger
from kyc.models import Check, Delivery, QueueFacet, Reason, RejectionReason, Session
from kyc.rebuilding import rebuild

SESSION = UUID("43b972aa-88c2-4791-9a7b-7a338e182a3c")
NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
NAMES = ["kyc_session_failed", "kyc.session_manual_review", "kyc_session_verified", "kyc_session_expired"]
IDS = [str(UUID(int=n)) for n in range(1, 4)]

reasons = st.lists(
    st.fixed_dictionaries(
        {"code": st.sampled_from(["A", "B", "C"]), "category": st.sampled_from(["DOC", None])}
    ),
    max_size=2,
)
checks = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["face", "doc"]),
            "state": st.sampled_from([1, 2, "Refused", 3]),
            "reasons": reasons,
        }
    ),
    max_size=2,
)
data = st.fixed_dictionaries(
    {"sessionId": st.just(str(SESSION))},
    optional={"userId": st.sampled_from(IDS), "relatedPartyId": st.sampled_from(IDS), "checks": checks},
)
events = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 4), data), min_size=1, max_size=6)


def bodies(drawn: Iterable[tuple[str, int, dict[str, Any]]]) -> list[bytes]:
    """Return each drawn event under an id of its own."""
    return [
        json.dumps(
            {
                "id": str(UUID(int=1000 + n)),
                "event": name,
                "timestamp": (NOON + timedelta(hours=hour)).isoformat(),
                "data": told,
            }
        ).encode()
        for n, (name, hour, told) in enumerate(drawn)
    ]


def rows() -> dict[str, Any]:
    """Return everything that comes from the wire, without the keys and counts that arrival alone decides."""
    unordered = {
        "session": Session.objects.values().get() | dict.fromkeys(["version", "queued_at", "evidence_id"]),
        "evidence": Session.objects.values_list("evidence__event_id").get(),
        "checks": Check.objects.values_list("delivery__event_id", "position", "type", "state", "data"),
        "reasons": Reason.objects.values_list(
            "kyc_check__delivery__event_id", "kyc_check__position", "position", "code", "category"
        ),
        "facets": QueueFacet.objects.values_list("kind", "value", "digest", "due_at"),
        "history": RejectionReason.objects.values_list(
            "position", "check_type", "code", "category", "is_earlier", "is_first_of_code", "rejected_at"
        ),
        "deliveries": Delivery.objects.values_list("event_id", "status", "session_state"),
    }
    return {
        name: value if isinstance(value, dict | tuple) else sorted(value) for name, value in unordered.items()
    }


def applied(sent: Iterable[bytes]) -> dict[str, Any]:
    """Receive in a transaction that is rolled back, and return the rows that came of it."""
    with transaction.atomic():
        for body in sent:
            ingestion.receive(body, {})
        found = rows()
        assert rebuild(SESSION, is_dry_run=True) == []
        assert list(ledger.verify()) == []
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
@settings(max_examples=40)
@given(events, st.data())
def test_any_order_and_repetition_ends_in_the_same_rows(drawn: Any, choices: Any) -> None:
    sent = bodies(drawn)
    shuffled = choices.draw(st.permutations(sent))
    repeated = choices.draw(st.lists(st.sampled_from(sent), max_size=4))

    assert applied(sent) == applied([*shuffled, *repeated])


@pytest.mark.django_db(transaction=True)
def test_at_the_same_time_from_many_threads_ends_in_the_same_rows() -> None:
    told = {"sessionId": str(SESSION), "userId": IDS[0]}
    drawn = [
        (
            NAMES[n % 4],
            n,
            told
            | {"checks": [{"type": "t", "state": 2, "reasons": [{"code": c} for c in (f"C{n}", "X", "Y")]}]},
        )
        for n in range(8)
    ]
    sent = bodies(drawn)
    expected = applied(sent)
    errors: list[Exception] = []
    gate = threading.Barrier(4)

    def play(part: list[bytes]) -> None:
        try:
            gate.wait()
            for body in part:
                ingestion.receive(body, {})
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    # Each event goes out twice, from different threads.
    threads = [
        threading.Thread(target=play, args=([*sent[n::4], *sent[(n + 1) % 4 :: 4]],)) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert rows() == expected
    assert sum(Delivery.objects.values_list("n_repeats", flat=True)) == 8
    assert rebuild(SESSION) == []
    assert list(ledger.verify()) == []
