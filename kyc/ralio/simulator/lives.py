"""What happens to whom: the played Ralio's memory of subjects and attempts, and what it says next."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from kyc.choices import SessionState
from kyc.ralio.simulator import money, vocabulary, wire
from kyc.ralio.simulator.book import Book
from kyc.ralio.simulator.vocabulary import Issue
from kyc.ralio.simulator.wire import GENERATIONS, Event

# What can be said next, and how often, in a hundred.
KINDS: Mapping[str, float] = {
    "verified": 44,
    "failed": 14,
    "review": 17,
    "expired": 5,
    "related_party": 5,
    "record": 8,
    "money": 7,
}
NAMES = {
    "verified": "kyc_session_verified",
    "failed": "kyc_session_failed",
    "review": "kyc_session_manual_review",
    "expired": "kyc_session_expired",
    "related_party": "related_party_kyc_session_created",
}
ENDINGS = frozenset({"verified", "failed", "expired"})
# What each kind of event says of its session.
STATES = {
    "verified": SessionState.VERIFIED,
    "failed": SessionState.REJECTED,
    "review": SessionState.REVIEW,
    "expired": SessionState.EXPIRED,
}
LIFETIME = timedelta(days=7)
PATIENCE = timedelta(hours=24)
# The queue is drawn to this length: the longer it is, the more of what comes next settles a waiting session.
QUEUE_LENGTH = 40
MAX_LATE = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is verified: a user, or a related party of a business."""

    id: UUID
    is_related_party: bool = False

    def members(self, generation: str) -> dict[str, str]:
        """Return how `data` names this subject; the oldest generation knows users only and has no entity type."""
        named = {"relatedPartyId" if self.is_related_party else "userId": str(self.id)}
        if generation != "g1":
            named["entityType"] = "related-party" if self.is_related_party else "user"
        return named

    @property
    def record_id(self) -> int:
        return 10_000 + self.id.int % 90_000


@dataclass(slots=True, eq=False)
class Attempt:
    """One session as Ralio knows it."""

    session_id: UUID
    subject: Subject
    created_at: datetime
    generation: str
    problems: list[Issue]
    since: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.created_at


