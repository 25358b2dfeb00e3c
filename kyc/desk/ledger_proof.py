"""What verifying one chain found, and which seals vouch for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils import timezone

from kyc import ledger
from kyc.models import LedgerEntry, LedgerHead, Seal
from kyc.verifier import Break

# Seconds of work. A longer chain is for `verify_ledger`, or for the export's own verifier.
MOST_VERIFIED = 100_000


@dataclass(frozen=True, slots=True)
class Proof:
    """How a chain stood when it was verified: up to which entry, and which seal covers its last sealed one.

    One that `is_too_long` was not verified: nothing was found, and nothing holds.
    """

    chain: str
    head: LedgerHead | None
    found: Break | None
    seal: Seal | None
    at: datetime
    is_too_long: bool = False

    @property
    def holds(self) -> bool | None:
        return None if self.is_too_long else self.found is None

    @property
    def most(self) -> int:
        return MOST_VERIFIED


def prove(name: str) -> Proof:
    """Verify a chain, and return how it stands."""
    is_too_long = LedgerEntry.objects.filter(chain=name).order_by("seq")[MOST_VERIFIED:].exists()
    found = None if is_too_long else ledger.verify_chain(name)
    head = LedgerHead.objects.filter(pk=name).first()
    if head is None and found is None and not is_too_long:
        raise Http404
    sealed = Seal.objects.filter(heads__chain=name).order_by("-heads__seq").first()
    return Proof(name, head, found, sealed, timezone.now(), is_too_long)


def covering(name: str, seq: int) -> Seal | None:
    """Return the first seal that covers an entry. One query."""
    return Seal.objects.filter(heads__chain=name, heads__seq__gte=seq).order_by("heads__seq").first()
