"""The rounds: everything under measure takes its turn, one after the other, again and again on the same machine."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.ingest import limit, load, peer, processes, signed
from tests.bench.ingest.load import Turn
from tests.bench.ingest.servers import Database, Web

LIMIT, ACCEPT, REPEAT, SECOND = "limit", "accept", "repeat", "second"
TOLD, FLOOR, PEER = "told", "floor", "peer"
# Requests are made for so many times the rate seen before; a turn that has sent them all ends early.
RESERVE = 1.5
FIRST_GUESS = 1500.0
WARM_UP_SECONDS = 2


@dataclass(slots=True)
class Figures:
    """What one turn measured. The times are milliseconds of processor time per answer.

    What PostgreSQL does in the background (checkpoints, autovacuum) is told apart from its backends' work: much of it
    was caused by the turns before. pgbench's backends end with its turn, so all its work stands as theirs.
    """

    rate: float
    web_ms: float = 0.0
    backend_ms: float = 0.0
    background_ms: float = 0.0
    wal_bytes: float = 0.0
    own_share: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def processor_ms(self) -> float:
        return self.web_ms + self.backend_ms

    def percentile(self, hundredth: int) -> float:
        """Return the latency in ms under which so many of a hundred answers came."""
        return statistics.quantiles(self.latencies, n=100)[hundredth - 1] * 1000


@dataclass(slots=True)
class Rounds:
    """The contenders, and what each turn of them measured. `told` (the desk with a team to tell), `floor` and `peer`
    are there when they are wanted.
    """

    database: Database
    desk: Web
    clients: int
    seconds: int
    told: Web | None = None
    floor: Web | None = None
    peer: peer.Peer | None = None
    figures: dict[str, list[Figures]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, float] = field(default_factory=dict)

    def play(self, wanted: Sequence[str]) -> None:
        """Play one round: each of the wanted turns, and what they need."""
        accepted: list[signed.Signed] = []
        if LIMIT in wanted:
            self._note(LIMIT, self._limit(self.seconds))
        if ACCEPT in wanted:
            accepted, figures = self._accept(self.seconds)
            self._note(ACCEPT, figures)
        if REPEAT in wanted:
            self._note(REPEAT, self._repeat(accepted, self.seconds))
        if SECOND in wanted:
            self._note(SECOND, self._second(accepted, self.seconds))
        if self.told is not None:
            self._note(TOLD, self._new(TOLD, self.told, self.seconds))
        if self.floor is not None:
            self._note(FLOOR, self._new(FLOOR, self.floor, self.seconds))
        if self.peer is not None:
            self._note(PEER, self._peer(self.peer, self.seconds))

    def warm_up(self, wanted: Sequence[str]) -> None:
        """Let every contender open its connections and prepare its statements; nothing of it counts."""
        seconds, self.seconds = self.seconds, WARM_UP_SECONDS
        self.play(wanted)
        self.seconds = seconds
        self.figures.clear()

    def same_writes(self, deliveries: int = 80) -> dict[str, tuple[float, float]]:
        """Return how many rows per delivery the desk and pgbench add to each table that either adds to."""
        before = limit.rows(self.database)
        requests = [one.request for one in signed.new_sessions(deliveries)]
        load.drive(self.desk.port, requests, clients=self.clients, seconds=60, expected=signed.ACCEPTED)
        between = limit.rows(self.database)
        commits = limit.pgbench(
            self.database, self.clients, commits=max(1, deliveries // self.clients)
        ).number
        after = limit.rows(self.database)
        added = {
            table: ((between[table] - before[table]) / deliveries, (after[table] - between[table]) / commits)
            for table in after
        }
        return {table: pair for table, pair in added.items() if any(pair)}

    def _note(self, name: str, figures: Figures) -> None:
        self.rates[name] = figures.rate
        self.figures[name].append(figures)

    def _limit(self, seconds: int) -> Figures:
        def commit() -> Turn:
            commits = limit.pgbench(self.database, self.clients, seconds=seconds)
            return Turn(commits.number, commits.number / commits.rate, [], 0.0)

        return self._measured(commit, None)

    def _accept(self, seconds: int) -> tuple[list[signed.Signed], Figures]:
        deliveries = signed.new_sessions(self._enough(ACCEPT, seconds))
        newest = self._newest_delivery()
        requests = [one.request for one in deliveries]
        figures, number = self._driven(self.desk, requests, seconds, expected=signed.ACCEPTED)
        stored = self.database.execute(
            f"SELECT count(*) FROM kyc_delivery WHERE id > {newest} AND status = 'applied'"
        )
        if stored[0][0] != number:
            raise SystemExit(f"The desk acknowledged {number} deliveries and applied {stored[0][0]}.")
        return deliveries[:number], figures

    def _repeat(self, accepted: list[signed.Signed], seconds: int) -> Figures:
        requests = [one.request for one in accepted]
        return self._driven(self.desk, requests, seconds, expected=signed.DUPLICATE, again=True)[0]

    def _second(self, accepted: list[signed.Signed], seconds: int) -> Figures:
        requests = [one.request for one in signed.second_events(accepted)]
        return self._driven(self.desk, requests, seconds, expected=signed.ACCEPTED)[0]

    def _new(self, name: str, web: Web, seconds: int) -> Figures:
        requests = [one.request for one in signed.new_sessions(self._enough(name, seconds))]
        return self._driven(web, requests, seconds, expected=signed.ACCEPTED)[0]

    def _peer(self, other: peer.Peer, seconds: int) -> Figures:
        requests = signed.stripe_events(self._enough(PEER, seconds), other.path, peer.SECRET)
        return self._driven(other.web, requests, seconds)[0]

    def _driven(
        self, web: Web, requests: list[bytes], seconds: int, *, expected: bytes = b"", again: bool = False
    ) -> tuple[Figures, int]:
        turn: list[Turn] = []

        def send() -> Turn:
            turn.append(
                load.drive(
                    web.port, requests, clients=self.clients, seconds=seconds, expected=expected, again=again
                )
            )
            return turn[0]

        return self._measured(send, web), turn[0].n_answers

    def _measured(self, play: Callable[[], Turn], web: Web | None) -> Figures:
        """Return a turn's rate, and what the servers spent on each of its answers."""
        before = self._spent(web)
        turn = play()
        web_s, backend_s, database_s, wal = (
            (now - then) / turn.n_answers for now, then in zip(self._spent(web), before, strict=True)
        )
        if web is None:
            backend_s = database_s
        # The clock ticks in hundredths of a second.
        background_s = max(0.0, database_s - backend_s)
        times = (web_s * 1000, backend_s * 1000, background_s * 1000)
        return Figures(turn.rate, *times, wal, turn.own_share, turn.latencies)

    def _spent(self, web: Web | None) -> tuple[float, float, float, float]:
        """Return the seconds so far of web processes, backends and all of PostgreSQL, and the bytes of WAL."""
        wal = self.database.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        in_web = processes.spent(web.pid) if web else 0.0
        in_backends = processes.spent_by_backends(self.database.pid)
        return in_web, in_backends, processes.spent(self.database.pid), float(str(wal[0][0]))

    def _newest_delivery(self) -> int:
        return int(str(self.database.execute("SELECT coalesce(max(id), 0) FROM kyc_delivery")[0][0]))

    def _enough(self, name: str, seconds: int) -> int:
        return int(self.rates.get(name, FIRST_GUESS) * RESERVE * seconds) + self.clients
