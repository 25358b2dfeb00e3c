"""What the demo's Ralio says: the weeks before, or what was missed since last time, then one event after another."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q
from django.utils import timezone

from config.demo.furnishing import describe_codes, enter_contacts
from config.demo.work import work
from kyc.choices import EntityType, SessionState
from kyc.models import Delivery, Session
from kyc.querysets import CLAIMED, IN_REVIEW, PROPOSED, SNOOZED, UNENTERED
from kyc.ralio.simulator import Event, Player, Ralio
from kyc.ralio.simulator.book import Book
from kyc.ralio.simulator.history import history, long_waits

_SPAN = timedelta(weeks=3)
# A gap shorter than this needs no filling.
_SHORT = timedelta(minutes=15)
# The server writes one event at a time; two connections keep it busy.
_N_CONNECTIONS = 2
# How many sessions wait when the weeks before are told. The demo's people then decide some of them.
_N_WAITING = 72
# People enter their decisions in Ralio's portal after a while, one in so many events; now and then Ralio disagrees.
_ENTERS_AFTER = timedelta(minutes=6)
_ENTERS, _DISAGREES = 0.05, 0.15
# By a person, not by a suspicion.
_HANDED_ON = IN_REVIEW & (Q(is_second_review=True) | Q(escalated_at__isnull=False, is_suspect=False))
_KINDS = {SessionState.VERIFIED: "verified", SessionState.REJECTED: "failed"}


class Story(threading.Thread):
    """Plays Ralio in the background until `stop` is set; `error` says what ended it early."""

    def __init__(
        self,
        player: Player,
        *,
        n_sessions: int,
        rate: float,
        people: tuple[str, str, str],
        say: Callable[[str], None],
        book: Book | None = None,
    ) -> None:
        super().__init__(name="story", daemon=True)
        self.error: BaseException | None = None
        self.stop = player.stop
        self._player, self._say = player, say
        self._n_sessions, self._rate, self._people = n_sessions, rate, people
        self._ralio = Ralio()
        self._ralio.book = book

    def run(self) -> None:
        try:
            describe_codes()
            self._remember()
            self._tell_what_was_missed()
            if not self.stop.is_set():
                enter_contacts()
                self._say("Two officers and a supervisor work at the queue.")
                work(self._people, self._answer)
                self._go_on()
        except BaseException as error:  # noqa: BLE001 - the demo ends with it, in its own thread
            self.error = error
        finally:
            connection.close()

    def _remember(self) -> None:
        """Know the sessions that earlier runs left open at Ralio."""
        still_open = Session.objects.filter(
            provider_state__in=[SessionState.REVIEW, SessionState.NOT_STARTED]
        ).order_by("last_event_at")
        for session in still_open.exclude(entity_type=EntityType.UNKNOWN):
            is_related_party = session.entity_type == EntityType.RELATED_PARTY
            subject_id = session.related_party_id if is_related_party else session.user_id
            if subject_id is not None:
                self._ralio.adopt(
                    session.id,
                    subject_id,
                    is_related_party=is_related_party,
                    is_in_review=session.provider_state == SessionState.REVIEW,
                    since=session.last_event_at,
                )
        self._leave_to_people()

    def _tell_what_was_missed(self) -> None:
        until = timezone.now()
        since = max(_last_event_at() or until - _SPAN, until - _SPAN)
        if until - since < _SHORT:
            return
        n_sessions = round(self._n_sessions * ((until - since) / _SPAN))
        n_waiting = min(_N_WAITING, self._n_sessions // 4)
        events = history(self._ralio, n_sessions, since=since, until=until, n_waiting=n_waiting)
        if until - since == _SPAN and n_waiting:
            events = long_waits(self._ralio, until=until) + events
        if events:
            self._say(f"Ralio posts what happened since {since:%d %B %Y, %H:%M} UTC: {len(events):,} events.")
            self._player.play(self._with_progress(events), n_connections=_N_CONNECTIONS)

    def _with_progress(self, events: list[Event]) -> Iterator[Event]:
        step = max(1, len(events) // 4)
        for n, event in enumerate(events, start=1):
            yield event
            if n % step == 0:
                self._say(f"  {n:,} of {len(events):,}")

    def _go_on(self) -> None:
        if self._rate:
            self._say(f"Ralio posts a new event every {1 / self._rate:.2g} seconds.")
            self._player.play(self._endless(), rate=self._rate)

    def _endless(self) -> Iterable[Event]:
        return (self._entered() or self._next() for _ in itertools.count())

    def _next(self) -> Event:
        self._leave_to_people()
        return self._ralio.next(timezone.now())

    def _leave_to_people(self) -> None:
        """Let the played Ralio by itself end none of the sessions that people work at or have decided."""
        in_hands = Session.objects.filter(UNENTERED | CLAIMED | PROPOSED | SNOOZED | _HANDED_ON)
        self._ralio.left_to_people = frozenset(in_hands.values_list("pk", flat=True))

    def _entered(self) -> Event | None:
        """Return what Ralio says to a decision that somebody has entered in its portal, if anybody has."""
        if self._ralio.rng.random() >= _ENTERS:
            return None
        longest_ago = Session.objects.filter(UNENTERED).order_by("state_since").first()
        now = timezone.now()
        if longest_ago is None or now - longest_ago.state_since < _ENTERS_AFTER:
            return None
        kind = _KINDS[SessionState(longest_ago.state)]
        if self._ralio.rng.random() < _DISAGREES:
            kind = next(other for other in _KINDS.values() if other != kind)
        return self._ralio.tell_of(longest_ago.pk, kind, now)

    def _answer(self, session_id: UUID, kind: str) -> None:
        """Let Ralio say this of a session now."""
        if event := self._ralio.tell_of(session_id, kind, timezone.now()):
            self._player.post(event)


def _last_event_at() -> datetime | None:
    last: datetime | None = Delivery.objects.aggregate(last=Max("event_at"))["last"]
    return last
