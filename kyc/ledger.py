"""The append-only record of every act, in hash chains: one per session, one per person, one for the system.

Each entry's hash covers all of the entry, its number too, and the hash before it, so that a change, a gap or a swap shows.
Entries hold ids, codes and digests, never a subject's personal data, and whence the act came: the request and its address.
The database refuses UPDATE, DELETE and TRUNCATE by triggers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from kyc import origins, records, verifier
from kyc.models import LedgerEntry, LedgerHead, User
from kyc.querysets import insert_once
from kyc.verifier import GENESIS, Break, Tally

SYSTEM = verifier.SYSTEM

# Numbers an entry, hashes it, and writes it with its head in one way to the database, while others wait for the head. The
# number comes after the lock: in a chain numbers grow.
_NUMBERED = """
WITH next AS (SELECT nextval('kyc_ledgerentry_id_seq') AS id),
made AS (SELECT id, encode(sha256(convert_to(%(words)s || id || ']', 'UTF8')), 'hex') AS hash FROM next)
"""
_INSERT = """
INSERT INTO kyc_ledgerentry (id, chain, seq, at, actor_id, action, detail, request_id, address, previous_hash, hash)
SELECT
    made.id, %(chain)s, %(seq)s, %(at)s, %(actor)s, %(action)s, %(detail)s, %(request_id)s, %(address)s,
    %(previous_hash)s, made.hash
FROM made
"""
_BEGIN = f"""
{_NUMBERED}, head AS (
    INSERT INTO kyc_ledgerhead (chain, seq, hash) SELECT %(chain)s, 1, made.hash FROM made
    ON CONFLICT DO NOTHING RETURNING chain
)
{_INSERT}, head RETURNING id, hash
"""  # noqa: S608
_APPEND = f"""
{_NUMBERED}, entry AS ({_INSERT})
UPDATE kyc_ledgerhead SET seq = %(seq)s, hash = made.hash FROM made WHERE chain = %(chain)s
RETURNING made.id, made.hash
"""  # noqa: S608
_LAST_NUMBER = "COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'kyc_ledgerentry'), 0)"
_NUMBERS = {
    "postgresql": "SELECT nextval('kyc_ledgerentry_id_seq') FROM generate_series(1, %s)",
    # Transactions that write come one after the other.
    "sqlite": f"""
        WITH RECURSIVE next (id, n) AS (
            SELECT {_LAST_NUMBER} + 1, 1 UNION ALL SELECT id + 1, n + 1 FROM next WHERE n < %s
        )
        SELECT id FROM next
    """,  # noqa: S608
}

type Detail = str | int | bool | None | list[Detail] | dict[str, Detail]


@dataclass(frozen=True, slots=True)
class Act:
    """One act for `append_all`."""

    chain: str
    action: str
    detail: dict[str, Detail]


def session_chain(session_id: UUID | str) -> str:
    return f"session:{session_id}"


def person_chain(user: User) -> str:
    return f"person:{user.pk}"


def append(chain: str, action: str, /, *, actor: User | None = None, **detail: Detail) -> LedgerEntry:
    """Append one act to a chain and return its entry. Call it last in the transaction: it locks the chain's head."""
    text = _canonical(detail)
    locked = _locked(chain)
    head = locked.first()
    if head is None:
        entry = _entry(chain, 1, GENESIS, action, actor, text)
        if _begin(entry):
            return entry
        head = locked.get()
    entry = _entry(chain, head.seq + 1, head.hash, action, actor, text)
    if connection.vendor == "postgresql":
        _write(_APPEND, entry)
    else:
        _numbered(entry, head.last_number + 1).save(force_insert=True)  # type: ignore[attr-defined]
        locked.update(seq=entry.seq, hash=entry.hash)
    return entry


def append_all(acts: Sequence[Act]) -> None:
    """Append several acts that nobody in person did, in the order of each chain's, with four statements for all.

    Call it last in the transaction: it locks the heads, in the chains' order.
    """
    wanted = {act.chain for act in acts}
    locked = LedgerHead.objects.select_for_update().filter(chain__in=wanted).order_by("chain")
    heads = {head.chain: head for head in locked}
    waiting = []
    for act in acts:
        if act.chain in heads:
            waiting.append(act)
        else:
            first = append(act.chain, act.action, actor=None, **act.detail)
            heads[act.chain] = LedgerHead(chain=act.chain, seq=first.seq, hash=first.hash)
    if not waiting:
        return
    entries = []
    for act, number in zip(waiting, _numbers(len(waiting)), strict=True):
        head = heads[act.chain]
        entry = _entry(act.chain, head.seq + 1, head.hash, act.action, None, _canonical(act.detail))
        entries.append(_numbered(entry, number))
        head.seq, head.hash = entry.seq, entry.hash
    LedgerEntry.objects.bulk_create(entries)
    moved = [heads[chain] for chain in sorted({entry.chain for entry in entries})]
    LedgerHead.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["chain"], update_fields=["seq", "hash"]
    )


