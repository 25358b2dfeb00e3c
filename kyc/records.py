"""The ledger's tables as the verifier reads them: rows in the order of their characters, streamed, as of one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import starmap
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, F, Func, Model, Q, QuerySet
from django.db.models.functions import Cast, Collate

from kyc import verifier
from kyc.models import LedgerEntry, LedgerHead, Seal, SealedHead

CHUNK = 2000
# The columns of verifier.SealedHead, in its order.
SEALED_HEAD = ("chain", "seq", "hash", "seal_id", "id")


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all that is read in the block be as it was at one moment; nothing may be written in it.

    Within a transaction that has begun already that is for its isolation level to say.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # Django's own transactions take the write lock first, and hold up whoever writes.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def entries(chains: Collection[str] | None = None) -> Iterator[verifier.Entry]:
    rows = _of(chains, LedgerEntry.objects.all()).annotate(at_text=_instant())
    columns = ("id", "chain", "seq", "at_text", "actor_id", "action", "detail", "request_id", "address")
    return starmap(verifier.Entry, _read(rows, *columns, "previous_hash", "hash"))


def heads(chains: Collection[str] | None = None) -> Iterator[verifier.Head]:
    return starmap(verifier.Head, _read(_of(chains, LedgerHead.objects.all()), "chain", "seq", "hash"))


def seals() -> Iterator[verifier.Seal]:
    """Return the seals by number. Always all of them: each has the hash of the one before."""
    rows = Seal.objects.order_by("number").annotate(at_text=_instant(), day_text=Cast("day", CharField()))
    columns = (
        "number",
        "day_text",
        "at_text",
        "n_chains",
        "n_entries",
        "heads_digest",
        "previous_hash",
        "hash",
    )
    return starmap(verifier.Seal, rows.values_list(*columns).iterator(chunk_size=CHUNK))


def sealed_heads(chains: Collection[str] | None = None) -> Iterator[verifier.SealedHead]:
    """Return where chains stood when they were sealed; with `chains`, all heads of the seals that name one of these.

    For a seal's digest is over all of them.
    """
    rows = SealedHead.objects.all()
    if chains is not None:
        rows = rows.filter(seal__in=SealedHead.objects.filter(chain__in=chains).values("seal"))
    return starmap(verifier.SealedHead, _read(rows, *SEALED_HEAD))


def sealed_heads_of(chain: str) -> Iterator[verifier.SealedHead]:
    rows = SealedHead.objects.filter(chain=chain)
    return starmap(verifier.SealedHead, _read(rows, *SEALED_HEAD))


def sealed_heads_under(number: int) -> Iterator[verifier.SealedHead]:
    """Return the heads of one seal in the order of its digest."""
    return starmap(verifier.SealedHead, _read(SealedHead.objects.filter(seal=number), *SEALED_HEAD))


def in_order() -> Any:
    """Return what sorts by a chain's name as Python does; a database's language may sort otherwise."""
    return Collate("chain", "C") if connection.vendor == "postgresql" else F("chain")


def _of[M: Model](chains: Collection[str] | None, rows: QuerySet[M]) -> QuerySet[M]:
    return rows if chains is None else rows.filter(Q(chain__in=chains))


def _read(rows: QuerySet[Any], *columns: str) -> Iterator[tuple[Any, ...]]:
    return rows.order_by(in_order(), "seq").values_list(*columns).iterator(chunk_size=CHUNK)


def _instant() -> Func:
    """Return an instant as it is hashed, written by the database: what is stored may be no instant any more."""
    if connection.vendor == "postgresql":
        shape = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    else:
        # Stored without a zone, and without a fraction where that is nought.
        shape = "replace(%(expressions)s, ' ', 'T') || CASE length(%(expressions)s) WHEN 19 THEN '.000000' ELSE '' END || '+00:00'"
    return Func(F("at"), template=shape, output_field=CharField())
