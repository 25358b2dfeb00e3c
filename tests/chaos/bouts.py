"""The rounds of `tests.chaos.decisions`: what each side does to a session, and how that may end.

Imported when Django is set up, which in these scripts is late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from kyc import folding, ledger, review
from kyc.choices import FINAL_OUTCOMES, OUTCOME_STATES, DecisionStatus, Outcome
from kyc.models import Decision, Session, User
from kyc.rebuilding import rebuild
from tests import wire

WORDS = "I compared both pictures with care."
CODE = "LOW_CONFIDENCE"
CHECKS = [{"type": "face-matching", "state": "Refused", "reasons": [{"code": CODE, "message": "Glare"}]}]
# Ralio's next event -> state and dispute of a session that was rejected here, and of one that was not.
AFTERWARDS = {
    "verified": (("REVIEW", True), "VERIFIED"),
    "failed": (("REJECTED", False), "REJECTED"),
    "expired": (("REJECTED", False), "EXPIRED"),
    "manual_review": (("REVIEW", False), "REVIEW"),
}
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Move:
    """One act of `kyc.review` on a session or a decision, or the event that Ralio sends."""

    act: str
    subject: Any = None
    by: int = 0
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bout:
    """Moves of the same instant. `is_well` says of the session and of what each side heard whether that may be."""

    kind: str
    session: Session
    moves: Sequence[Move]
    is_well: Callable[[Session, Sequence[str]], bool]


def make(move: Move) -> str:
    """Make a move, and return "done", or the kind of refusal, or after a "!" what should never be."""
    try:
        if move.act == "webhook":
            status = wire.post(move.subject).status_code
            return "done" if status == 200 else f"!{status}"
        getattr(review, move.act)(move.subject, by=User.objects.get(pk=move.by), **move.named)
    except (PermissionDenied, ValidationError) as refusal:
        return type(refusal).__name__
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
        return f"!{type(error).__name__}: {error}"
    return "done"


def arrange(number: int) -> list[Bout]:
    """Return so many rounds, of each kind in turn, each with a session of its own."""
    people = _hire()
    decided, confirmed, undone, late = (cycle(AFTERWARDS) for _ in range(4))
    kinds: list[Callable[[], Bout]] = [
        lambda: two_decide(people),
        lambda: three_confirm(people),
        lambda: maker_takes_it_back(people),
        lambda: ralio_meets_decision(people, next(decided)),
        lambda: ralio_meets_confirmation(people, next(confirmed)),
        lambda: two_settle(people),
        lambda: decision_meets_escalation(people),
        lambda: two_undo(people),
        lambda: ralio_meets_undo(people, next(undone)),
        lambda: late_event_meets_decision(people, next(late)),
    ]
    return [kind() for kind in islice(cycle(kinds), number)]


# --- The rounds ----------------------------------------------------------------------------------
def two_decide(people: _People) -> Bout:
    session = _reviewed()

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        return _one_was_right(heard) and now.state == OUTCOME_STATES[Outcome(_final(now).outcome)]

    return Bout("two decide", session, [_approve(session, people.ana), _reject(session, people.ben)], is_well)


def three_confirm(people: _People) -> Bout:
    session, proposal = _proposed(people)
    moves = [_move("confirm", proposal.pk, by, session) for by in (people.ana, people.ben, people.eva)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        maker, *checkers = heard
        checker = (people.ben, people.eva)[checkers.index("done")] if "done" in checkers else None
        return (
            maker == "ActForbidden"
            and sorted(checkers) == ["SessionChanged", "done"]
            and (now.state, _final(now).checker) == ("REJECTED", checker)
        )

    return Bout("the maker and two others confirm", session, moves, is_well)


def maker_takes_it_back(people: _People) -> Bout:
    """Who confirms first is undone after that: the maker may, for some minutes."""
    session, proposal = _proposed(people)
    moves = [Move("undo", proposal.pk, people.ana.pk), _move("confirm", proposal.pk, people.ben, session)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        decision = now.decisions.get(pk=proposal.pk)
        checker = people.ben if heard[1] == "done" else None
        return (
            heard[0] == "done"
            and heard[1] in ("done", "SessionChanged")
            and (now.state, decision.status, decision.checker) == ("REVIEW", "undone", checker)
        )

    return Bout("an undo meets a confirmation", session, moves, is_well)


def ralio_meets_decision(people: _People, name: str) -> Bout:
    session = _reviewed()
    moves = [_event(session, name), _reject(session, people.ana)]
    return Bout(f"{name} meets a decision", session, moves, _as_rule_5_says(name))


def ralio_meets_confirmation(people: _People, name: str) -> Bout:
    session, proposal = _proposed(people)
    moves = [_event(session, name), _move("confirm", proposal.pk, people.ben, session)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        status = now.decisions.get(pk=proposal.pk).status
        return _as_rule_5_says(name)(now, heard) and status == (
            "confirmed" if heard[1] == "done" else "lapsed"
        )

    return Bout(f"{name} meets a confirmation", session, moves, is_well)


def two_settle(people: _People) -> Bout:
    session = _rejected(people)[0]
    assert wire.post(_event(session, "verified").subject).status_code == 200
    moves = [
        _move("settle", session.pk, by, session, outcome=outcome, rationale=WORDS)
        for by, outcome in ((people.sol, Outcome.APPROVE), (people.tom, Outcome.REJECT))
    ]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        settled = now.decisions.filter(settles__isnull=False)
        return _one_was_right(heard) and [OUTCOME_STATES[Outcome(row.outcome)] for row in settled] == [
            now.state
        ]

    return Bout("two settle", session, moves, is_well)


def decision_meets_escalation(people: _People) -> Bout:
    session = _reviewed()
    moves = [
        _approve(session, people.ana),
        _move("escalate", session.pk, people.ben, session, rationale=WORDS),
    ]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        if heard[0] == "done":
            return (now.state, heard[1]) == ("VERIFIED", "SessionChanged")
        return (now.state, *heard[:2]) == ("REVIEW", "ActForbidden", "done") and now.escalated_at is not None

    return Bout("a decision meets an escalation", session, moves, is_well)


def two_undo(people: _People) -> Bout:
    session, decision = _rejected(people)
    moves = [Move("undo", decision.pk, by.pk) for by in (people.ana, people.sol)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        undone = now.decisions.get(pk=decision.pk)
        first = (people.ana, people.sol)[heard.index("done")] if "done" in heard else None
        return sorted(heard[:2]) == ["ActRefused", "done"] and (now.assignee, undone.undone_by) == (
            first,
            first,
        )

    return Bout("two undo", session, moves, is_well)


def ralio_meets_undo(people: _People, name: str) -> Bout:
    session, decision = _rejected(people)
    moves = [_event(session, name), Move("undo", decision.pk, people.ana.pk)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        rejected, other = AFTERWARDS[name]
        wanted = (other, False) if heard[1] == "done" else rejected
        return heard[1] in ("done", "ActRefused") and (now.state, now.is_disputed) == wanted

    return Bout(f"{name} meets an undo", session, moves, is_well)


def late_event_meets_decision(people: _People, name: str) -> Bout:
    """What happened before the review, and comes now, decides nothing. Whoever had not seen it looks again."""
    session = _reviewed()
    moves = [_event(session, name, hours=-1), _reject(session, people.ana)]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        state = "REJECTED" if heard[1] == "done" else "REVIEW"
        return heard[1] in ("done", "SessionChanged") and now.state == state

    return Bout("a late event meets a decision", session, moves, is_well)


# --- The judgement -------------------------------------------------------------------------------
def wrong_rounds(rounds: Sequence[Bout], heard: Sequence[Sequence[str]]) -> Iterator[str]:
    for bout, said in zip(rounds, heard, strict=True):
        now = Session.objects.get(pk=bout.session.pk)
        is_event_kept = bout.moves[0].act != "webhook" or said[0] == "done"
        if not is_event_kept or not bout.is_well(now, said):
            yield f"{bout.kind}, {now.pk}: heard {', '.join(said)}; it is {now.state} at version {now.version}."


def wrong_rows() -> Iterator[str]:
    """Yield what does not hold of the rows and of the record, and what PostgreSQL had to break up."""
    sessions = Session.objects.values_list("pk", flat=True)
    for pk in sessions:
        if differences := rebuild(pk, is_dry_run=True):
            yield f"{pk} is not what its events and decisions say: {differences}."
    yield from (str(fault) for fault in ledger.verify())
    with connection.cursor() as cursor:
        cursor.execute(_DEADLOCKS)
        ((n_deadlocks,),) = cursor.fetchall()
    print(f"{len(sessions):,} sessions folded anew; deadlocks that PostgreSQL counted: {n_deadlocks}")
    if n_deadlocks:
        yield f"There were {n_deadlocks} deadlocks."


def _one_was_right(heard: Sequence[str]) -> bool:
    return sorted(heard[:2]) in (["SessionChanged", "done"], ["ClaimedByAnother", "done"])


def _as_rule_5_says(name: str) -> Callable[[Session, Sequence[str]], bool]:
    """Return whether the session is what the rule says of it, decided before Ralio's event or not at all."""
    decided, undecided = AFTERWARDS[name]

    def is_well(now: Session, heard: Sequence[str]) -> bool:
        wanted = decided if heard[1] == "done" else (undecided, False)
        return heard[1] in ("done", "SessionChanged") and (now.state, now.is_disputed) == wanted

    return is_well


