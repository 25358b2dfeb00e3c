"""Alarms: opened once when a threshold is crossed, closed once when all is well again, whoever watches."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from kyc import ledger
from kyc.alarms import open_alarms, watch
from kyc.choices import AlarmKind
from kyc.models import InboxAlarm, LedgerEntry, RefusedRequest
from kyc.signals import inbox_changed
from tests import factories
from tests.kyc.arrivals import DAY, HOUR, MINUTE, MONDAY, WEEK, came, every

NOW = MONDAY + 2 * WEEK


@pytest.fixture
def silent(db: None) -> None:
    """A sender of two weeks, once an hour, that is heard no more at NOW."""
    came(*every(HOUR, MONDAY, NOW))


def kinds(alarms: list[InboxAlarm]) -> list[str]:
    return [str(alarm.kind) for alarm in alarms]


def test_it_opens_once_and_closes_once(silent: None) -> None:
    assert watch(NOW) == []
    (alarm,) = watch(NOW + 10 * HOUR)
    assert (alarm.kind, alarm.opened_at, alarm.closed_at) == (AlarmKind.SILENCE, NOW + 10 * HOUR, None)
    assert watch(NOW + 11 * HOUR) == []
    assert open_alarms() == [alarm]
    came(NOW + 12 * HOUR, NOW + 13 * HOUR)
    (closed,) = watch(NOW + 13 * HOUR)

    assert (closed.pk, closed.closed_at) == (alarm.pk, NOW + 13 * HOUR)
    assert open_alarms() == watch(NOW + 14 * HOUR) == []
    assert InboxAlarm.objects.count() == 1


def test_a_limping_sender_does_not_make_it_come_and_go(silent: None) -> None:
    watch(NOW + 10 * HOUR)
    for n in (1, 2, 3):
        came(NOW + n * 11 * HOUR)
        for at in every(2 * HOUR, NOW + n * 11 * HOUR, NOW + (n + 1) * 11 * HOUR):
            assert watch(at) == []

    assert len(open_alarms()) == 1


def test_an_alarm_holds_the_figures_and_nothing_of_the_wire(silent: None) -> None:
    factories.ReasonCodeFactory(code="OLD", first_seen_at=MONDAY)
    code = factories.ReasonCodeFactory(code="Ana García", first_seen_at=NOW - MINUTE)
    (alarm,) = watch(NOW)
    alarm.refresh_from_db()

    assert (alarm.kind, alarm.detail["codes"]) == (AlarmKind.NOVELTY, [code.pk])
    assert (
        alarm.detail["says"] == "0 event names and 1 reason code came for the first time in the last 7 days."
    )
    assert "Ana" not in json.dumps(alarm.detail)
    assert "Ana" not in "".join(LedgerEntry.objects.values_list("detail", flat=True))


def test_it_is_kept_in_english_and_said_in_the_reader_s_language(silent: None) -> None:
    with translation.override("es"):
        (alarm,) = watch(NOW + 10 * HOUR)
    came(NOW + 12 * HOUR, NOW + 13 * HOUR)
    watch(NOW + 13 * HOUR)
    alarm.refresh_from_db()
    opened, closed = alarm.detail["words"]["es"], alarm.detail["after"]["words"]["es"]
    opened["says"], closed["says"] = "Silencio.", "Ya no."

    assert alarm.figure["says"].startswith("The last trusted delivery came 11h ago.")
    assert alarm.figure_after["says"].startswith("The last trusted delivery came under 1m ago.")
    with translation.override("es"):
        assert (alarm.figure["says"], alarm.figure_after["says"]) == ("Silencio.", "Ya no.")
        assert alarm.figure["value"] == opened["value"]


def test_opening_and_closing_are_in_the_ledger_and_told(silent: None) -> None:
    told: list[tuple[int, bool, bool]] = []

    def receiver(*, alarm: InboxAlarm, **kwargs: Any) -> None:
        told.append((alarm.pk, alarm.closed_at is None, connection.in_atomic_block))

    inbox_changed.connect(receiver)
    (alarm,) = watch(NOW + 10 * HOUR)
    came(NOW + 11 * HOUR, NOW + 12 * HOUR)
    watch(NOW + 12 * HOUR)
    inbox_changed.disconnect(receiver)

    assert told == [(alarm.pk, True, True), (alarm.pk, False, True)]
    entries = LedgerEntry.objects.filter(chain=ledger.SYSTEM, action__startswith="inbox.").order_by("seq")
    assert [entry.action for entry in entries] == ["inbox.unwell", "inbox.well"]
    assert json.loads(entries[0].detail) == {
        "alarm": alarm.pk,
        "kind": "silence",
        "numbers": {"limit_s": 36000, "silent_s": 39600, "usual_gap_s": 3600},
    }
    assert not list(ledger.verify())


def test_what_cannot_be_told_is_not_opened(silent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(ledger, "append", broken)
    with pytest.raises(RuntimeError):
        watch(NOW + 10 * HOUR)

    assert not InboxAlarm.objects.exists()


def test_several_things_may_be_wrong_at_once(silent: None) -> None:
    factories.DeliveryFactory(is_quarantined=True, received_at=NOW - DAY)
    factories.RefusedRequestFactory(received_at=NOW + 10 * HOUR)

    assert kinds(watch(NOW + 10 * HOUR)) == ["silence", "refused", "quarantined"]
    RefusedRequest.objects.all().delete()
    assert kinds(watch(NOW + 11 * HOUR)) == ["refused"]
    assert kinds(open_alarms()) == ["silence", "quarantined"]


def test_the_database_refuses_a_second_open_one(db: None) -> None:
    factories.InboxAlarmFactory(closed_at=NOW)
    factories.InboxAlarmFactory()
    factories.InboxAlarmFactory(kind=AlarmKind.REPEATS)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.InboxAlarmFactory()


def test_it_reads_in_few_statements_and_writes_none_while_all_is_well(
    silent: None, queries: Callable[..., Any]
) -> None:
    with queries(11):
        assert watch(NOW) == []


@pytest.mark.django_db(transaction=True)
def test_workers_that_watch_together_open_one_and_close_one() -> None:
    came(*every(HOUR, MONDAY, NOW))
    opened = together(lambda: watch(NOW + 10 * HOUR))
    came(NOW + 11 * HOUR, NOW + 12 * HOUR)
    closed = together(lambda: watch(NOW + 12 * HOUR))

    assert (len(opened), len(closed)) == (1, 1)
    assert InboxAlarm.objects.get().closed_at == NOW + 12 * HOUR
    assert LedgerEntry.objects.filter(action="inbox.unwell").count() == 1
    assert LedgerEntry.objects.filter(action="inbox.well").count() == 1
    assert not list(ledger.verify())


def together(act: Callable[[], list[InboxAlarm]], n_workers: int = 6) -> list[InboxAlarm]:
    """Do the same in several threads at the same instant, and return what all of them did."""
    start = threading.Barrier(n_workers)
    done: list[InboxAlarm] = []

    def work() -> None:
        try:
            start.wait()
            done.extend(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(n_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done
