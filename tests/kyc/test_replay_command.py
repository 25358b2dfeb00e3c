"""`replay_deliveries` shows first, applies when told, one by one, and says what it could not apply."""

from __future__ import annotations

import os
import signal

import pytest

from kyc import replaying
from kyc.models import Delivery, Session
from tests import wire
from tests.kyc import mending
from tests.kyc.mending import replay_fails as fails
from tests.kyc.mending import replay_says as run

pytestmark = pytest.mark.django_db


def test_by_itself_it_only_shows_what_each_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    before = mending.everything()
    lines = run().splitlines()

    assert mending.everything() == before
    assert lines[0].startswith(
        f"delivery {delivery.pk}: kyc_session_failed, event {delivery.event_id},"
        " Quarantined, Invalid → Applied, new session "
    )
    assert "    session state: – → REJECTED" in lines
    assert lines[-1] == "Dry run, nothing was written. It would be: 1 applied."


def test_told_so_it_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    mending.unreadable()
    mending.failed(monkeypatch)
    mending.mend(monkeypatch)
    lines = run("--apply").splitlines()

    assert (len(lines), lines[-1]) == (3, "2 applied.")
    assert set(Delivery.objects.values_list("status", "n_replays")) == {("applied", 1)}
    assert Session.objects.count() == 2
    assert run("--apply") == "Nothing to replay.\n"


def test_it_fails_when_something_could_not_be_applied_and_does_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire.post(b"no json")
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    assert "1 applied, 1 quarantined" in run()
    said, refusal = fails("--apply")

    assert (str(refusal), refusal.returncode) == ("1 applied, 1 quarantined.", 1)
    assert "It cannot be read: 1 fault today." in said
    assert "\n    body: " in said
    assert Delivery.objects.get(pk=delivery.pk).status == "applied"


def test_what_goes_wrong_with_one_does_not_undo_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (mending.unreadable() for _ in range(3))
    mending.mend(monkeypatch)
    real = replaying.ingestion.take_again

    def take_again(delivery_id: int) -> Delivery:
        done = real(delivery_id)
        if delivery_id == second.pk:
            raise RuntimeError("Doe, John")
        return done

    monkeypatch.setattr(replaying.ingestion, "take_again", take_again)
    said, refusal = fails("--apply")

    assert str(refusal) == "2 applied, 1 not finished."
    assert "Doe" not in said
    assert list(Delivery.objects.order_by("pk").values_list("pk", "status")) == [
        (first.pk, "applied"),
        (second.pk, "quarantined"),
        (third.pk, "applied"),
    ]


def test_ctrl_c_ends_between_two(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (mending.unreadable() for _ in range(2))
    mending.mend(monkeypatch)
    real = replaying.ingestion.take_again

    def take_again(delivery_id: int) -> Delivery:
        os.kill(os.getpid(), signal.SIGINT)
        return real(delivery_id)

    monkeypatch.setattr(replaying.ingestion, "take_again", take_again)
    said, refusal = fails("--apply")

    assert (str(refusal), refusal.returncode) == ("1 applied.", 130)
    assert "Stopped." in said
    assert Delivery.objects.get(pk=first.pk).status == "applied"
    assert Delivery.objects.get(pk=second.pk).status == "quarantined"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_personal_and_nothing_invisible_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = [{"type": "x", "code": "A\x1b[2J", "message": "Doe, John"}]
    checks = [{"type": "face", "state": "Doe", "data": {"name": "Doe"}, "reasons": reasons}]
    mending.unreadable("kyc_session_failed.g2", checks=checks)
    mending.mend(monkeypatch)
    said = run() + run("--apply")

    assert "Doe" not in said
    assert "\x1b" not in said
    assert "A\\u001b[2J" in said