class Ralio:
    """The played Ralio. The same seed and the same calls say the same events, byte for byte."""

    def __init__(
        self,
        seed: int | None = None,
        *,
        generations: Sequence[str] = GENERATIONS,
        mix: Mapping[str, float] = KINDS,
    ) -> None:
        self.rng = Random(seed)  # noqa: S311 - a game, not a secret
        self.generations = tuple(generations)
        self.mix = dict(mix)
        self.waiting: list[Attempt] = []
        self.invited: list[Attempt] = []
        # Sessions that people have decided: what comes of those, somebody tells it.
        self.left_to_people: frozenset[UUID] = frozenset()
        self.n_sessions = 0
        # What its API serves; kept only where somebody asks.
        self.book: Book | None = None
        self._verified: deque[Attempt] = deque(maxlen=40)
        self._failed: deque[Subject] = deque(maxlen=20)
        self._ended: deque[Attempt] = deque(maxlen=200)

    def adopt(
        self,
        session_id: UUID,
        subject_id: UUID,
        *,
        is_related_party: bool,
        is_in_review: bool,
        since: datetime,
    ) -> None:
        """Remember a session that an earlier player left open."""
        attempt = self.attempt(Subject(subject_id, is_related_party), since, session_id=session_id)
        (self.waiting if is_in_review else self.invited).append(attempt)
        if is_in_review:
            self._note("review", since, attempt)

    def next(self, at: datetime) -> Event:
        """Return what Ralio says next, at this instant."""
        kind = self.rng.choices(list(self.mix), list(self.mix.values()))[0]
        if kind == "money":
            return self.money(at)
        if kind == "record":
            return self.record(at)
        attempt = self._continued(kind, at) or self._begun(kind, at)
        return self.tell(kind, at, attempt)

    def old(self, at: datetime) -> Event:
        """Return an event from long ago: of a session that nobody has heard of, or of one that has ended since.

        Half of the latter are of the very instant of the end, so that only the state decides which one is the newer.
        """
        kind = self.rng.choice(sorted(NAMES.keys() - {"related_party"}))
        if self._ended and self.rng.random() < 0.6:
            attempt = self.rng.choice(self._ended)
            then = attempt.since if self.rng.random() < 0.5 else attempt.since - self._long()
            return self._told(kind, then, attempt)
        then = at - self._long()
        subject = self.new_user() if self.rng.random() < 0.9 else self.new_related_party()
        return self._told(
            kind, then, self.attempt(subject, then - timedelta(seconds=self.rng.randrange(90, 1500)))
        )

    @property
    def unsettled(self) -> list[Attempt]:
        """Return the attempts in review that are its own to settle."""
        return [attempt for attempt in self.waiting if attempt.session_id not in self.left_to_people]

    def tell_of(self, session_id: UUID, kind: str, at: datetime) -> Event | None:
        """Return the event of this kind of a session that waits for review; None where it does not."""
        attempt = next((attempt for attempt in self.waiting if attempt.session_id == session_id), None)
        return self.tell(kind, at, attempt) if attempt else None

    def attempt(self, subject: Subject, at: datetime, *, session_id: UUID | None = None) -> Attempt:
        """Return a new attempt of this subject, of which nothing has been said yet."""
        self.n_sessions += 1
        return Attempt(
            session_id or self.new_id(), subject, at, self._generation(subject), vocabulary.issues(self.rng)
        )

    def new_user(self) -> Subject:
        return Subject(self.new_id())

    def new_related_party(self) -> Subject:
        return Subject(self.new_id(), is_related_party=True)

    def new_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    def tell(self, kind: str, at: datetime, attempt: Attempt) -> Event:
        """Return the session event of this kind, and remember where it leaves the attempt."""
        self._remember(kind, at, attempt)
        return self._told(kind, at, attempt)

    def _told(self, kind: str, at: datetime, attempt: Attempt) -> Event:
        self._note(kind, at, attempt)
        name, generation = NAMES[kind], self._generation(attempt.subject, attempt.generation)
        data = (
            self._created(attempt)
            if kind == "related_party"
            else self._outcome(name, at, attempt, generation)
        )
        return self._write(name, at, data, generation, attempt.session_id)

    def record(self, at: datetime, subject: Subject | None = None) -> Event:
        """Return an event about a KYC or KYB record: of this subject just verified, or of somebody known."""
        if subject is not None:
            name = "kyc_state_updated"
        else:
            name = self.rng.choice(("kyc_state_updated", "kyc_expiration_warning", "kyb_state_updated"))
            subject = self.rng.choice(self._verified).subject if self._verified else self.new_user()
            if name == "kyb_state_updated" and subject.is_related_party:
                subject = self.new_user()
        generation = self._generation(subject)
        return self._write(name, at, self._recorded(name, at, subject, generation), generation)

    def money(self, at: datetime) -> Event:
        """Return an event that is no KYC event."""
        name = self.rng.choice(money.NAMES)
        return self._write(name, at, money.data(self.rng, name), self.rng.choice(self.generations))

    def _continued(self, kind: str, at: datetime) -> Attempt | None:
        """Return the open attempt that an event of this kind goes on with, if it does."""
        if kind == "review":
            return self.rng.choice(self._verified) if self._verified and self.rng.random() < 0.03 else None
        if kind == "expired":
            ended = [a for a in (*self.unsettled, *self.invited) if a.created_at + LIFETIME < at]
            return ended[0] if ended else None
        if kind == "related_party":
            return None
        if self.invited and self.rng.random() < len(self.invited) / 30:
            return self.rng.choice(self.invited)
        unsettled = self.unsettled
        if self.rng.random() < 0.27 * (len(unsettled) / QUEUE_LENGTH) ** 2:
            return self._settled(unsettled, at)
        return None

    def _settled(self, unsettled: list[Attempt], at: datetime) -> Attempt:
        """Return a waiting attempt: the oldest when too many are late, else one that lets the old ones age."""
        oldest_first = sorted(unsettled, key=lambda a: a.since)
        if sum(at - a.since > PATIENCE for a in oldest_first) > MAX_LATE:
            return oldest_first[0]
        return self.rng.choice(oldest_first[len(oldest_first) // 3 :])

    def _begun(self, kind: str, at: datetime) -> Attempt:
        """Return a new attempt: of a new subject, or of one who failed and tries again."""
        created_at = (
            at - LIFETIME if kind == "expired" else at - timedelta(seconds=self.rng.randrange(90, 1500))
        )
        if kind == "related_party":
            return self.attempt(self.new_related_party(), at)
        if self._failed and self.rng.random() < 0.25:
            return self.attempt(self._failed.popleft(), created_at)
        return self.attempt(self.new_user(), created_at)

    def _remember(self, kind: str, at: datetime, attempt: Attempt) -> None:
        for pool in (self.waiting, self.invited):
            if attempt in pool:
                pool.remove(attempt)
        attempt.since = at
        if kind == "review":
            self.waiting.append(attempt)
        elif kind == "related_party":
            self.invited.append(attempt)
        elif kind == "verified":
            self._verified.append(attempt)
        elif kind == "failed":
            self._failed.append(attempt.subject)
        if kind in ENDINGS:
            self._ended.append(attempt)

    def _long(self) -> timedelta:
        """Return a stretch of time: a day at least, some days mostly, now and then years."""
        return timedelta(days=min(self.rng.paretovariate(0.7), 2_000))

    def _note(self, kind: str, at: datetime, attempt: Attempt) -> None:
        """Write into the book what became of a user's attempt: the API knows of users only."""
        if self.book is None or kind not in STATES or attempt.subject.is_related_party:
            return
        self.book.note(
            attempt.session_id,
            attempt.subject.id,
            STATES[kind],
            at,
            created_at=min(attempt.created_at, at),
            problems=attempt.problems,
        )

    def _generation(self, subject: Subject, preferred: str = "") -> str:
        if preferred and self.rng.random() < 0.85:
            return preferred
        newer = [generation for generation in self.generations if generation != "g1"]
        return self.rng.choice(newer if subject.is_related_party and newer else self.generations)

    def _outcome(self, name: str, at: datetime, attempt: Attempt, generation: str) -> dict[str, Any]:
        problems = [] if name in {NAMES["verified"], NAMES["expired"]} else attempt.problems
        data = {"sessionId": str(attempt.session_id), **attempt.subject.members(generation)}
        listed = wire.checks(self.rng, generation, name, at, problems)
        return data if listed is None else {**data, "checks": listed}

    def _created(self, attempt: Attempt) -> dict[str, Any]:
        expires_at = attempt.created_at + LIFETIME
        return {
            "businessUser": vocabulary.company(self.rng),
            "relatedParty": vocabulary.related_party(self.rng, str(attempt.subject.id)),
            "kycSession": {
                "id": str(attempt.session_id),
                "provider": "mati",
                "url": f"https://verify.example/{self.new_id()}",
                "expiresAt": f"{expires_at:%Y-%m-%dT%H:%M:%S}.000Z",
            },
        }

    def _recorded(self, name: str, at: datetime, subject: Subject, generation: str) -> dict[str, Any]:
        if name == "kyb_state_updated":
            level = self.rng.choice(("REGULAR", "LIGHT"))
            return {"kybId": subject.record_id, "userId": str(subject.id), "state": level}
        data: dict[str, Any] = {"kycId": subject.record_id, **subject.members(generation)}
        if name == "kyc_state_updated":
            return data | {"state": self.rng.choice(("REGULAR", "REGULAR", "REGULAR", "LIGHT"))}
        return data | {
            "expirationDate": f"{at + timedelta(days=14):%Y-%m-%d}",
            "daysRemaining": 14,
            "action": "Create a new KYC verification session for the affected user before their current"
            " verification expires.",
        }

    def _write(
        self, name: str, at: datetime, data: dict[str, Any], generation: str, session_id: UUID | None = None
    ) -> Event:
        return wire.write(
            self.rng,
            wire.style(self.rng, generation, name),
            event_id=self.new_id(),
            name=name,
            at=at,
            data=data,
            session_id=session_id,
        )
