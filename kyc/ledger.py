"""The append-only record of every act, in hash chains: one per session, one per person, one for the system.

Each entry's hash covers the entry and the hash before it, so that a change, a gap or a swap shows. Entries hold ids,
codes and digests, never a subject's personal data, and whence the act came: the request and its address. The database refuses UPDATE, DELETE and TRUNCATE by triggers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from django.db import connection
from django.utils import timezone

from kyc import origins
from kyc.models import LedgerEntry, LedgerHead, User
from kyc.origins import NOWHERE, Origin
from kyc.querysets import insert_once

SYSTEM = "system"
GENESIS = "0" * 64

# One way to the database less than an INSERT and an UPDATE, while others wait for the head.
_APPEND = """
WITH entry AS (
    INSERT INTO kyc_ledgerentry (
        chain, seq, at, actor_id, action, detail, request_id, address, previous_hash, hash
    )
    VALUES (
        %(chain)s, %(seq)s, %(at)s, %(actor)s, %(action)s, %(detail)s, %(request_id)s, %(address)s,
        %(previous_hash)s, %(hash)s
    )
    RETURNING id
)
UPDATE kyc_ledgerhead SET seq = %(seq)s, hash = %(hash)s WHERE chain = %(chain)s
RETURNING (SELECT id FROM entry)
"""

type Detail = str | int | bool | None | list[Detail] | dict[str, Detail]


@dataclass(frozen=True, slots=True)
class Act:
    """One act for `append_all`."""

    chain: str
    action: str
    detail: dict[str, Detail]


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and how."""

    chain: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.chain} entry {self.seq}: {self.what}"


def session_chain(session_id: UUID | str) -> str:
    return f"session:{session_id}"


def person_chain(user: User) -> str:
    return f"person:{user.pk}"


def append(chain: str, action: str, *, actor: User | None = None, **detail: Detail) -> LedgerEntry:
    """Append one act to a chain and return its entry. Call it last in the transaction: it locks the chain's head."""
    text = _canonical(detail)
    locked = LedgerHead.objects.select_for_update().filter(pk=chain)
    head = locked.first()
    if head is None:
        entry = _entry(chain, 1, GENESIS, action, actor, text)
        if insert_once(LedgerHead(chain=chain, seq=1, hash=entry.hash)):
            entry.save(force_insert=True)
            return entry
        head = locked.get()
    entry = _entry(chain, head.seq + 1, head.hash, action, actor, text)
    if connection.vendor == "postgresql":
        _insert_and_move_on(entry)
    else:
        entry.save(force_insert=True)
        locked.update(seq=entry.seq, hash=entry.hash)
    return entry


def append_all(acts: Sequence[Act]) -> None:
    """Append several acts that nobody in person did, in the order of each chain's, with three statements for all.

    Call it last in the transaction: it locks the heads, in the chains' order.
    """
    if not acts:
        return
    wanted = {act.chain for act in acts}
    locked = LedgerHead.objects.select_for_update().filter(chain__in=wanted).order_by("chain")
    heads = {head.chain: head for head in locked}
    entries = []
    for act in acts:
        if (head := heads.get(act.chain)) is None:
            append(act.chain, act.action, actor=None, **act.detail)
            heads[act.chain] = LedgerHead.objects.get(pk=act.chain)
            continue
        entry = _entry(act.chain, head.seq + 1, head.hash, act.action, None, _canonical(act.detail))
        head.seq, head.hash = entry.seq, entry.hash
        entries.append(entry)
    LedgerEntry.objects.bulk_create(entries)
    moved = [heads[chain] for chain in sorted({entry.chain for entry in entries})]
    LedgerHead.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["chain"], update_fields=["seq", "hash"]
    )


def first_entry(chain: str, action: str, detail: dict[str, Detail]) -> dict[str, str]:
    """Return the columns of the first entry of a chain that nobody else can know of yet; its head has the same hash."""
    at, text, origin = timezone.now(), _canonical(detail), origins.present()
    return {
        "chain": chain,
        "at": str(at),
        "action": action,
        "detail": text,
        "request_id": origin.request_id,
        "address": origin.address,
        "previous_hash": GENESIS,
        "hash": _hash(chain, 1, at, None, action, text, GENESIS, origin),
    }


