"""Look first: a plan says what a replay would do, and leaves every table as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.utils import timezone

from kyc import ingestion, ledger, replaying
from kyc.choices import DeliveryStatus
from kyc.models import Delivery, Session
from kyc.pictures import Difference, picture
from kyc.replaying import Ending
from notifications.models import Notification
from tests import wire
from tests.kyc import mending
from tests.kyc.scene import CHECKS, in_review

pytestmark = pytest.mark.django_db


def said(plan: replaying.Plan) -> dict[str, tuple[str, str]]:
    return {difference.field: (difference.before, difference.after) for difference in plan.differences}


def readable(monkeypatch: pytest.MonkeyPatch) -> Delivery:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    return delivery


def refused(monkeypatch: pytest.MonkeyPatch) -> object:
    kept = mending.refused(wire.payload("kyc_session_failed"), secret="test-webhook-secret-2")
    monkeypatch.setattr("django.conf.settings.RALIO_WEBHOOK_SECRETS", ["test-webhook-secret-2"])
    return kept


@pytest.mark.parametrize(
    ("keep", "look"),
    [
        (readable, replaying.plan),
        (lambda patch: mending.unreadable(), replaying.plan),
        (mending.failed, replaying.plan),
        (refused, replaying.plan_refused),
    ],
    ids=["readable", "unreadable", "failed", "refused"],
)
def test_a_dry_run_leaves_every_table_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
    keep: Callable[[pytest.MonkeyPatch], Delivery],
    look: Callable[[int], replaying.Plan],
) -> None:
    in_review()
    kept = keep(monkeypatch)
    before = mending.everything()
    look(kept.pk)

    assert mending.everything() == before
    assert list(ledger.verify()) == []


def test_it_says_what_a_replay_would_make_of_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = readable(monkeypatch)
    plan = replaying.plan(delivery.pk)

    assert (plan.ending, str(plan.was), str(plan.now)) == (Ending.APPLIED, "Quarantined, Invalid", "Applied")
    assert plan.session_id == UUID(wire.json.loads(bytes(delivery.body))["data"]["sessionId"])
    assert plan.is_new_session
    assert said(plan)["session state"] == ("–", "REJECTED")


def test_it_says_the_difference_to_a_known_session(monkeypatch: pytest.MonkeyPatch) -> None:
    session = in_review()
    later = session.last_event_at + timedelta(minutes=5)
    delivery = mending.unreadable("kyc_session_verified.g2", session_id=session.pk, at=later)
    mending.mend(monkeypatch)
    plan = replaying.plan(delivery.pk)

    assert (plan.session_id, plan.is_new_session) == (session.pk, False)
    assert said(plan)["session state"] == ("REVIEW", "VERIFIED")
    assert said(plan)["session last event at"][1] == f"{later:%Y-%m-%d %H:%M:%S} UTC"
    assert str(plan.differences[0]) == "session state: REVIEW → VERIFIED"
    before = Session.objects.values().get()
    assert (before["state"], replaying.apply(delivery.pk, by=None).is_well) == ("REVIEW", True)
    assert Session.objects.get().state == "VERIFIED"


def test_the_difference_holds_nothing_personal(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [{**CHECKS[0], "data": {"name": "Doe"}, "reasons": [{"code": "X", "message": "Doe, John"}]}]
    delivery = mending.unreadable("kyc_session_failed.g2", checks=checks)
    mending.mend(monkeypatch)
    plan = replaying.plan(delivery.pk)

    assert "Doe" not in str(plan.differences)
    assert said(plan)[f"delivery {delivery.pk} check 0 data"] == ("–", "(not shown)")
    assert said(plan)[f"delivery {delivery.pk} check 0 reason 0 code"] == ("–", "X")
    assert f"delivery {delivery.pk} check 0 provider" not in said(plan)


def test_what_would_stay_unreadable_is_planned_so_with_its_faults() -> None:
    plan = replaying.plan(mending.unreadable().pk)

    assert (plan.ending, plan.differences, plan.session_id) == (Ending.QUARANTINED, [], None)
    assert [fault["path"] for fault in plan.faults] == ["data.sessionId"]


def test_a_plan_for_what_is_applied_says_that_there_is_nothing_to_do() -> None:
    in_review()
    plan = replaying.plan(Delivery.objects.get().pk)

    assert (plan.ending, plan.n_differences, plan.is_new_session) == (Ending.NOTHING_TO_DO, 0, False)


def test_no_message_is_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable("kyc_session_manual_review.g1", at=timezone.now())
    mending.mend(monkeypatch)
    replaying.plan(delivery.pk)
    assert not Notification.objects.exists()

    replaying.apply(delivery.pk, by=None)
    assert Notification.objects.count() == 1


def test_a_long_difference_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable("kyc_session_failed.g2", checks=CHECKS * 50)
    mending.mend(monkeypatch)
    plan = replaying.plan(delivery.pk)

    assert len(plan.differences) == replaying.MOST_DIFFERENCES < plan.n_differences


def test_what_goes_wrong_beyond_ingestion_changes_nothing_and_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivery = mending.unreadable()
    before = mending.everything()

    def refuse(delivery_id: int) -> Delivery:
        Delivery.objects.update(status=DeliveryStatus.RECORDED, cause="")
        raise IntegrityError("Doe, John")

    monkeypatch.setattr(ingestion, "take_again", refuse)
    for result in (replaying.plan(delivery.pk), replaying.apply(delivery.pk, by=None)):
        assert (result.ending, result.is_well) == (Ending.UNFINISHED, False)
        assert result.advice == "Our side failed (IntegrityError). Nothing was changed; try again."
    assert mending.everything() == before


def test_each_value_of_a_session_has_a_name_in_words() -> None:
    names = list(picture(in_review().pk))
    said = [Difference(name, "", "").field for name in names]
    own = [Difference(name, "", "").own_field for name in names if name.startswith("session ")]

    assert len(set(said)) == len(names) > 20
    assert not any("_" in words for words in (*said, *own))
    assert "number of checks" in own


def test_a_difference_reads_as_a_line() -> None:
    assert str(Difference("session state", "–", "REVIEW")) == "session state: – → REVIEW"
