"""Checks that an event did not bring are asked for, outside the request, by any number of workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from config.management.commands import worker as command
from kyc import answering
from kyc.answering import MOST_TRIES, answer_due, claim
from kyc.choices import EnquiryStatus
from kyc.models import Delivery, Enquiry, QueueFacet, RejectionReason, Session
from kyc.ralio import client
from kyc.ralio.simulator.api import Api
from kyc.rebuilding import rebuild
from tests import wire
from tests.kyc.ralio.served import ISSUE, Played, api

__all__ = ["api"]
pytestmark = pytest.mark.django_db


def again() -> None:
    Enquiry.objects.update(next_try_at=timezone.now())


def test_a_review_without_checks_gets_them_from_the_api(api: Api) -> None:
    played = Played(api)
    assert played.comes_to("REVIEW").status_code == 200
    assert list(api.paths) == [], "The request asks nobody."
    before = played.session
    assert before.n_checks == 0

    assert answer_due() == {"answered": 1}

    session, enquiry = played.session, Enquiry.objects.get()
    assert (session.n_checks, session.n_refused, session.state, session.round) == (2, 1, "REVIEW", 1)
    assert session.evidence is not None and session.evidence.source == "api"
    assert (session.state_since, session.due_at) == (before.state_since, before.due_at)
    assert QueueFacet.objects.filter(kind="reason", value=ISSUE.code).exists()
    assert (enquiry.status, enquiry.answer) == (EnquiryStatus.ANSWERED, session.evidence)
    assert rebuild(session.pk) == []


def test_a_rejection_without_codes_gets_its_own_from_the_api(api: Api) -> None:
    played = Played(api)
    played.comes_to("REJECTED")
    answer_due()

    reason = RejectionReason.objects.get()
    assert (reason.code, reason.category, reason.is_earlier) == (ISSUE.code, ISSUE.category, False)


def test_an_events_own_checks_beat_what_was_asked_for(api: Api) -> None:
    played = Played(api)
    played.comes_to("REVIEW")
    (row,) = claim(1)
    Enquiry.objects.update(leased_until=None)
    played.tell("REVIEW", checks=[{"type": "own", "state": 1}])
    assert answer_due() == {"answered": 1}

    assert [check.type for check in played.session.evidence.checks.all()] == ["own"]  # type: ignore[union-attr]
    assert Delivery.objects.filter(source="api", n_checks=2).exists()


def test_nobody_is_asked_where_nothing_is_lacking(api: Api, settings: Any) -> None:
    Played(api).comes_to("VERIFIED")
    Played(api).comes_to("REVIEW", checks=[{"type": "face", "state": 1}])
    party = wire.payload("kyc_session_manual_review", user_id=None, checks=[])
    party["data"] |= {"relatedPartyId": str(uuid4()), "entityType": "related-party"}
    wire.post(party)
    settings.RALIO_API_URL = ""
    Played(api).comes_to("REVIEW")

    assert Session.objects.count() == 4
    assert not Enquiry.objects.exists()
    assert answer_due() == {} and list(api.paths) == []


def test_a_session_without_checks_is_answered_too(api: Api) -> None:
    played = Played(api)
    played.tell("REVIEW")
    api.book.note(played.id, played.user, "STARTED", played.at, created_at=played.at, problems=())  # type: ignore[arg-type]

    assert answer_due() == {"without checks": 1}
    assert Enquiry.objects.get().answer is None
    assert Delivery.objects.count() == 1


def test_a_failure_is_tried_again_later_each_time_until_the_last(api: Api) -> None:
    Played(api).tell("REVIEW")  # Which the API does not know.
    waits = []
    for n in range(1, MOST_TRIES):
        assert answer_due() == {"failed": 1}
        enquiry = Enquiry.objects.get()
        assert enquiry.n_tries == n and enquiry.next_try_at is not None
        waits.append(enquiry.next_try_at - timezone.now())
        again()
    assert timedelta(seconds=45) < waits[0] < timedelta(minutes=1)
    assert timedelta(hours=19) < waits[-1] < timedelta(days=1)

    assert answer_due() == {"given up": 1}
    enquiry = Enquiry.objects.get()
    assert (enquiry.status, enquiry.error) == (EnquiryStatus.GAVE_UP, "Ralio's API answered 404.")
    assert answer_due() == {}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("503", "Ralio's API answered 503."),
        ("hang_up", "Ralio's API cannot be reached: RemoteProtocolError."),
        ("garbage", "Ralio's API answered something that is not JSON."),
    ],
)
def test_a_failure_leaves_its_kind_and_the_next_try_succeeds(api: Api, fault: str, said: str) -> None:
    Played(api).comes_to("REVIEW")
    api.behaviour.faults.append(fault)
    assert answer_due() == {"failed": 1}
    assert Enquiry.objects.get().error == said
    again()
    assert answer_due() == {"answered": 1}
    assert Enquiry.objects.get().error == ""


def test_an_api_that_is_away_is_asked_once_a_batch(api: Api) -> None:
    for _ in range(3):
        Played(api).comes_to("REVIEW")
    api.behaviour.faults.append("503")
    assert answer_due() == {"failed": 3}
    assert len(api.paths) == 1


def test_one_that_goes_wrong_by_itself_stops_no_other(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, right = Played(api), Played(api)
    wrong.comes_to("REVIEW"), right.comes_to("REVIEW")
    receive = answering.ingestion.receive

    def broken(body: bytes, *args: Any, **more: Any) -> Any:
        if str(wrong.id).encode() in body:
            raise RuntimeError("hunter2")
        return receive(body, *args, **more)

    monkeypatch.setattr(answering.ingestion, "receive", broken)
    assert answer_due() == {"failed": 1, "answered": 1}
    assert Enquiry.objects.get(delivery__session=wrong.id).error == "RuntimeError."


def test_what_a_dead_worker_held_is_taken_up_when_its_lease_ends(api: Api) -> None:
    Played(api).comes_to("REVIEW")
    assert len(claim(5)) == 1
    assert claim(5) == [] and answer_due() == {}

    Enquiry.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert answer_due() == {"answered": 1}


def test_a_worker_that_lost_its_lease_settles_nothing_and_keeps_no_second_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    Played(api).comes_to("REVIEW")
    asked = answering._asked

    def slow(*args: Any) -> Any:
        found = asked(*args)
        monkeypatch.undo()
        Enquiry.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        assert answer_due() == {"answered": 1}
        return found

    monkeypatch.setattr(answering, "_asked", slow)
    assert answer_due() == {"lost": 1}
    assert Delivery.objects.filter(source="api").count() == 1
    assert Enquiry.objects.get().n_tries == 1


def test_what_another_worker_holds_by_now_is_left_to_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    Played(api).comes_to("REVIEW")
    api.behaviour.faults.append("503")
    asked, taken = answering._asked, list[Enquiry]()

    def slow(*args: Any) -> Any:
        Enquiry.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        taken.extend(claim(1))
        return asked(*args)

    monkeypatch.setattr(answering, "_asked", slow)
    assert answer_due() == {"lost": 1}
    enquiry = Enquiry.objects.get()
    assert (enquiry.n_tries, enquiry.leased_until) == (0, taken[0].leased_until)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_ask_each_question_once(api: Api) -> None:
    played = [Played(api) for _ in range(9)]
    for one in played:
        one.comes_to("REVIEW")
    tallies: list[Counter[str]] = []

    def work() -> None:
        while tally := answer_due(2):
            tallies.append(tally)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One that found the others' rows locked may have left before the last were done.
    while tally := answer_due(2):
        tallies.append(tally)

    assert sum(tallies, Counter()) == {"answered": 9}
    assert sum("checks" in path for path in api.paths) == 9


@pytest.mark.django_db(transaction=True)
def test_an_api_that_lets_one_wait_holds_up_no_message(
    api: Api, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It stalls until told otherwise, and is waited for: the message is sent meanwhile.
    monkeypatch.setattr(client, "READ_WITHIN", 200)
    monkeypatch.setattr(client, "ANSWER_WITHIN", 200)
    api.behaviour.stall_seconds = 200
    api.behaviour.faults.append("stall")
    stop = command.Stop()
    worker = threading.Thread(target=lambda: (command.Command().work(stop, 0.05), connection.close()))
    Played(api).comes_to("REVIEW")

    def until(what: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 120
        while not what():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    worker.start()
    try:
        until(lambda: api.paths)
        later = Played(api)
        later.at = timezone.now() - timedelta(hours=1)
        later.comes_to("REVIEW", checks=[{"type": "face", "state": 2}])
        until(lambda: mailoutbox)
        assert Enquiry.objects.get().status == EnquiryStatus.WAITING
    finally:
        api.has_stopped.set()
        stop.order()
        worker.join()
    assert Enquiry.objects.get().status == EnquiryStatus.ANSWERED
