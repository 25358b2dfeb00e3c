"""Acts of people and events from Ralio in any order: the rules of the desk hold after each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kyc import folding, ledger, review, suspicions
from kyc.choices import (
    FINAL_OUTCOMES,
    OUTCOME_STATES,
    DecisionStatus,
    Outcome,
    SessionState,
)
from kyc.exceptions import ActRefused, CorrectionRefused
from kyc.models import Decision, LedgerEntry, ReasonCode, Session, User
from kyc.querysets import FOR_SUPERVISORS
from kyc.rebuilding import rebuild
from kyc.review.acts import Seen
from tests import wire
from tests.factories import UserFactory
from tests.kyc.drawn import IDS, body, checks

N_SESSIONS = 2
VERDICTS = (SessionState.VERIFIED, SessionState.REJECTED)
WORDS = "I compared both pictures with care."
DONE = ("claimed", "approved", "proposed", "confirmed", "undone", "settled")
EVENTS = ("kyc_session_failed", "kyc.session_manual_review", "kyc_session_verified", "kyc_session_expired")
CODES = ["A", "B", "KYC.DOC.DETERIORATED", "never seen"]

REFUSED = [{"type": "face-matching", "state": 2, "reasons": [{"code": "A", "message": "B"}]}]

# Often somebody who can do it, and sometimes somebody else.
people = st.sampled_from(["able", "able", "able", "ana", "ben", "sol", "tom"])
sessions = st.integers(0, N_SESSIONS - 1)
outcomes = st.sampled_from(FINAL_OUTCOMES)


def _further(step: Callable[..., None], n: int) -> Callable[..., None]:
    """Return the same step as a function of its own, for a rule of its own."""

    @wraps(step)
    def again(*args: Any, **drawn: Any) -> None:
        step(*args, **drawn)

    again.__name__ = f"{step.__name__}_{n}"
    return again


class Desk(RuleBasedStateMachine):
    """Two sessions, three officers, two supervisors, an auditor and Ralio.

    `done` counts what was not refused, by the ledger's name of it. Most rules choose where their act has a point.
    """

    done: Counter[str] = Counter()

    @initialize(four_eyes=st.sampled_from(["none", "overrides", "rejections", "all"]))
    def open(self, four_eyes: str) -> None:
        # Earlier runs leave their rows: each has sessions and people of its own.
        self.base = uuid4().int & ~0xFF
        mark = uuid4().hex[:8]
        roles = {"sol": "supervisor", "tom": "supervisor", "aud": "auditor"}
        self.people: dict[str, User] = {
            name: UserFactory(username=f"{name}-{mark}", role=roles.get(name, "officer"))
            for name in ("ana", "ben", "eva", "sol", "tom", "aud")
        }
        self.sent: list[bytes] = []
        self.clock = time_machine.travel(timezone.now(), tick=True)
        self.now = self.clock.start()
        self.settings = _overridden(KYC_FOUR_EYES=four_eyes)
        ReasonCode.objects.filter(is_suspicion=True).update(is_suspicion=False)
        for n in range(N_SESSIONS):
            self._send("kyc.session_manual_review", n, 0, REFUSED)

    # --- Ralio -----------------------------------------------------------------------------------
    @rule(name=st.sampled_from(EVENTS), session=sessions, hour=st.integers(0, 6), said=checks)
    def ralio_says(self, name: str, session: int, hour: int, said: list[Any]) -> None:
        self._send(name, session, hour, said)

    @rule(data=st.data())
    def ralio_repeats_itself(self, data: st.DataObject) -> None:
        assert wire.post(data.draw(st.sampled_from(self.sent))).status_code == 200

    # --- Claims ----------------------------------------------------------------------------------
    @rule(session=sessions, who=people)
    def claim(self, session: int, who: str) -> None:
        self._act(session, who, lambda pk, by: review.claim(pk, by=by))

    @rule(who=people)
    def claim_next(self, who: str) -> None:
        mine = Session.objects.in_review().filter(pk__in=self._ids()).due_first()
        self._act(0, who, lambda pk, by: review.claim_next(mine, by=by))

    @rule(session=sessions, who=people)
    def release(self, session: int, who: str) -> None:
        self._act(session, who, lambda pk, by: review.release(pk, by=by))

    @rule(session=sessions, who=people, to=st.sampled_from(["ana", "sol", "aud"]))
    def assign(self, session: int, who: str, to: str) -> None:
        self._act(session, who, lambda pk, by: review.assign(pk, by=by, to=self.people[to]))

    @rule(session=sessions, who=people, act=st.sampled_from(["ask", "hand_over", "keep", "renew"]))
    def talk_about_a_claim(self, session: int, who: str, act: str) -> None:
        self._act(session, who, lambda pk, by: getattr(review, act)(pk, by=by))

    # --- Decisions -------------------------------------------------------------------------------
    @rule(session=sessions, who=people, outcome=outcomes, code=st.sampled_from(CODES))
    def decide(self, session: int, who: str, outcome: Outcome, code: str) -> None:
        self._decide(session, who, outcome, code)

    def _go_on(self, session: int, outcome: Outcome, is_friendly: bool) -> None:
        """Take the next step on a session's way: decide, check, settle, undo, or hear what Ralio says to it."""
        known = self._known(session)
        if known.is_disputed:
            self._settle(session, "able", outcome)
        elif known.proposed_by_id:
            self._check(session, "able", is_confirmed=is_friendly)
        elif known.state == SessionState.REVIEW:
            self._decide(session, "able", outcome, "A")
        elif outcome == Outcome.APPROVE:
            other = "failed" if known.state == SessionState.VERIFIED else "verified"
            self._send(f"kyc_session_{other}", session, 7 + len(self.sent), REFUSED)
        elif is_friendly:
            self._undo(session, "maker")
        else:
            self._send("kyc.session_manual_review", session, 7 + len(self.sent), REFUSED)

    # A rule is drawn as often as any other one; these are the steps that lead far.
    go_on = rule(session=sessions, outcome=outcomes, is_friendly=st.booleans())(_go_on)
    go_on_1 = rule(session=sessions, outcome=outcomes, is_friendly=st.booleans())(_further(_go_on, 1))
    go_on_2 = rule(session=sessions, outcome=outcomes, is_friendly=st.booleans())(_further(_go_on, 2))
    go_on_3 = rule(session=sessions, outcome=outcomes, is_friendly=st.just(True))(_further(_go_on, 3))

    @rule(
        session=sessions,
        who=people,
        act=st.sampled_from(["escalate", "hand_back", "ask_second_review", "resume"]),
    )
    def work(self, session: int, who: str, act: str) -> None:
        words = {} if act == "resume" else {"rationale": WORDS}
        self._act(session, who, lambda pk, by: getattr(review, act)(pk, by=by, seen=_seen(pk), **words))

    @rule(session=sessions, who=people, hours=st.integers(1, 100))
    def wait(self, session: int, who: str, hours: int) -> None:
        until = timezone.now() + timedelta(hours=hours)
        self._act(
            session, who, lambda pk, by: review.wait(pk, by=by, seen=_seen(pk), until=until, rationale=WORDS)
        )

    @rule(session=sessions, who=people, is_confirmed=st.booleans())
    def check(self, session: int, who: str, is_confirmed: bool) -> None:
        if self._known(session).proposed_by_id:
            self._check(session, who, is_confirmed=is_confirmed)

    @rule(session=sessions, who=st.sampled_from(["maker", "ana", "sol"]))
    def undo(self, session: int, who: str) -> None:
        self._undo(session, who)

    @rule(session=sessions, who=people, outcome=outcomes)
    def settle(self, session: int, who: str, outcome: Outcome) -> None:
        self._settle(session, who, outcome)

    @rule(session=sessions, who=people)
    def decide_what_was_seen_long_ago(self, session: int, who: str) -> None:
        """Whoever has not seen the newest is refused."""
        known = self._known(session)
        stale = Seen(known.version - 1, folding.basis(known))
        with pytest.raises((ActRefused, PermissionDenied)):
            review.approve(known.pk, by=self._person(session, who), seen=stale, rationale=WORDS)

    @rule(session=sessions, act=st.sampled_from(["claim", "release", "ask", "resume", "approve", "reject"]))
    def an_auditor_tries(self, session: int, act: str) -> None:
        known = self._known(session)
        seen = {"seen": _seen(known.pk)} if act in ("resume", "approve", "reject") else {}
        words = {"codes": ["A"], "rationale": WORDS} if act == "reject" else {}
        with pytest.raises((ActRefused, PermissionDenied)):
            getattr(review, act)(known.pk, by=self.people["aud"], **seen, **words)

    # --- The rest --------------------------------------------------------------------------------
    @rule(session=sessions, who=people)
    def note(self, session: int, who: str) -> None:
        self._act(session, who, lambda pk, by: review.add_note(pk, by=by, text=WORDS))

    @rule(session=sessions, user_id=st.sampled_from([*map(UUID, IDS), None]))
    def correct(self, session: int, user_id: UUID | None) -> None:
        known = self._known(session)
        change = review.Change(known, "user_id", user_id)
        admin = UserFactory(role="admin")
        try:
            review.correct(known, by=admin, changes=[change], reason="As told.")
        except CorrectionRefused:
            return

    @rule(code=st.sampled_from(["A", "B"]), is_suspicion=st.booleans())
    def mark_a_code(self, code: str, is_suspicion: bool) -> None:
        row = ReasonCode.objects.filter(code=code).first()
        if row is None:
            return
        with transaction.atomic():
            row.is_suspicion = is_suspicion
            suspicions.note_change(row)
            row.save()
        following = suspicions.Following()
        while following.portion():
            pass

    @rule(minutes=st.sampled_from([1, 4, 30, 70, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now.shift(timedelta(minutes=minutes))

    # --- What never bends ------------------------------------------------------------------------
    @invariant()
    def rule_5_holds(self) -> None:
        for session in self._all():
            wanted = expected(session)
            assert (session.state, session.is_disputed, session.decided_by_id) == wanted, session.pk
            assert session.provider_state == _events(session)[-1][1]

    @invariant()
    def no_rejection_is_without_a_code_and_no_decision_without_its_second_person(self) -> None:
        for decision in Decision.objects.filter(session__in=self._ids()):
            if decision.status == DecisionStatus.CONFIRMED and decision.needs_checker:
                assert decision.checker_id not in (None, decision.maker_id)
            assert decision.outcome != Outcome.REJECT or decision.codes

    @invariant()
    def a_live_proposal_is_seen_and_only_one(self) -> None:
        for session in self._all():
            makers = session.decisions.filter(status=DecisionStatus.PROPOSED).values_list("maker", flat=True)
            assert list(makers) == ([session.proposed_by_id] if session.proposed_by_id else [])

    @invariant()
    def only_reviews_are_held_and_only_by_those_who_may(self) -> None:
        for session in self._all():
            holder = review.holder(session)
            assert holder is None or session.state == SessionState.REVIEW
            assert holder is None or holder.has_perm("kyc.decide_session")

    @invariant()
    def a_suspicion_is_for_supervisors(self) -> None:
        marked = set(ReasonCode.objects.filter(is_suspicion=True).values_list("code", flat=True))
        suspects = Session.objects.filter(FOR_SUPERVISORS, is_suspect=True).values_list("pk", flat=True)
        for session in self._all():
            codes = {
                reason.code
                for check in session.checks.filter(delivery=session.evidence)
                for reason in check.reasons.all()
            }
            if session.state == SessionState.REVIEW and codes & marked:
                assert session.pk in suspects

    def teardown(self) -> None:
        if not hasattr(self, "clock"):
            return
        try:
            for session in self._all():
                assert rebuild(session.pk, is_dry_run=True) == []
            assert list(ledger.verify()) == []
        finally:
            self.settings.disable()
            self.clock.stop()

    # --- How -------------------------------------------------------------------------------------
    def _send(self, name: str, session: int, hour: int, said: list[Any]) -> None:
        told = (name, hour, {"sessionId": session, "userId": IDS[0], "checks": said}, "g2")
        self.sent.append(body(told, sessions=self.base, event_id=uuid4()))
        assert wire.post(self.sent[-1]).status_code == 200

    def _decide(self, session: int, who: str, outcome: Outcome, code: str) -> None:
        if outcome == Outcome.APPROVE:
            self._act(session, who, lambda pk, by: review.approve(pk, by=by, seen=_seen(pk), rationale=WORDS))
        else:
            self._act(
                session,
                who,
                lambda pk, by: review.reject(pk, by=by, seen=_seen(pk), codes=[code], rationale=WORDS),
            )

    def _check(self, session: int, who: str, *, is_confirmed: bool) -> None:
        if is_confirmed:
            self._act(session, who, lambda pk, by: review.confirm(_proposal(pk), by=by, seen=_seen(pk)))
        else:
            self._act(session, who, lambda pk, by: review.send_back(_proposal(pk), by=by, answer=WORDS))

    def _undo(self, session: int, who: str) -> None:
        last = Decision.objects.filter(session=self._id(session)).order_by("pk").last()
        if last is not None:
            names = {person.pk: name for name, person in self.people.items()}
            name = names[last.maker_id] if who == "maker" else who
            self._act(session, name, lambda pk, by: review.undo(last.pk, by=by))

    def _settle(self, session: int, who: str, outcome: Outcome) -> None:
        self._act(
            session,
            who,
            lambda pk, by: review.settle(
                pk, by=by, seen=_seen(pk), outcome=outcome, rationale=WORDS, codes=["A"]
            ),
        )

    def _act(self, session: int, who: str, act: Callable[[UUID, User], object]) -> None:
        """Do it, or be refused and leave everything as it was."""
        before = _picture(self._known(session))
        try:
            act(self._id(session), self._person(session, who))
        except (ActRefused, PermissionDenied):
            assert _picture(self._known(session)) == before
            return
        if _picture(self._known(session)) != before:
            self.done.update(_last_action(self._id(session)))

    def _id(self, n: int) -> UUID:
        return UUID(int=self.base + n)

    def _ids(self) -> list[UUID]:
        return [self._id(n) for n in range(N_SESSIONS)]

    def _person(self, n: int, who: str) -> User:
        """Return the person of that name; "able" is the holder, or a supervisor who has had no part in it so far."""
        if who != "able":
            return self.people[who]
        session = self._known(n)
        part = {session.proposed_by_id, session.decided_by_id}
        free = next(self.people[name] for name in ("sol", "tom", "ana") if self.people[name].pk not in part)
        return review.holder(session) or free

    def _known(self, n: int) -> Session:
        return Session.objects.get(pk=self._id(n))

    def _all(self) -> list[Session]:
        return list(Session.objects.filter(pk__in=self._ids()).order_by("pk"))


def expected(session: Session) -> tuple[SessionState, bool, int | None]:
    """Return state, dispute and decider by the rule's own words, read backwards from the last decision."""
    events = _events(session)
    final = session.decisions.filter(status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES)
    places = {pk: place for place, (pk, _) in enumerate(events)}
    last = max(final, key=lambda made: (places[made.basis_id], made.confirmed_at, made.pk), default=None)
    if last is None:
        return events[-1][1], False, None
    newer = [state for _, state in events[places[last.basis_id] + 1 :]]
    if SessionState.REVIEW in newer:
        return newer[-1], False, None
    own = OUTCOME_STATES[Outcome(last.outcome)]
    verdict = next((state for state in reversed(newer) if state in VERDICTS), own)
    return (own, False, last.maker_id) if verdict == own else (SessionState.REVIEW, True, last.maker_id)


def _events(session: Session) -> list[tuple[int, SessionState]]:
    facts = sorted(folding.facts(session), key=lambda fact: fact.order)
    return [(fact.delivery, SessionState(fact.state)) for fact in facts]


def _seen(pk: UUID) -> Seen:
    session = Session.objects.get(pk=pk)
    return Seen(session.version, folding.basis(session))


def _proposal(pk: UUID) -> Any:
    return (
        Decision.objects.filter(session=pk, status=DecisionStatus.PROPOSED)
        .values_list("pk", flat=True)
        .first()
    )


def _last_action(pk: UUID) -> list[str]:
    entries = LedgerEntry.objects.filter(chain=ledger.session_chain(pk), action__startswith="session.")
    return list(entries.order_by("-seq").values_list("action", flat=True)[:1])


def _picture(session: Session) -> tuple[Any, ...]:
    decisions = tuple(session.decisions.order_by("pk").values_list("pk", "status", "checker"))
    columns = tuple(getattr(session, item.attname) for item in session._meta.concrete_fields)
    return (columns, decisions, session.notes.count())


def _overridden(**values: Any) -> override_settings:
    override = override_settings(**values)
    override.enable()
    return override


@pytest.mark.django_db(transaction=True)
def test_whatever_people_and_ralio_do_the_rules_hold() -> None:
    Desk.done = Counter()
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    # Many acts are refused, for nobody looks first; but each of these was done.
    assert {f"session.{act}" for act in DONE} - set(Desk.done) == set()
