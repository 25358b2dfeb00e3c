"""Replays at the same instant, from several people or beside Ralio's own deliveries: each event once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from kyc import ledger, replaying
from kyc.models import Delivery, RefusedRequest, Session
from kyc.rebuilding import rebuild
from kyc.replaying import Ending, Result
from tests import wire
from tests.kyc import mending

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of these in the same instant and return what each came to."""
    start, answers = threading.Barrier(len(acts)), []

    def do(act: Callable[[], Any]) -> None:
        start.wait()
        try:
            answers.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(acts)
    return answers


def endings(results: list[Result]) -> Counter[Ending]:
    return Counter(result.ending for result in results)


def is_sound(session: Session) -> bool:
    return rebuild(session.pk) == [] and list(ledger.verify()) == []


def test_of_several_who_replay_one_delivery_one_applies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = mending.unreadable("kyc_session_manual_review.g1")
    mending.mend(monkeypatch)
    results = at_once(*[lambda: replaying.apply(delivery.pk, by=None)] * 4)

    assert endings(results) == {Ending.APPLIED: 1, Ending.NOTHING_TO_DO: 3}
    row = Delivery.objects.get()
    assert (row.status, row.n_replays) == ("applied", 1)
    session = Session.objects.get()
    assert session.notifications.count() == 1
    assert is_sound(session)


def test_of_several_who_verify_one_request_one_makes_it_a_delivery(settings: Any) -> None:
    refused = mending.refused(wire.payload("kyc_session_failed.g2"))
    settings.RALIO_WEBHOOK_SECRETS = [mending.OLD_SECRET]
    results = at_once(*[lambda: replaying.apply_refused(refused.pk, by=None)] * 4)

    assert endings(results) == {Ending.APPLIED: 1, Ending.NOTHING_TO_DO: 3}
    assert RefusedRequest.objects.get().delivery == Delivery.objects.get()
    assert is_sound(Session.objects.get())


def test_one_event_refused_several_times_is_one_delivery(settings: Any) -> None:
    event = wire.payload("kyc_session_failed.g2")
    ids = [mending.refused(event).pk for _ in range(4)]
    settings.RALIO_WEBHOOK_SECRETS = [mending.OLD_SECRET]
    acts = [lambda pk=pk: replaying.apply_refused(pk, by=None) for pk in ids]

    assert endings(at_once(*acts)) == {Ending.APPLIED: 1, Ending.KEPT_ALREADY: 3}
    delivery = Delivery.objects.get()
    assert delivery.n_repeats == 3
    assert delivery.refused_requests.count() == 4


@pytest.mark.parametrize("n", range(5))
def test_an_event_that_comes_while_its_own_bytes_are_replayed_is_one_event(
    monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    body = bytes(delivery.body)
    result, answer = sorted(
        at_once(lambda: replaying.apply(delivery.pk, by=None), lambda: wire.post(body)),
        key=lambda one: isinstance(one, Result),
        reverse=True,
    )

    assert (result.is_well, answer.status_code) == (True, 200)
    row = Delivery.objects.get()
    assert (row.status, row.n_repeats) == ("applied", 1)
    assert is_sound(Session.objects.get())


@pytest.mark.parametrize("n", range(5))
def test_another_content_under_the_same_id_that_comes_meanwhile_leaves_one_owner(
    monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    delivery = mending.unreadable()
    mending.mend(monkeypatch)
    event = wire.json.loads(bytes(delivery.body))
    event["data"]["sessionId"] = str(UUID(event["data"]["sessionId"]))
    results = at_once(lambda: replaying.apply(delivery.pk, by=None), lambda: wire.post(event))

    (result,) = [one for one in results if isinstance(one, Result)]
    assert result.ending in {Ending.APPLIED, Ending.CONFLICT}
    statuses = Counter(Delivery.objects.values_list("status", "cause"))
    assert statuses == {("applied", ""): 1, ("quarantined", "id_conflict"): 1}
    assert is_sound(Session.objects.get())
