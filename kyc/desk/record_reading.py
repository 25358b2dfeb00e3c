"""What a session's record has beside what its page shows: every event, its chain with hashes and seals, who read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, F, Func, Model, QuerySet, TextField, Value
from django.utils import timezone

from kyc import ledger, verifier
from kyc.desk import bodies
from kyc.desk.bodies import LONGEST_BODY, ShownDelivery
from kyc.desk.jsontree import Pencil
from kyc.desk.ledger_details import members
from kyc.desk.reading import Own
from kyc.desk.together import Together
from kyc.models import Delivery, LedgerEntry, LedgerHead, SealedHead, Session
from kyc.models.deliveries import CONFLICTING
from kyc.querysets import DeliveryQuerySet
from kyc.verifier import Break

# With more events than this a record names their bodies by digest alone; each is read at its own address.
MOST_BODIES = 100
# Of more, only the newest are printed, and the record says so: a chain of which not all is there is not verified.
MOST_EVENTS, MOST_ENTRIES, MOST_READS = 1000, 2000, 1000
# The act on a session's own chain tells itself; who read it stands on the chain of who did.
_OWN = "session:"


class SessionNamed(Func):
    """The session that an entry's detail names, as the index over it reads it, its numbers written out on every engine."""

    template = """SUBSTRING(%(expressions)s, (STRPOS(%(expressions)s, '"session":"') + 11), 36)"""
    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(F("detail"))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = """SUBSTR(%(expressions)s, (INSTR(%(expressions)s, '"session":"') + 11), 36)"""
        return self.as_sql(compiler, connection, template=template, **context)


@dataclass(frozen=True, slots=True)
class Reading:
    """One time that somebody looked at the session, or at something that is part of it."""

    entry: LedgerEntry
    detail: str


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the session's chain, and the first seal that covers it."""

    entry: LedgerEntry
    seal: int | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the session's chain stood when it was sealed."""

    seq: int
    hash: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    """All of it. `found` is the chain's first break, None where it held when this was read, at `at`.

    `left_out` names what there is more of than is printed: of it these are the newest. Without the whole chain nothing was
    verified.
    """

    deliveries: Sequence[ShownDelivery]
    has_bodies: bool
    chain: Sequence[Link]
    head: LedgerHead | None
    seals: Sequence[Sealed]
    found: Break | None
    reads: Sequence[Reading]
    at: datetime
    left_out: frozenset[str] = frozenset()

    @property
    def is_verified(self) -> bool:
        return "chain" not in self.left_out

    @property
    def holds(self) -> bool:
        return self.is_verified and self.found is None

    @property
    def last_seal(self) -> Sealed | None:
        return self.seals[-1] if self.seals else None


def whole(own: Own, pencil: Pencil) -> Whole:
    """Return the rest of a session's record. One statement, as of one moment: what is verified is what is shown."""
    asked, session = Together(), own.session
    name = ledger.session_chain(session.pk)
    has_bodies = len(own.facts) <= MOST_BODIES
    events = asked.add(_newest(_events(session, has_bodies=has_bodies), "id", MOST_EVENTS))
    conflicts = asked.add(_conflicts(own, has_bodies=has_bodies))
    entries = asked.add(
        _newest(LedgerEntry.objects.filter(chain=name).select_related("actor"), "seq", MOST_ENTRIES)
    )
    heads = asked.add(LedgerHead.objects.filter(pk=name))
    sealed: Any = asked.add(_sealed(name))
    reads = asked.add(_newest(reads_of(session), "id", MOST_READS))
    asked.ask()
    seals = [Sealed(*row) for row in sealed.rows]
    printed = _Printed()
    deliveries = [*printed.oldest_first("events", events.rows, MOST_EVENTS), *conflicts.rows]
    chain = printed.oldest_first("chain", entries.rows, MOST_ENTRIES)
    has_read = printed.oldest_first("reads", reads.rows, MOST_READS)
    is_whole = "chain" not in printed.left_out
    return Whole(
        bodies.deliveries(sorted(deliveries, key=lambda row: row.pk), None, pencil),
        has_bodies,
        list(_links(chain, seals)),
        heads.first,
        seals,
        _verified(name, chain, heads.first, seals) if is_whole else None,
        [Reading(entry, _beside(entry)) for entry in has_read],
        timezone.now(),
        frozenset(printed.left_out),
    )


def _newest[M: Model](rows: QuerySet[M], key: str, most: int) -> QuerySet[M]:
    """Return the newest rows, the newest first, and one more than are printed."""
    return rows.order_by(f"-{key}")[: most + 1]


class _Printed:
    """What is printed of `_newest` rows, and of what there is more."""

    def __init__(self) -> None:
        self.left_out: set[str] = set()

    def oldest_first[M: Model](self, name: str, rows: Sequence[M], most: int) -> list[M]:
        if len(rows) > most:
            self.left_out.add(name)
        return list(rows[:most])[::-1]


def reads_of(session: Session) -> QuerySet[LedgerEntry]:
    """Return what people did that names the session on a chain of their own: they read it, or a part of it."""
    named = LedgerEntry.objects.alias(named=SessionNamed()).filter(named=str(session.pk), actor__isnull=False)
    return named.exclude(chain__startswith=_OWN).select_related("actor")


def _events(session: Session, *, has_bodies: bool) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(session=session.pk)
    return _with_bodies(rows, has_bodies=has_bodies)


def _conflicts(own: Own, *, has_bodies: bool) -> QuerySet[Delivery]:
    """Return what came under the event ids of the session with another content."""
    ids = [fact.event_id for fact in own.facts]
    return _with_bodies(
        Delivery.objects.filter(CONFLICTING, event_id__in=ids), has_bodies=has_bodies
    ).order_by("id")


def _with_bodies(rows: DeliveryQuerySet, *, has_bodies: bool) -> DeliveryQuerySet:
    if has_bodies:
        return rows.with_short_bodies(LONGEST_BODY)
    return rows.annotate(short_body=Value(None, output_field=BinaryField(null=True))).defer("body")


def _sealed(name: str) -> QuerySet[SealedHead, tuple[Any, ...]]:
    rows = SealedHead.objects.filter(chain=name).order_by("seq")
    return rows.values_list("seq", "hash", "seal_id", "seal__at")


def _links(entries: Iterable[LedgerEntry], seals: Sequence[Sealed]) -> Iterable[Link]:
    waiting = iter(seals)
    due = next(waiting, None)
    for entry in entries:
        while due and due.seq < entry.seq:
            due = next(waiting, None)
        yield Link(entry, due.number if due else None)


def _verified(
    name: str, entries: Iterable[LedgerEntry], head: LedgerHead | None, seals: Iterable[Sealed]
) -> Break | None:
    """Return the chain's first break, of the rows that the record shows."""
    return verifier.examine_chain(
        name,
        map(ledger.as_hashed, entries),
        [verifier.Head(head.chain, head.seq, head.hash)] if head else [],
        [verifier.SealedHead(name, sealed.seq, sealed.hash, sealed.number) for sealed in seals],
    )


def _beside(entry: LedgerEntry) -> str:
    """Return what the read's detail says besides the session: which part of it was read, or why."""
    detail = members(entry.detail)
    if detail is None:
        return entry.detail
    detail.pop("session", None)
    return ", ".join(f"{name} {value}" for name, value in detail.items())