def entry_hash(entry: LedgerEntry) -> str:
    """Return SHA-256 over the entry's own columns and the hash before it, as 64 hexadecimal digits."""
    return _hash(
        entry.chain,
        entry.seq,
        entry.at,
        entry.actor_id,
        entry.action,
        entry.detail,
        entry.previous_hash,
        Origin(entry.request_id, entry.address),
    )


def verify() -> Iterator[Break]:
    """Yield the first break of each chain that does not hold, in the order of the chains' names."""
    heads = {head.chain: head for head in LedgerHead.objects.iterator()}
    last: LedgerEntry | None = None
    broken: set[str] = set()
    seen: set[str] = set()
    for entry in LedgerEntry.objects.order_by("chain", "seq").iterator(chunk_size=2000):
        before = last if last is not None and last.chain == entry.chain else None
        if last is not None and before is None and last.chain not in broken:
            yield from _tail(last, heads.get(last.chain), broken)
        seen.add(entry.chain)
        if entry.chain not in broken and (what := _fault(entry, before)):
            broken.add(entry.chain)
            yield Break(entry.chain, entry.seq, what)
        last = entry
    if last is not None and last.chain not in broken:
        yield from _tail(last, heads.get(last.chain), broken)
    for chain in sorted(heads.keys() - seen):
        yield Break(chain, 1, "the head says that entries exist, and none does")


def _fault(entry: LedgerEntry, before: LedgerEntry | None) -> str:
    expected = before.seq + 1 if before else 1
    if entry.seq != expected:
        return f"entry {expected} is missing"
    if entry.previous_hash != (before.hash if before else GENESIS):
        return "it does not follow from the entry before it"
    if entry.hash != entry_hash(entry):
        return "its content is not what was written"
    return ""


def _tail(last: LedgerEntry, head: LedgerHead | None, broken: set[str]) -> Iterator[Break]:
    if head is None:
        broken.add(last.chain)
        yield Break(last.chain, last.seq, "the chain has no head")
    elif head.seq > last.seq:
        broken.add(last.chain)
        yield Break(last.chain, last.seq + 1, "the head says that it exists, and it does not")
    elif (head.seq, head.hash) != (last.seq, last.hash):
        broken.add(last.chain)
        yield Break(last.chain, last.seq, "the head does not agree with it")


def _entry(
    chain: str, seq: int, previous_hash: str, action: str, actor: User | None, detail: str
) -> LedgerEntry:
    origin = origins.present()
    entry = LedgerEntry(
        chain=chain,
        seq=seq,
        at=timezone.now(),
        actor=actor,
        action=action,
        detail=detail,
        request_id=origin.request_id,
        address=origin.address,
        previous_hash=previous_hash,
    )
    entry.hash = entry_hash(entry)
    return entry


def _insert_and_move_on(entry: LedgerEntry) -> None:
    """Insert the entry and move the locked head on to it, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _APPEND,
            {
                "chain": entry.chain,
                "seq": entry.seq,
                "at": entry.at,
                "actor": entry.actor_id,
                "action": entry.action,
                "detail": entry.detail,
                "request_id": entry.request_id,
                "address": entry.address,
                "previous_hash": entry.previous_hash,
                "hash": entry.hash,
            },
        )
        (entry.pk,) = cursor.fetchone()
    entry._state.adding, entry._state.db = False, "default"


def _canonical(detail: dict[str, Detail]) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"))


def _hash(
    chain: str,
    seq: int,
    at: datetime,
    actor_id: int | None,
    action: str,
    detail: str,
    previous_hash: str,
    origin: Origin,
) -> str:
    parts = [chain, seq, _utc(at), actor_id, action, detail, previous_hash]
    # What no request asked for has the shape that entries had before requests were recorded.
    if origin != NOWHERE:
        parts += [origin.request_id, origin.address]
    return sha256(json.dumps(parts, separators=(",", ":")).encode("ascii")).hexdigest()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
