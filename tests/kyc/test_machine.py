"""Anything that can happen to the inbox, in any order: what stands at the end is the pure fold of what was accepted."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kyc import folding, ingestion, ledger, replaying
from kyc.choices import DeliverySource, DeliveryStatus
from kyc.exceptions import CorrectionRefused
from kyc.folding import PROJECTED
from kyc.models import Check, Delivery, Reason, Session, User
from kyc.projection import Corrected, Fact, fold
from kyc.ralio import answers
from kyc.ralio.events import SessionEvent, read
from kyc.ralio.jsontext import Members, parse
from kyc.rebuilding import rebuild
from kyc.review import Change, correct
from kyc.sla import clock
from tests import wire
from tests.factories import UserFactory
from tests.kyc.drawn import IDS, NOON, body, checks, told

N_SESSIONS = 3
# What the fold decides, whatever came first; keys of rows are the desk's own.
COMPARED = tuple(name for name in PROJECTED if name not in ("evidence_id", "decided_by_id"))


class Inbox(RuleBasedStateMachine):
    """A desk and its sender. `events` is what the desk must have applied: each accepted session event, by its id."""

    @initialize()
    def start(self) -> None:
        # Earlier runs leave their rows: each has sessions and events of its own.
        self.base = uuid4().int & ~0xFF
        self.admin: User = UserFactory(role="admin")
        self.sent: list[bytes] = []
        self.events: dict[UUID, tuple[SessionEvent, bool]] = {}
        self.failed: dict[UUID, tuple[SessionEvent, bool]] = {}
        self.unread: dict[UUID, tuple[SessionEvent, bool]] = {}
        self.corrected: dict[UUID, list[Corrected]] = {}

    @rule(drawn=told)
    def send(self, drawn: Any) -> None:
        self._taken(self._new(drawn))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        self._taken(data.draw(st.sampled_from(self.sent)))

    @rule(drawn=st.lists(told, min_size=2, max_size=4), data=st.data())
    def send_at_once(self, drawn: Any, data: st.DataObject) -> None:
        """New ones and old ones from as many threads, each of them twice."""
        sent = [self._new(each) for each in drawn]
        sent += data.draw(st.lists(st.sampled_from(self.sent), max_size=2))
        assert set(_at_once([*sent, *sent])) == {200}
        for each in sent:
            self._accept(each)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_another_content_under_a_known_id(self, data: st.DataObject) -> None:
        event = json.loads(data.draw(st.sampled_from(self.sent)))
        event["data"]["also"] = data.draw(st.integers(0, 3))
        assert wire.post(event).status_code == 200
        other = read(wire.encode(event)).event
        # What we could not read owns no id: this content came first then, and the other will be the conflict.
        if isinstance(other, SessionEvent) and self.unread.pop(other.event_id, None):
            self.events[other.event_id] = (other, False)

    @rule(drawn=told)
    def send_while_we_are_broken(self, drawn: Any) -> None:
        sent = self._new(drawn)
        with patch.object(folding, "fold", side_effect=ValueError("broken")):
            assert wire.post(sent).status_code == 200
        event = read(sent).event
        if isinstance(event, SessionEvent):
            self.failed[event.event_id] = (event, False)

    @rule(drawn=told)
    def send_what_we_can_not_read_yet(self, drawn: Any) -> None:
        sent = self._new(drawn)
        with patch("kyc.ralio.events.read", lambda body: _UNREAD):
            assert wire.post(sent).status_code == 400
        event = read(sent).event
        if isinstance(event, SessionEvent):
            self.unread[event.event_id] = (event, False)

    @rule()
    def replay(self) -> None:
        """Plan everything that waits, which changes nothing, then apply it: twice, for the second time is none."""
        ids = list(replaying.select())
        for pk in ids:
            replaying.plan(pk)
        for pk in (*ids, *ids):
            assert replaying.apply(pk, by=self.admin).ending in _ENDINGS
        self.events |= self.failed | self.unread
        self.failed, self.unread = {}, {}

    @rule(
        session=st.integers(0, N_SESSIONS - 1),
        hour=st.integers(0, 5),
        name=st.sampled_from(["REVIEW", "REJECTED", "VERIFIED"]),
        said=checks,
    )
    def ask_the_api(self, session: int, hour: int, name: str, said: list[dict[str, Any]]) -> None:
        """The API's word for an event of that state and hour: it fills gaps and no more."""
        session_id = self._session(session)
        asked = {
            "session_id": str(session_id),
            "checks": [{**check, "refused_reasons": check.pop("reasons", [])} for check in map(dict, said)],
        }
        answer = parse(json.dumps(asked).encode())
        assert isinstance(answer, Members)
        sent = answers.checks_body(
            answer, session_id=session_id, user_id=UUID(IDS[0]), state=name, at=NOON + timedelta(hours=hour)
        )
        ingestion.receive(sent, {}, source=DeliverySource.API)
        event = answers.read(sent).event
        assert isinstance(event, SessionEvent)
        self.events[event.event_id] = (event, True)

    @precondition(lambda self: self._known())
    @rule(data=st.data(), user_id=st.sampled_from([*map(UUID, IDS), None]))
    def correct(self, data: st.DataObject, user_id: UUID | None) -> None:
        session = Session.objects.get(pk=data.draw(st.sampled_from(self._known())))
        change = Change(session, "user_id", user_id)
        try:
            correct(session, by=self.admin, changes=[change], reason="As told.")
        except CorrectionRefused:
            # The same as before, or at odds with the session's other members.
            return
        self.corrected.setdefault(session.pk, []).append(Corrected("user_id", user_id, session.round))

    @precondition(lambda self: self._known())
    @rule(data=st.data())
    def rebuild(self, data: st.DataObject) -> None:
        assert rebuild(data.draw(st.sampled_from(self._known()))) == []

    @invariant()
    def every_session_is_the_fold_of_its_events(self) -> None:
        for session_id in self._known():
            session = Session.objects.get(pk=session_id)
            facts = [self._fact(event, is_api) for event, is_api in self._of(session_id)]
            wanted = fold(facts, (), self.corrected.get(session_id, ()), clock=clock())
            assert {name: getattr(session, name) for name in COMPARED} == {
                name: getattr(wanted, name) for name in COMPARED
            }
            evidence = session.evidence.event_id if session.evidence else None
            assert evidence == (UUID(int=wanted.evidence_id) if wanted.evidence_id is not None else None)

    def teardown(self) -> None:
        """Nothing was lost, nothing is there twice, and both records agree."""
        if not hasattr(self, "base"):
            return
        for session_id in self._known():
            applied = Delivery.objects.filter(session=session_id, status=DeliveryStatus.APPLIED)
            events = self._of(session_id)
            assert sorted(applied.values_list("event_id", flat=True)) == sorted(e.event_id for e, _ in events)
            said = [check for event, _ in events for check in event.checks]
            assert Check.objects.filter(session=session_id).count() == len(said)
            reasons = Reason.objects.filter(kyc_check__session=session_id)
            assert reasons.count() == sum(len(check.reasons) for check in said)
            assert rebuild(session_id, is_dry_run=True) == []
        assert list(ledger.verify()) == []

    def _new(self, drawn: Any) -> bytes:
        sent = body(drawn, sessions=self.base, event_id=uuid4())
        self.sent.append(sent)
        return sent

    def _taken(self, sent: bytes) -> None:
        assert wire.post(sent).status_code == 200
        self._accept(sent)

    def _accept(self, sent: bytes) -> None:
        event = read(sent).event
        if isinstance(event, SessionEvent):
            self.failed.pop(event.event_id, None)
            self.unread.pop(event.event_id, None)
            self.events.setdefault(event.event_id, (event, False))

    def _session(self, n: int) -> UUID:
        return UUID(int=self.base + n)

    def _known(self) -> list[UUID]:
        return sorted({event.session_id for event, _ in self.events.values()})

    def _of(self, session_id: UUID) -> list[tuple[SessionEvent, bool]]:
        return [each for each in self.events.values() if each[0].session_id == session_id]

    @staticmethod
    def _fact(event: SessionEvent, is_api: bool) -> Fact:
        return Fact(
            delivery=event.event_id.int,
            event_id=event.event_id,
            at=event.at,
            state=event.state,
            entity_type=event.entity_type,
            user_id=event.user_id,
            related_party_id=event.related_party_id,
            n_checks=len(event.checks),
            n_reasons=sum(len(check.reasons) for check in event.checks),
            is_api=is_api,
        )


_UNREAD = read(b"{")
_ENDINGS = {
    replaying.Ending.APPLIED,
    replaying.Ending.NOTHING_TO_DO,
    replaying.Ending.CONFLICT,
    replaying.Ending.KEPT_ALREADY,
}


def _at_once(sent: Sequence[bytes]) -> list[int]:
    """Post each body from a thread of its own at the same moment, and return the answers' statuses."""
    gate, statuses = threading.Barrier(len(sent)), []

    def post(each: bytes) -> None:
        try:
            gate.wait()
            statuses.append(wire.post(each).status_code)
        except Exception as error:  # noqa: BLE001
            statuses.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[each]) for each in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_the_rows_are_the_fold_of_what_was_accepted() -> None:
    run_state_machine_as_test(
        Inbox,
        settings=settings(
            max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
