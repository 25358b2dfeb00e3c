"""The desk as `tests.chaos.claims` has it: people, sessions to race for, what disturbs them, and the judgement.

Imported when Django is set up, which in that script is late.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from kyc import ledger
from kyc.choices import SessionState
from kyc.models import LedgerEntry, Session, User
from tests.chaos.chains import broken_claims

HOUR = timedelta(hours=1)
# Every so many is a supervisor.
SUPERVISORS = 5
# Few, so that everybody meets.
N_STORMY = 12
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


# Tells what is wrong with the answers that those who raced for a phase's sessions had.
type Judge = Callable[[list[str]], Iterator[str]]


def hire(number: int) -> list[int]:
    """Make so many people, and return their keys."""
    people = User.objects.bulk_create(User(username=f"person{n:03}") for n in range(number))
    for role, some in (("supervisor", people[::SUPERVISORS]), ("officer", people)):
        Group.objects.get(name=role).user_set.add(*some)
    return [person.pk for person in people]


def arrange(phase: int, people: list[int]) -> Judge:
    """Put the sessions of a phase into an empty queue."""
    empty = ("due_at", "snoozed_until", "proposed_by", "assignee", "claimed_until", "asked_by", "asked_at")
    Session.objects.update(state=SessionState.VERIFIED, **dict.fromkeys(empty))
    now, holder = timezone.now(), people[-1]
    match phase:
        case 0:
            # What is not to be had is the most urgent.
            _enqueue(10, now - HOUR, assignee_id=holder, claimed_until=now + HOUR)
            _enqueue(10, now - HOUR, snoozed_until=now + HOUR)
            _enqueue(10, now - HOUR, proposed_by_id=holder)
            ended = _enqueue(len(people) // 2, now, assignee_id=holder, claimed_until=now)
            free = ended | _enqueue(len(people) - len(ended), now + HOUR)
            return lambda answers: _each_has_one(answers, free)
        case 1:
            free = _enqueue(len(people) // 2, now)
            return lambda answers: _each_has_one([answer for answer in answers if answer], free)
        case 2:
            _enqueue(1, now)
            return _one_has_it
        case _:
            _enqueue(N_STORMY, now)
            return lambda answers: iter(())


def disturb(seconds: float, random: Random, people: list[int]) -> None:
    """End leases and close accounts for so long, while everybody works."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        session = random.choice(list(Session.objects.in_review().values_list("pk", flat=True)))
        person = User.objects.filter(pk=random.choice(people))
        Session.objects.filter(pk=session, assignee__isnull=False).update(claimed_until=timezone.now())
        person.update(is_active=False)
        time.sleep(0.02)
        person.update(is_active=True)


def wrong_rows() -> Iterator[str]:
    """Yield what does not hold of the sessions and of the record, and what PostgreSQL had to break up."""
    sessions = {str(session.pk): session for session in Session.objects.all()}
    entries: dict[str, list[LedgerEntry]] = {pk: [] for pk in sessions}
    for entry in LedgerEntry.objects.filter(chain__startswith="session:").order_by("seq"):
        entries[entry.chain.removeprefix("session:")].append(entry)
    for pk, session in sessions.items():
        if session.state == SessionState.REVIEW:
            yield from broken_claims(session, entries[pk])
    yield from (str(fault) for fault in ledger.verify())
    with connection.cursor() as cursor:
        cursor.execute(_DEADLOCKS)
        ((n_deadlocks,),) = cursor.fetchall()
    print(f"{sum(map(len, entries.values())):,} entries; deadlocks that PostgreSQL counted: {n_deadlocks}")
    if n_deadlocks:
        yield f"There were {n_deadlocks} deadlocks."


def _each_has_one(answers: list[str], free: frozenset[str]) -> Iterator[str]:
    given = Counter(answers)
    yield from (f"{pk} was given {n} times." for pk, n in given.items() if n > 1)
    if given.keys() != free:
        yield f"{len(free - given.keys())} were given to nobody, and {len(given.keys() - free)} were not free."


def _one_has_it(answers: list[str]) -> Iterator[str]:
    if Counter(answers) != {"": 1, "refused": len(answers) - 1}:
        yield f"It was answered {Counter(answers)}."


def _enqueue(number: int, due_at: datetime, **columns: Any) -> frozenset[str]:
    """Put so many sessions into the queue, and return their ids."""
    since = due_at - 24 * HOUR
    made = Session.objects.bulk_create(
        Session(
            pk=uuid4(),
            provider_state=SessionState.REVIEW,
            state=SessionState.REVIEW,
            state_since=since,
            first_event_at=since,
            last_event_at=since,
            due_at=due_at,
            version=1,
            **columns,
        )
        for _ in range(number)
    )
    return frozenset(str(session.pk) for session in made)