def _final(session: Session) -> Decision:
    """Return the one decision that holds; there must not be two."""
    return session.decisions.get(status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES)


# --- The scene -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _People:
    """Three officers and two supervisors."""

    ana: User
    ben: User
    eva: User
    sol: User
    tom: User


def _hire() -> _People:
    made = {name: User.objects.create(username=name) for name in ("ana", "ben", "eva", "sol", "tom")}
    for name, person in made.items():
        person.groups.add(Group.objects.get(name="supervisor" if name in ("sol", "tom") else "officer"))
    return _People(**made)


def _reviewed() -> Session:
    event = wire.payload("kyc_session_manual_review", checks=CHECKS)
    assert wire.post(event).status_code == 200
    return Session.objects.get(pk=event["data"]["sessionId"])


def _proposed(people: _People) -> tuple[Session, Decision]:
    """A session with a rejection that ana proposes."""
    session = _reviewed()
    review.ask_second_review(session.pk, by=people.ana, seen=_seen(session), rationale=WORDS)
    return session, _do(_reject(session, people.ana))


def _rejected(people: _People) -> tuple[Session, Decision]:
    session = _reviewed()
    return session, _do(_reject(session, people.ana))


def _do(move: Move) -> Decision:
    made: Decision = getattr(review, move.act)(move.subject, by=User.objects.get(pk=move.by), **move.named)
    return made


def _seen(session: Session) -> review.Seen:
    now = Session.objects.get(pk=session.pk)
    return review.Seen(now.version, folding.basis(now))


def _move(act: str, subject: Any, by: User, session: Session, **named: Any) -> Move:
    return Move(act, subject, by.pk, {"seen": _seen(session), **named})


def _approve(session: Session, by: User) -> Move:
    return _move("approve", session.pk, by, session, rationale=WORDS)


def _reject(session: Session, by: User) -> Move:
    return _move("reject", session.pk, by, session, rationale=WORDS, codes=[CODE])


def _event(session: Session, name: str, *, hours: int = 1) -> Move:
    at = session.last_event_at + timedelta(hours=hours)
    event = wire.payload(f"kyc_session_{name}", session_id=session.pk, at=at, checks=CHECKS)
    return Move("webhook", wire.encode(event))
