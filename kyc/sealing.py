"""Seals: a hash over the heads of all chains, and over the seal before, that is to leave the house.

A seal names the chains that grew since the seal before; through that one it stands for all others. Who rewrites the whole
database rewrites the seals too: only the hash that somebody else holds shows that.
"""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from kyc import everyday, ledger, records, verifier
from kyc.models import Seal, SealedHead
from kyc.signals import ledger_sealed

# One statement sees all heads as of one moment, and each entry was committed with its head. Sorted, they are all read before
# the first is written: otherwise PostgreSQL would look through its new rows for each head.
_SEAL_HEADS = """
INSERT INTO kyc_sealedhead (seal_id, chain, seq, hash)
SELECT %s, head.chain, head.seq, head.hash FROM kyc_ledgerhead AS head
WHERE NOT EXISTS (
    SELECT 1 FROM kyc_sealedhead AS sealed WHERE sealed.chain = head.chain AND sealed.seq >= head.seq
)
ORDER BY head.chain
"""
# Of PostgreSQL's advisory locks, the one of whoever seals.
_LOCK = 0x4B59435345414C


def seal_due(now: datetime | None = None) -> Seal | None:
    """Seal the ledger once the day's time has come, if nobody has; return the seal, or None. Of days past none is made."""
    day = everyday.day_due(now or timezone.now(), settings.KYC_SEAL_TIME)
    if day is None or Seal.objects.filter(day=day).exists():
        return None
    return seal(day)


@transaction.atomic
def seal(day: date | None = None) -> Seal | None:
    """Seal the ledger as it is now, and tell who keeps the seals; return None where the day has its seal already.

    Without a day it is one out of turn. Any number of workers may seal at once: one comes after the other.
    """
    _wait_for_others()
    if day is not None and Seal.objects.filter(day=day).exists():
        return None
    before = Seal.objects.order_by("number").last()
    made = Seal(number=before.number + 1 if before else 1, day=day, at=timezone.now())
    made.previous_hash = before.hash if before else verifier.GENESIS
    _seal_heads(made)
    made.hash = seal_hash(made)
    made.save(force_insert=True)
    ledger.append(ledger.SYSTEM, verifier.SEALED, seal=made.number, hash=made.hash)
    ledger_sealed.send(Seal, seal=made)
    return made


def covering(chain: str) -> SealedHead | None:
    """Return where the chain stood when it was last sealed, with its seal; None when no seal names it yet."""
    return SealedHead.objects.filter(chain=chain).select_related("seal").order_by("seq").last()


def seal_hash(seal: Seal) -> str:
    """Return the hash that the seal's row should have."""
    return verifier.seal_hash(as_hashed(seal))


def heads_digest(seal: Seal) -> verifier.HeadsDigest:
    """Return the digest over the heads that are sealed under it: as many rows as chains grew since the seal before."""
    digest = verifier.HeadsDigest()
    for head in records.sealed_heads_under(seal.number):
        digest.add(head)
    return digest


def as_hashed(seal: Seal) -> verifier.Seal:
    """Return a seal's row as the verifier hashes it."""
    return verifier.Seal(
        number=seal.number,
        day=seal.day.isoformat() if seal.day else None,
        at=ledger.utc(seal.at),
        n_chains=seal.n_chains,
        n_entries=seal.n_entries,
        heads_digest=seal.heads_digest,
        previous_hash=seal.previous_hash,
        hash=seal.hash,
    )


def _wait_for_others() -> None:
    """SQLite's transactions come one after the other anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _seal_heads(made: Seal) -> None:
    """Write down the heads of the chains that grew, and their number, entries and digest in the seal, which comes after."""
    with connection.cursor() as cursor:
        cursor.execute(_SEAL_HEADS, [made.number])
    named = SealedHead.objects.filter(seal=made.number)
    # By the index over both: of rows that have just come PostgreSQL knows too little to see that another is slower.
    older = SealedHead.objects.filter(chain=OuterRef("chain"), seq__lt=OuterRef("seq")).order_by("-seq")
    known = Coalesce(Subquery(older.values("seq")[:1]), Value(0))
    numbers = named.aggregate(n_chains=Count("pk"), n_entries=Coalesce(Sum(F("seq") - known), 0))
    made.n_chains, made.n_entries = numbers["n_chains"], numbers["n_entries"]
    made.heads_digest = heads_digest(made).hexdigest()
