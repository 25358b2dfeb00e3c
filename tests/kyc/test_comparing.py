"""What was acknowledged against what the database holds: each kind of difference is seen, and no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from kyc import comparing, ledger
from kyc.choices import DeliveryStatus
from kyc.comparing import Comparison, compare
from kyc.models import Check, Delivery, LedgerHead, Reason
from kyc.ralio.simulator import Event, Journal, Ralio
from kyc.ralio.simulator.promises import Outcome, Promise, is_kept, outcome_of
from kyc.ralio.simulator.tally import Settled
from tests import wire

pytestmark = pytest.mark.django_db


def failed(*, seed: int = 1) -> Event:
    """Return a rejection with a check that has reasons and one that has none."""
    ralio = Ralio(seed, mix={"failed": 1}, generations=("g1",))
    events = iter(lambda: ralio.next(timezone.now()), None)
    return next(event for event in events if b"EXPIRED" in event.body and b"Validated" in event.body)


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., list[Path]]:
    """`journal(event, …)` posts each, writes down what it heard, and returns the file."""

    def posted(*events: Event) -> list[Path]:
        with Journal(tmp_path / "journal") as kept:
            for event in events:
                kept.write(_posted(event))
        return [tmp_path / "journal"]

    return posted


def _posted(event: Event) -> Settled:
    response = wire.post(event.content, signature="" if event.promise == Promise.UNTRUSTED else None)
    said = response.json()
    outcome = outcome_of(response.status_code, said)
    assert is_kept(event.promise, outcome, response.status_code, said)
    return Settled(event, outcome, response.status_code)


def conflicting(event: Event) -> Event:
    other = failed(seed=9)
    body = other.body.replace(str(other.id).encode(), str(event.id).encode())
    return replace(other, id=event.id, body=body, promise=Promise.CONFLICT)


def odd(promise: Promise, body: bytes) -> Event:
    return replace(failed(seed=7), promise=promise, body=body)


def test_all_is_sound(journal: Callable[..., list[Path]]) -> None:
    event, record = failed(), Ralio(2).record(timezone.now())
    unreadable = odd(Promise.UNREADABLE, b"{}")
    forged = odd(Promise.UNTRUSTED, failed(seed=7).body)
    files = journal(event, record, event, event, conflicting(event), unreadable, unreadable, forged)
    found = compare(files)
    assert found.is_sound and not found.faults
    assert (found.n_acknowledged, found.n_stored, found.n_applied, found.n_recorded) == (3, 3, 1, 1)
    assert (found.n_conflicts, found.n_unreadable, found.n_lost, found.n_twice) == (1, 1, 0, 0)
    assert found.summary() == "Acknowledged 3, stored 3, applied once each, lost 0, twice 0."


def test_batches_make_no_difference(
    journal: Callable[..., list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = journal(*(failed(seed=seed) for seed in range(7)), failed(seed=3), odd(Promise.UNREADABLE, b"["))
    whole = compare(files)
    monkeypatch.setattr(comparing, "BATCH", 2)
    assert compare(files) == whole and whole.is_sound and whole.n_applied == 7


def test_a_post_that_was_given_up_promises_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as kept:
        kept.write(Settled(failed(), Outcome.GIVEN_UP, None, (503,), is_as_promised=False))
    found = compare([tmp_path / "journal"])
    assert found.is_sound and found.n_acknowledged == 0


@pytest.mark.parametrize(
    ("event", "outcome", "status"),
    [
        (failed(), Outcome.ACCEPTED, 200),
        (replace(failed(), promise=Promise.CONFLICT), Outcome.QUARANTINED, 200),
        (odd(Promise.UNREADABLE, b"{}"), Outcome.REFUSED, 400),
    ],
)
def test_what_is_not_there_is_lost(tmp_path: Path, event: Event, outcome: Outcome, status: int) -> None:
    with Journal(tmp_path / "journal") as kept:
        kept.write(Settled(event, outcome, status))
    found = compare([tmp_path / "journal"])
    assert (found.n_lost, found.n_stored, found.is_sound) == (1, 0, False)
    assert str(event.id) in found.faults[0]


def _drop_reasons(delivery: Delivery) -> None:
    Reason.objects.all().delete()


def _drop_a_check_without_reasons(delivery: Delivery) -> None:
    n_dropped, _ = delivery.checks.filter(reasons=None).delete()
    assert n_dropped


def _add_check(delivery: Delivery) -> None:
    Check.objects.create(session=delivery.session, delivery=delivery, position=99, type="x", state="unknown")


def _add_reason(delivery: Delivery) -> None:
    Reason.objects.create(kyc_check=delivery.checks.all()[0], position=99)


def _apply_again(delivery: Delivery) -> None:
    chain = ledger.session_chain(delivery.session_id)
    ledger.append(chain, "delivery.applied", event=str(delivery.event_id))


def _forget_in_the_ledger(delivery: Delivery) -> None:
    # The ledger's own rows cannot be deleted; another event's id stands for one that is not there.
    Delivery.objects.update(event_id="00000000-0000-4000-8000-000000000000")


CHANGES: list[tuple[Callable[[Delivery], Any], str]] = [
    (_drop_reasons, "n_lost"),
    (_drop_a_check_without_reasons, "n_lost"),
    (_add_check, "n_twice"),
    (_add_reason, "n_twice"),
    (_apply_again, "n_twice"),
    (_forget_in_the_ledger, "n_lost"),
    (lambda delivery: Delivery.objects.update(n_repeats=0), "n_different"),
    (lambda delivery: Delivery.objects.update(sha256="0" * 64), "n_different"),
    (lambda delivery: Delivery.objects.update(status=DeliveryStatus.FAILED), "n_unfinished"),
]


@pytest.mark.parametrize(("change", "counted"), CHANGES)
def test_a_difference_is_seen_and_named(
    journal: Callable[..., list[Path]], change: Callable[[Delivery], Any], counted: str
) -> None:
    event = failed()
    files = journal(event, event)
    assert compare(files).is_sound
    change(Delivery.objects.get())
    found = compare(files)
    assert {name: getattr(found, name) for name in WRONG if getattr(found, name)} == {counted: 1}
    assert not found.is_sound and "not all applied once" in found.summary()
    assert len(found.faults) == 1 and str(event.id) in found.faults[0]


WRONG = ("n_lost", "n_twice", "n_unfinished", "n_different", "n_trusted")


def test_what_was_forged_must_not_be_there(tmp_path: Path, journal: Callable[..., list[Path]]) -> None:
    event = failed()
    journal(event)
    with Journal(tmp_path / "other") as kept:
        kept.write(Settled(replace(event, promise=Promise.UNTRUSTED), Outcome.ACCEPTED, 200))
    found = compare([tmp_path / "other"])
    assert (found.n_trusted, found.n_acknowledged, found.is_sound) == (1, 0, False)


def test_what_a_replay_has_made_an_event_since_is_still_kept(journal: Callable[..., list[Path]]) -> None:
    files = journal(odd(Promise.UNREADABLE, b"[17]"))
    Delivery.objects.update(status=DeliveryStatus.RECORDED, cause="")
    assert compare(files).is_sound


def test_no_more_faults_are_named_than_anybody_reads() -> None:
    found = Comparison()
    for n in range(100):
        found.fault("n_lost", str(n), "gone")
    assert (found.n_lost, len(found.faults)) == (100, comparing.MOST_NAMED)


def test_comparing_writes_nothing(journal: Callable[..., list[Path]], queries: Any) -> None:
    files = journal(failed())
    heads = list(LedgerHead.objects.values())
    with queries(4):
        compare(files)
    assert list(LedgerHead.objects.values()) == heads
