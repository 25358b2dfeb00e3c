"""What the demo's Ralio says: the weeks before, or what was missed since last time, then one event after another."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from config.demo.furnishing import furnish
from kyc.choices import EntityType, SessionState
from kyc.models import Delivery, Session
from kyc.ralio.simulator import Event, Player, Ralio
from kyc.ralio.simulator.book import Book
from kyc.ralio.simulator.history import history

_SPAN = timedelta(weeks=3)
# A gap shorter than this needs no filling.
_SHORT = timedelta(minutes=15)
# The server writes one event at a time; two connections keep it busy.
_N_CONNECTIONS = 2


class Story(threading.Thread):
    """Plays Ralio in the background until `stop` is set; `error` says what ended it early."""

    def __init__(
        self,
        player: Player,
        *,
        n_sessions: int,
        rate: float,
        say: Callable[[str], None],
        book: Book | None = None,
    ) -> None:
        super().__init__(name="story", daemon=True)
        self.error: BaseException | None = None
        self.stop = player.stop
        self._player, self._say = player, say
        self._n_sessions, self._rate = n_sessions, rate
        self._ralio = Ralio()
        self._ralio.book = book

    def run(self) -> None:
        try:
            self._remember()
            self._tell_what_was_missed()
            if not self.stop.is_set():
                furnish()
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

    def _tell_what_was_missed(self) -> None:
        until = timezone.now()
        since = max(_last_event_at() or until - _SPAN, until - _SPAN)
        if until - since < _SHORT:
            return
        n_sessions = round(self._n_sessions * ((until - since) / _SPAN))
        n_waiting = min(42, self._n_sessions // 4)
        events = history(self._ralio, n_sessions, since=since, until=until, n_waiting=n_waiting)
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
        return (self._ralio.next(timezone.now()) for _ in itertools.count())


def _last_event_at() -> datetime | None:
    last: datetime | None = Delivery.objects.aggregate(last=Max("event_at"))["last"]
    return last
