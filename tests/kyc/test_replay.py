"""What was kept can be applied once our side is mended: once, with a record of it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from kyc import folding, ingestion, ledger, replaying
from kyc.exceptions import ReplayForbidden
from kyc.models import Delivery, LedgerEntry, Session, User
from kyc.ralio import events
from kyc.rebuilding import rebuild
from kyc.replaying import Ending
from tests import wire
from tests.kyc import mending

pytestmark = pytest.mark.django_db


def record(action: str = "delivery.replayed") -> dict[str, object]:
    entry = LedgerEntry.objects.get(action=action)
    return {"by": entry.actor and entry.actor.username, **json.loads(entry.detail)}


def test_a_quarantined_event_is_applied_once_we_can_read_it(
    monkeypatch: pytest.MonkeyPatch, supervisor: User, officer_client: Client
) -> None:
    delivery = mending.unreadable(at=timezone.now())
    mending.mend(monkeypatch)
    result = replaying.apply(delivery.pk, by=supervisor)

    assert (result.ending, str(result.was), str(result.now)) == (
        Ending.APPLIED,
        "Quarantined, Invalid",
        "Applied",
    )
    session = Session.objects.get(state="REJECTED")
    assert (result.session_id, result.faults, result.advice) == (session.pk, [], "")
    assert officer_client.get(f"/sessions/{session.pk}/").status_code == 200
    assert str(session.pk) in officer_client.get("/rejected/").content.decode()
    assert rebuild(session.pk) == []


def test_a_replay_is_on_the_row_and_in_the_ledger(monkeypatch: pytest.MonkeyPatch, supervisor: User) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    before = timezone.now()
    replaying.apply(delivery.pk, by=supervisor)

    row = Delivery.objects.get()
    assert (row.n_replays, row.last_replay_by) == (1, supervisor)
    assert row.last_replay_at is not None and row.last_replay_at >= before
    assert record() == {
        "by": "supervisor",
        "delivery": row.pk,
        "event": str(row.event_id),
        "session": str(row.session_id),
        "before": {"status": "quarantined", "cause": "invalid"},
        "after": {"status": "applied", "cause": ""},
    }
    assert list(ledger.verify()) == []


def test_a_second_replay_changes_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, supervisor: User
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    replaying.apply(delivery.pk, by=supervisor)
    before = mending.everything()
    again = replaying.apply(delivery.pk, by=supervisor)

    assert (again.ending, again.is_well) == (Ending.NOTHING_TO_DO, True)
    assert again.advice == "It is applied already. Nothing was changed."
    assert mending.everything() == before


def test_what_is_still_unreadable_stays_with_the_faults_of_today(
    monkeypatch: pytest.MonkeyPatch, supervisor: User
) -> None:
    delivery = mending.unreadable()
    monkeypatch.setattr(
        events.Fault, "as_dict", lambda fault: {"path": fault.path, "message": "In other words."}
    )
    result = replaying.apply(delivery.pk, by=supervisor)

    assert (result.ending, result.is_well) == (Ending.QUARANTINED, False)
    assert result.advice.startswith("It cannot be read: 1 fault today.")
    row = Delivery.objects.get()
    assert row.faults == result.faults == [{"path": "data.sessionId", "message": "In other words."}]
    assert (row.n_replays, record()["after"]) == (1, {"status": "quarantined", "cause": "invalid"})


def test_the_same_unreadable_bytes_again_bring_the_faults_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable()
    monkeypatch.setattr(
        events.Fault, "as_dict", lambda fault: {"path": fault.path, "message": "In other words."}
    )
    wire.post(bytes(delivery.body))

    row = Delivery.objects.get()
    assert (row.n_repeats, row.faults[0]["message"]) == (1, "In other words.")


def test_a_conflict_stays_one_and_says_why_and_what_to_do(supervisor: User) -> None:
    event = wire.payload("kyc_session_failed.g2")
    wire.post(event)
    other = {**event, "data": {**event["data"], "checks": []}}
    assert wire.post(other).json()["quarantined"] == "id_conflict"
    first, second = Delivery.objects.order_by("pk")
    before = Session.objects.values().get()
    result = replaying.apply(second.pk, by=supervisor)

    assert (result.ending, result.is_well, result.now) == (Ending.CONFLICT, False, result.was)
    assert f"Delivery {first.pk} came first" in result.advice
    assert "ask Ralio to send it under an id of its own" in result.advice
    assert Session.objects.values().get() == before


def test_what_failed_is_applied_once_we_are_mended(monkeypatch: pytest.MonkeyPatch, supervisor: User) -> None:
    delivery = mending.failed(monkeypatch)
    Delivery.objects.update(n_tries=ingestion.LAST_TRY, next_try_at=None)
    with monkeypatch.context() as patch:
        patch.setattr(folding, "write", mending.broken)
        result = replaying.apply(delivery.pk, by=supervisor)
        assert (result.ending, result.delivery and result.delivery.n_tries) == (Ending.FAILED, 1)
        assert "Doe" not in result.advice
        assert Delivery.objects.get().next_try_at > timezone.now()
    assert replaying.apply(delivery.pk, by=supervisor).ending == Ending.APPLIED
    assert Delivery.objects.get().next_try_at is None


def test_only_who_may_replay_replays(
    monkeypatch: pytest.MonkeyPatch, officer: User, auditor: User, admin: User
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    before = mending.everything()
    for person in (officer, auditor):
        with pytest.raises(ReplayForbidden):
            replaying.apply(delivery.pk, by=person)
    assert mending.everything() == before

    assert replaying.apply(delivery.pk, by=admin).is_well


def test_an_operator_is_nobody_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    replaying.apply(delivery.pk, by=None)

    assert (record()["by"], Delivery.objects.get().last_replay_by) == (None, None)


def test_a_delivery_that_is_not_there_is_gone() -> None:
    assert replaying.apply(999, by=None).ending == replaying.plan(999).ending == Ending.GONE


def test_a_conflict_whose_body_is_not_ours_to_keep_stays_one() -> None:
    event = wire.payload("payin_completed")
    wire.post(event)
    assert wire.post(event | {"data": {"amount": 1}}).json()["quarantined"] == "id_conflict"
    conflict = Delivery.objects.get(status="quarantined")

    for _ in range(2):
        assert replaying.apply(conflict.pk, by=None).ending == Ending.CONFLICT
        conflict.refresh_from_db()
        assert (conflict.cause, bytes(conflict.body)) == ("id_conflict", b"")