def first_entry(chain: str, action: str, detail: dict[str, Detail]) -> dict[str, str]:
    """Return the columns of the first entry of a chain that nobody else can know of yet, but for `id` and `hash`.

    `words` is what the hash is over, up to the id: who gives it its id has to hash it.
    """
    entry = _entry(chain, 1, GENESIS, action, None, _canonical(detail))
    return {
        "chain": chain,
        "at": str(entry.at),
        "action": action,
        "detail": entry.detail,
        "request_id": entry.request_id,
        "address": entry.address,
        "previous_hash": GENESIS,
        "words": _words(entry),
    }


def is_covered(entry: LedgerEntry) -> bool:
    """Return whether the entry's hash is one over its own columns and the hash before it."""
    return verifier.is_covered(as_hashed(entry))


def as_hashed(entry: LedgerEntry) -> verifier.Entry:
    """Return an entry's row as the verifier hashes it."""
    return verifier.Entry(
        id=entry.pk,
        chain=entry.chain,
        seq=entry.seq,
        at=utc(entry.at),
        actor=entry.actor_id,
        action=entry.action,
        detail=entry.detail,
        request_id=entry.request_id,
        address=entry.address,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )


def verify(
    *,
    chains: Collection[str] | None = None,
    mailed: Mapping[int, str] | None = None,
    tally: Tally | None = None,
) -> Iterator[Break]:
    """Yield the first break of each chain and of each seal that does not hold, in one pass of bounded memory.

    All is read as it is at one moment, so that others may go on writing. With `chains`, only these are looked at, their
    heads, and the seals, with all heads of those that name one of them. `mailed` are hashes of seals by number, as they
    were mailed; what was looked at is added to `tally`.
    """
    with records.one_moment():
        yield from verifier.examine(
            records.entries(chains),
            records.heads(chains),
            records.seals(),
            records.sealed_heads(chains),
            mailed=mailed or {},
            chains=chains,
            tally=tally,
        )


def verify_chain(chain: str) -> Break | None:
    """Return the chain's first break: an entry, its head, or what a seal says of it; None where it holds."""
    one = {chain}
    with records.one_moment():
        sealed = records.sealed_heads_of(chain)
        return verifier.examine_chain(chain, records.entries(one), records.heads(one), sealed)


def _locked(chain: str) -> QuerySet[LedgerHead]:
    """Return the chain's head, locked; on SQLite with `last_number`, so that it is not asked for apart."""
    locked = LedgerHead.objects.select_for_update().filter(pk=chain)
    if connection.vendor == "sqlite":
        locked = locked.annotate(last_number=RawSQL(_LAST_NUMBER, []))  # noqa: S611
    return locked


def _entry(
    chain: str, seq: int, previous_hash: str, action: str, actor: User | None, detail: str
) -> LedgerEntry:
    """Return an entry as yet without its number, and without its hash, which covers the number."""
    origin = origins.present()
    return LedgerEntry(
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


def _numbered(entry: LedgerEntry, number: int) -> LedgerEntry:
    entry.pk = number
    entry.hash = verifier.entry_hash(as_hashed(entry))
    return entry


def _numbers(n: int) -> list[int]:
    """Return the next numbers of entries. Ask once the heads are locked: in a chain numbers grow."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS[connection.vendor], [n])
        return [number for (number,) in cursor.fetchall()]


def _begin(entry: LedgerEntry) -> bool:
    """Write the first entry of a chain with its head; return False, and nothing is written, where the chain has begun."""
    if connection.vendor == "postgresql":
        return _write(_BEGIN, entry)
    _numbered(entry, _numbers(1)[0])
    is_first = insert_once(LedgerHead(chain=entry.chain, seq=1, hash=entry.hash))
    if is_first:
        entry.save(force_insert=True)
    return is_first


def _write(statement: str, entry: LedgerEntry) -> bool:
    """Number, hash and write an entry as the statement has it; return whether it was written."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
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
                "words": _words(entry),
            },
        )
        written = cursor.fetchone()
    if written is None:
        return False
    entry.pk, entry.hash = written
    entry._state.adding, entry._state.db = False, "default"
    return True


def _words(entry: LedgerEntry) -> str:
    return verifier.entry_words(as_hashed(entry)).decode("ascii")


def _canonical(detail: dict[str, Detail]) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"))


def utc(at: datetime) -> str:
    """Return an instant as it is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
