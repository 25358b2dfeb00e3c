"""The append-only record of every act, in hash chains: one per session, one per person, one for the system.

Each entry's hash covers the entry and the hash before it, so that a change, a gap or a swap shows. Entries hold ids,
codes and digests, never a subject's personal data, and whence the act came: the request and its address. The database refuses UPDATE, DELETE and TRUNCATE by triggers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from kyc import origins, records, verifier
from kyc.models import LedgerEntry, LedgerHead, User
from kyc.origins import Origin
from kyc.querysets import insert_once
from kyc.verifier import GENESIS, Break, Tally

SYSTEM = verifier.SYSTEM

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


def session_chain(session_id: UUID | str) -> str:
    return f"session:{session_id}"


def person_chain(user: User) -> str:
    return f"person:{user.pk}"


def append(chain: str, action: str, /, *, actor: User | None = None, **detail: Detail) -> LedgerEntry:
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
    words = (action, detail, origin.request_id, origin.address, previous_hash)
    return verifier.entry_hash(verifier.Entry(0, chain, seq, utc(at), actor_id, *words, ""))


def utc(at: datetime) -> str:
    """Return an instant as it is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
