"""`reconcile`: what Ralio knows and this desk does not, over real HTTP; reported, and brought in."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from kyc import reconciling
from kyc.choices import SessionState
from kyc.models import Delivery, Session
from kyc.ralio.simulator.api import Api
from kyc.ralio.simulator.book import Book
from kyc.rebuilding import rebuild
from tests import wire
from tests.factories import DeliveryFactory, SessionFactory
from tests.kyc.ralio.served import ISSUE, NOON, Played, api

__all__ = ["api"]
pytestmark = pytest.mark.django_db
CHECKS = [{"type": "face-matching", "state": 2, "reasons": [{"code": "X"}]}]


def reconcile(*arguments: str) -> tuple[str, str]:
    """Run the command; return what it printed, and its error, empty when all was well."""
    out = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        assert error.returncode in (1, 130)
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def known(api: Api) -> Played:
    """A user of whom this desk knows one session, whole."""
    played = Played(api)
    played.comes_to("REVIEW", checks=CHECKS)
    return played


def test_what_was_heard_is_no_difference(api: Api) -> None:
    played = known(api)
    played.comes_to("VERIFIED")
    api.book.note(uuid4(), played.user, SessionState.STARTED, NOON, created_at=NOON, problems=())

    out, error = reconcile()
    assert (out, error) == ("1 user compared, 0 differences, 0 repaired.\n", "")


def test_a_missed_state_is_reported_and_left_alone(api: Api) -> None:
    played = known(api)
    played.comes_to("VERIFIED", is_told=False)

    out, error = reconcile()
    assert f"session {played.id}: VERIFIED of 2026-03-17" in out and "UTC, missed" in out
    assert error == "1 user compared, 1 difference, 0 repaired."
    assert played.session.state == "REVIEW" and Delivery.objects.count() == 1


def test_a_missed_state_is_brought_in_and_missed_no_more(api: Api) -> None:
    played = known(api)
    played.comes_to("REJECTED", is_told=False)

    out, error = reconcile("--repair")
    assert error == "" and out.count("repaired\n") == 2, "The state, and its checks."
    session = played.session
    assert (session.state, session.round, session.n_refused) == ("REJECTED", 1, 1)
    assert set(session.rejection_reasons.values_list("code", "is_earlier")) == {(ISSUE.code, False)}
    assert rebuild(session.pk) == []
    assert reconcile("--repair") == ("1 user compared, 0 differences, 0 repaired.\n", "")


def test_a_session_never_heard_of_is_made(api: Api) -> None:
    other = Played(api, known(api).user)
    other.comes_to("REVIEW", is_told=False)

    assert "never heard of" in reconcile()[0]
    assert reconcile("--repair")[1] == ""
    session = other.session
    assert (session.state, session.user_id, session.n_checks) == ("REVIEW", other.user, 2)
    assert set(session.deliveries.values_list("source", flat=True)) == {"api"}


def test_the_event_that_comes_after_all_has_the_word(api: Api) -> None:
    other = Played(api, known(api).user)
    other.comes_to("REVIEW", is_told=False)
    reconcile("--repair")
    other.tell("REVIEW", checks=CHECKS)

    assert (other.session.round, other.session.evidence.source) == (1, "webhook")  # type: ignore[union-attr]
    assert reconcile()[1] == ""


def test_a_review_that_only_a_webhook_may_reopen_stays_a_difference(api: Api) -> None:
    played = known(api)
    played.comes_to("VERIFIED")
    played.comes_to("REVIEW", is_told=False)

    for _ in range(2):
        out, error = reconcile("--repair")
        assert "reopened at Ralio" in out and error
        assert (played.session.state, played.session.round) == ("VERIFIED", 1)


def test_lacking_checks_are_found_and_brought(api: Api) -> None:
    played = Played(api)
    played.comes_to("REVIEW")

    assert "REVIEW" in reconcile()[0] and "checks lacking" in reconcile()[0]
    assert reconcile("--repair")[1] == ""
    assert played.session.n_checks == 2
    assert reconcile()[1] == ""


def test_a_state_that_nobody_knows_is_named(api: Api) -> None:
    played = known(api)
    entry = api.book.session(played.user, played.id)
    assert entry is not None
    entry.log.append(("FROZEN", played.at + timedelta(hours=1)))  # type: ignore[arg-type]

    out, error = reconcile("--repair")
    assert "a state that this desk does not know" in out and error
    assert played.session.state == "REVIEW"


def test_json_is_one_object_a_line(api: Api) -> None:
    played = known(api)
    played.comes_to("VERIFIED", is_told=False)

    lines = [json.loads(line) for line in reconcile("--json")[0].splitlines()]
    assert lines[0] | {"at": ""} == {
        "kind": "missed_state",
        "user": str(played.user),
        "session": str(played.id),
        "state": "VERIFIED",
        "at": "",
        "repaired": False,
    }
    assert lines[1]["summary"]["differences"] == 1 and lines[1]["stopped"] is False


def test_only_the_named_users_and_times_are_compared(api: Api) -> None:
    first, second = known(api), known(api)
    for played in (first, second):
        played.comes_to("VERIFIED", is_told=False)

    out, _ = reconcile(f"--user={first.user}")
    assert str(first.id) in out and str(second.id) not in out
    assert reconcile("--since=2026-03-18")[1] == ""
    last = max(first.user, second.user)
    assert reconcile(f"--after={last}") == ("0 users compared, 0 differences, 0 repaired.\n", "")


def test_what_was_missed_before_the_time_named_is_passed_over(api: Api) -> None:
    played = known(api)
    played.comes_to("REJECTED", is_told=False)
    played.at += timedelta(days=2)
    played.comes_to("VERIFIED")

    assert reconcile("--since=2026-03-18")[1] == ""
    assert reconcile("--since=2026-03-17")[1] != ""


def test_users_come_by_pages_and_from_record_events_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [UUID(int=n) for n in range(1, 8)]
    for user in ids[:5]:
        SessionFactory(user_id=user), SessionFactory(user_id=user)
    for user in ids[4:]:
        DeliveryFactory(is_record=True, user_id=user)
    monkeypatch.setattr(reconciling, "USERS_AT_ONCE", 2)

    assert list(reconciling.users()) == ids
    assert list(reconciling.users(after=ids[3])) == ids[4:]
    assert list(reconciling.users(timezone.now() - timedelta(minutes=5))) == ids[4:]


def test_one_user_without_an_answer_is_named_and_the_others_go_on(api: Api) -> None:
    known(api), known(api)
    api.behaviour.faults.extend(["", "garbage"])
    out, error = reconcile()
    assert "something that is not JSON" in out
    assert error == "2 users compared, 0 differences, 0 repaired, no answer about 1 user."


def test_an_api_that_is_away_ends_it_and_says_where_to_go_on(api: Api, settings: Any) -> None:
    known(api)
    settings.RALIO_API_KEY = "another"
    assert "does not take RALIO_API_CODE" in reconcile()[1]
    settings.RALIO_API_URL = ""
    assert "RALIO_API_URL" in reconcile()[1]


def test_ctrl_c_keeps_what_was_repaired(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = sorted((known(api), known(api)), key=lambda played: played.user)
    for played in (one, other):
        played.comes_to("VERIFIED", is_told=False)
    receive = reconciling.ingestion.receive

    def interrupted(body: bytes, *args: Any, **more: Any) -> Any:
        if str(other.id).encode() in body:
            raise KeyboardInterrupt
        return receive(body, *args, **more)

    monkeypatch.setattr(reconciling.ingestion, "receive", interrupted)
    assert reconcile("--repair")[1] == (
        f"Stopped. 1 user compared, 1 difference, 1 repaired. Go on with --after={one.user}."
    )
    assert (one.session.state, other.session.state) == ("VERIFIED", "REVIEW")


def test_a_state_told_twice_needs_two_events() -> None:
    book = Book()
    user, session = uuid4(), uuid4()
    for n, state in enumerate(["REVIEW", "VERIFIED", "REVIEW"]):
        at = NOON + timedelta(minutes=n)
        book.note(session, user, SessionState(state), at, created_at=NOON - timedelta(hours=1), problems=())
    entry = book.session(user, session)
    assert entry is not None
    logs = [reconciling.Log(state, at, None) for state, at in entry.log]  # type: ignore[arg-type]
    heard = [reconciling.Heard(SessionState.REVIEW, NOON, 0, "webhook")]
    missed = reconciling.missed_logs(logs, heard)
    assert [log.state for log in missed] == ["VERIFIED", "REVIEW"]
    assert missed[1].at > NOON + timedelta(minutes=1)


def test_a_related_party_is_beyond_the_api(api: Api) -> None:
    event = wire.payload("kyc_session_manual_review", user_id=None)
    event["data"] |= {"relatedPartyId": str(uuid4()), "entityType": "related-party"}
    wire.post(event)
    assert Session.objects.count() == 1
    assert reconcile() == ("0 users compared, 0 differences, 0 repaired.\n", "")
