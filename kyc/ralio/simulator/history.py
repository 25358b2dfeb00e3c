"""Some weeks of lives in one go: who tried when, how each attempt ended, and what is still waiting at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kyc.ralio.simulator.lives import LIFETIME, PATIENCE, Attempt, Ralio, Subject
from kyc.ralio.simulator.wire import Event

# How an attempt goes, and how often: most pass at once.
_PATHS = {
    ("verified",): 57,
    ("failed",): 12,
    ("expired",): 5,
    ("review", "verified"): 13,
    ("review", "failed"): 10,
    ("review", "expired"): 1,
    ("verified", "review", "verified"): 1,
    ("verified", "review", "failed"): 1,
}
_MAX_TRIES = 4
# Hours that sessions still in the queue have been waiting: (from, to): how often.
_AGES = {(0.05, 4): 30, (4, 12): 28, (12, 20): 22, (20.2, 23.7): 12, (24.5, 60): 8}
_LONG_WAITS = (timedelta(days=8, hours=3), timedelta(days=6, hours=14), timedelta(days=5, hours=6))
# Subjects try by day and in the evening; the hour's weight, from midnight.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 10, 11, 11, 11, 10, 10, 9, 8, 6, 4, 2)
_WEEKEND = 0.35
_OFFICE_OPENS, _OFFICE_CLOSES = 8, 19


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that will be said. Without a kind it is about the subject's record, without an attempt about money."""

    at: datetime
    kind: str = ""
    attempt: Attempt | None = None


def history(
    ralio: Ralio, n_sessions: int, *, since: datetime, until: datetime, n_waiting: int
) -> list[Event]:
    """Return the events of about `n_sessions` new sessions, oldest first, leaving about `n_waiting` in the queue.

    Sessions adopted before are settled on the way, so that few of them are late at the end.
    """
    steps = _left_over(ralio, since, until)
    n_open = len(ralio.waiting) - len(steps)
    target = ralio.n_sessions + n_sessions
    while ralio.n_sessions < target - max(0, n_waiting - n_open):
        life = list(_life(ralio, since, until))
        n_open += _n_left_waiting(life)
        steps += life
    for _ in range(min(n_waiting - n_open, target - ralio.n_sessions)):
        steps.append(_still_waiting(ralio, since, until))
    return [_say(ralio, step) for step in sorted(steps, key=lambda step: step.at)]


def long_waits(ralio: Ralio, *, until: datetime) -> list[Event]:
    """Return the events of a few sessions that nobody has looked at for days: one of them has run out."""
    events = []
    for wait in _LONG_WAITS:
        attempt = ralio.attempt(ralio.new_user(), until - wait - timedelta(minutes=9))
        events.append(ralio.tell("review", until - wait, attempt))
    return events


def _say(ralio: Ralio, step: _Step) -> Event:
    if step.attempt is None:
        return ralio.money(step.at)
    if not step.kind:
        return ralio.record(step.at, step.attempt.subject)
    return ralio.tell(step.kind, step.at, step.attempt)


def _left_over(ralio: Ralio, since: datetime, until: datetime) -> list[_Step]:
    steps = []
    for attempt in ralio.unsettled:
        is_late = until - attempt.since > PATIENCE
        if ralio.rng.random() < (0.93 if is_late else 0.3):
            at = _between(ralio, max(since, attempt.since), until)
            steps.append(_Step(at, ralio.rng.choice(("verified", "failed")), attempt))
    return steps


def _life(ralio: Ralio, since: datetime, until: datetime) -> Iterator[_Step]:
    """Yield what happens, up to `until`, to one more user or to the people behind one more business."""
    began = _moment(ralio, since, until)
    if ralio.rng.random() < 0.88:
        yield from _tries(ralio, ralio.new_user(), began, until)
    else:
        for _ in range(ralio.rng.choice((1, 1, 2, 3))):
            yield from _invitation(ralio, began, until)
    if ralio.rng.random() < 0.25:
        yield _Step(_between(ralio, began, until))


def _tries(ralio: Ralio, subject: Subject, at: datetime, until: datetime) -> Iterator[_Step]:
    for _ in range(_MAX_TRIES):
        steps = list(_path(ralio, ralio.attempt(subject, at)))
        yield from (step for step in steps if step.at <= until)
        last = steps[-1]
        at = last.at + _around(ralio, hours=15)
        if last.kind != "failed" or at > until or ralio.rng.random() > 0.55:
            return


def _invitation(ralio: Ralio, at: datetime, until: datetime) -> Iterator[_Step]:
    attempt = ralio.attempt(ralio.new_related_party(), at)
    path = _path(ralio, attempt, at + _around(ralio, hours=12))
    yield from (step for step in (_Step(at, "related_party", attempt), *path) if step.at <= until)


def _path(ralio: Ralio, attempt: Attempt, starts_at: datetime | None = None) -> Iterator[_Step]:
    """Yield one attempt's events: the first some minutes after it started, verdicts when somebody got to it."""
    at = (starts_at or attempt.created_at) + timedelta(seconds=ralio.rng.randrange(90, 1500))
    path = ralio.rng.choices(list(_PATHS), list(_PATHS.values()))[0]
    for i, kind in enumerate(path):
        if kind == "expired":
            at = attempt.created_at + LIFETIME
        elif i and path[i - 1] == "review":
            at = _in_office_hours(ralio, at + _around(ralio, hours=6))
        elif i:
            at += timedelta(days=ralio.rng.uniform(2, 6))
        yield _Step(at, kind, attempt)
        if kind == "verified" and ralio.rng.random() < 0.5:
            yield _Step(at + timedelta(seconds=ralio.rng.randrange(1, 20)), "", attempt)


def _n_left_waiting(life: list[_Step]) -> int:
    last = {id(step.attempt): step.kind for step in life if step.kind}
    return list(last.values()).count("review")


def _still_waiting(ralio: Ralio, since: datetime, until: datetime) -> _Step:
    low, high = ralio.rng.choices(list(_AGES), list(_AGES.values()))[0]
    at = until - timedelta(hours=ralio.rng.uniform(low, high))
    if at < since:
        at = _between(ralio, since, until)
    subject = ralio.new_related_party() if ralio.rng.random() < 0.15 else ralio.new_user()
    attempt = ralio.attempt(subject, at - timedelta(seconds=ralio.rng.randrange(90, 1500)))
    return _Step(at, "review", attempt)


def _moment(ralio: Ralio, since: datetime, until: datetime) -> datetime:
    """Return an instant when a subject may sit down to it: rather lately, on a weekday, by day."""
    for _ in range(30):
        share = max(ralio.rng.random(), ralio.rng.random() * 1.2 % 1)
        at = since + (until - since) * share
        weight = _HOURS[at.hour] / max(_HOURS) * (_WEEKEND if at.weekday() >= 5 else 1)
        if ralio.rng.random() < weight:
            return at
    return at


def _in_office_hours(ralio: Ralio, at: datetime) -> datetime:
    if _OFFICE_OPENS <= at.hour < _OFFICE_CLOSES:
        return at
    day = at if at.hour < _OFFICE_OPENS else at + timedelta(days=1)
    opens = day.replace(hour=_OFFICE_OPENS, minute=0, second=0)
    return opens + timedelta(seconds=ralio.rng.randrange(5400))


def _around(ralio: Ralio, *, hours: float) -> timedelta:
    """Return a waiting time of about so many hours; some are far longer."""
    return timedelta(hours=min(hours * ralio.rng.lognormvariate(0, 0.7), 60))


def _between(ralio: Ralio, since: datetime, until: datetime) -> datetime:
    return since + (until - since) * ralio.rng.random()
