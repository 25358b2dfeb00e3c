"""A ledger with seals, and what somebody with the keys to the database could do to it behind the desk's back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from kyc import bundles, ledger, origins, records, sealing, verifier
from kyc.ledger import SYSTEM
from kyc.models import User
from kyc.origins import Origin

A, B = "session:11111111-1111-4111-8111-111111111111", "session:22222222-2222-4222-8222-222222222222"
# Entries of A that a seal covers, the last of these, and the one after it.
MIDDLE, SEALED, NEW = 2, 4, 5


def grow(actor: User) -> None:
    """Make chains of entries with and without a request, three seals, and entries that none of these covers."""
    ledger.append(B, "delivery.applied", said="REVIEW")
    _append(A, actor, 3)
    sealing.seal()
    _append(A, actor, 1)
    _append(ledger.person_chain(actor), actor, 2)
    sealing.seal()
    sealing.seal()
    _append(A, actor, 1)


def _append(chain: str, actor: User, number: int) -> None:
    for n in range(number):
        skip_a_number()
        with origins.of(Origin() if n % 2 else Origin("0123456789abcdef", "192.0.2.7")):
            ledger.append(chain, "session.read", actor=actor, session=f"s{n}")


def skip_a_number() -> None:
    """Leave a number between two entries, which could take its place."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval('kyc_ledgerentry_id_seq')")
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'kyc_ledgerentry'")


# --- Looking ---------------------------------------------------------------------------------------------------------
def breaks(**mailed: str) -> list[str]:
    """Return what the desk finds; `seal_3="…"` is a hash as it was mailed."""
    known = {int(name.removeprefix("seal_")): digest for name, digest in mailed.items()}
    return [str(fault) for fault in ledger.verify(mailed=known)]


def outsiders(folder: Path, *arguments: str, chains: list[str] | None = None) -> tuple[int, list[str]]:
    """Return what the verifier ends with on a bundle of the ledger as it is, and what it says."""
    file = folder / "ledger.zip"
    with file.open("wb") as out:
        bundles.write(out, chains=chains)
    with redirect_stdout(io.StringIO()) as said:
        code = verifier.main([str(file), *arguments])
    return code, said.getvalue().splitlines()


# --- Forging ---------------------------------------------------------------------------------------------------------
@contextmanager
def past_the_triggers() -> Iterator[Any]:
    """Do what only someone with the keys to the database could, and undo it at the end."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = replica")
            else:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name}")
            yield cursor
        transaction.set_rollback(True)


def older_entry_hash(entry: verifier.Entry) -> str:
    """Return the hash that entries had before it covered their ids."""
    words = [entry.chain, entry.seq, entry.at, entry.actor, entry.action, entry.detail, entry.previous_hash]
    asked = [entry.request_id, entry.address] if entry.request_id or entry.address else []
    return sha256(json.dumps(words + asked, separators=(",", ":")).encode()).hexdigest()


def older_heads_digest(number: int) -> str:
    """Return the digest that a seal had before it covered the ids of its heads."""
    lines = [json.dumps(head[:3], separators=(",", ":")) for head in records.sealed_heads_under(number)]
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def heads_digest(number: int) -> str:
    return sealing.heads_digest(sealing.Seal(number=number)).hexdigest()


def rehash(cursor: Any, chain: str, entry_hash: Callable[..., str] = verifier.entry_hash) -> None:
    """Make a chain whole again after something in it was changed: each seq and hash from the first on, and the head."""
    before, seq = verifier.GENESIS, 0
    for entry in list(records.entries([chain])):
        seq += 1
        entry = entry._replace(seq=seq, previous_hash=before)
        before = entry_hash(entry)
        cursor.execute(
            "UPDATE kyc_ledgerentry SET seq = %s, previous_hash = %s, hash = %s WHERE id = %s",
            [seq, entry.previous_hash, before, entry.id],
        )
    cursor.execute("UPDATE kyc_ledgerhead SET seq = %s, hash = %s WHERE chain = %s", [seq, before, chain])


def reseal(
    cursor: Any,
    entry_hash: Callable[..., str] = verifier.entry_hash,
    heads_digest: Callable[[int], str] = heads_digest,
) -> None:
    """Make the seals whole again: each from its heads as they are now, and what the ledger tells of it."""
    cursor.execute(
        "UPDATE kyc_sealedhead SET hash = COALESCE((SELECT entry.hash FROM kyc_ledgerentry AS entry"
        " WHERE entry.chain = kyc_sealedhead.chain AND entry.seq = kyc_sealedhead.seq), hash)"
    )
    before = verifier.GENESIS
    for seal in sealing.Seal.objects.order_by("number"):
        seal.previous_hash, seal.heads_digest = before, heads_digest(seal.number)
        before = sealing.seal_hash(seal)
        cursor.execute(
            "UPDATE kyc_seal SET previous_hash = %s, heads_digest = %s, hash = %s WHERE number = %s",
            [seal.previous_hash, seal.heads_digest, before, seal.number],
        )
        detail = ledger._canonical({"seal": seal.number, "hash": before})
        cursor.execute(
            "UPDATE kyc_ledgerentry SET detail = %s WHERE action = 'ledger.sealed' AND detail LIKE %s",
            [detail, f'%"seal":{seal.number}}}'],
        )
        rehash(cursor, SYSTEM, entry_hash)
        # The system's own head is sealed too, by the seals after this one.
        cursor.execute(
            "UPDATE kyc_sealedhead SET hash = (SELECT entry.hash FROM kyc_ledgerentry AS entry"
            " WHERE entry.chain = kyc_sealedhead.chain AND entry.seq = kyc_sealedhead.seq) WHERE chain = %s",
            [SYSTEM],
        )
