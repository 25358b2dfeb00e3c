"""The append-only record. `kyc.ledger` writes it; triggers refuse UPDATE, DELETE and TRUNCATE."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.translation import gettext_lazy as _

# The act that most entries tell of.
COMMONPLACE = "delivery.applied"
# The session that an entry's detail names, as canonical JSON has it.
SESSION_NAMED = Substr("detail", StrIndex("detail", Value('"session":"')) + Value(11), 36)


class LedgerEntry(models.Model):
    """One act. Holds ids, codes and digests, never personal data. `hash` covers all else and the entry before."""

    chain = models.CharField(max_length=64)
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_entries",
        db_index=False,
    )
    action = models.TextField()
    detail = models.TextField(default="{}", help_text=_("Canonical JSON."))
    request_id = models.CharField(max_length=64, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "ledger entries"
        permissions = [("export_ledgerentry", "Can export the ledger")]
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="kyc_ledger_entry_once"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="kyc_ledger_entry_from_one"),
        ]
        indexes = [
            # What one person did. Most entries are the wire's, which has no person.
            models.Index(
                fields=["actor", "id"], condition=Q(actor__isnull=False), name="kyc_ledger_by_actor"
            ),
            # Acts of one kind; the most frequent one is most of the table.
            models.Index(
                fields=["action", "id"], condition=~Q(action=COMMONPLACE), name="kyc_ledger_by_action"
            ),
            # Whatever one request did, and whatever came from one address.
            models.Index(
                fields=["request_id", "id"],
                condition=~Q(action=COMMONPLACE) & ~Q(request_id=""),
                name="kyc_ledger_by_request",
            ),
            models.Index(
                fields=["address", "id"],
                condition=~Q(action=COMMONPLACE) & ~Q(address=""),
                name="kyc_ledger_by_address",
            ),
            # Who read a session: the detail of a read names it.
            models.Index(
                SESSION_NAMED,
                F("id"),
                condition=Q(actor__isnull=False),
                name="kyc_ledger_by_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Ledger entries are never deleted.")


class LedgerHead(models.Model):
    """The last entry of one chain; its row is locked while the next is appended."""

    chain = models.CharField(max_length=64, primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class Seal(models.Model):
    """A day's hash over the heads of all chains and the seal before.

    It names the heads of the chains that grew since the seal before (`heads`); all others are as that one, or one before
    it, says. `heads_digest` is over the named heads, `hash` over all else and the hash before. Sealed out of turn it has
    no `day`.
    """

    number = models.PositiveIntegerField(primary_key=True)
    day = models.DateField(null=True, blank=True, unique=True)
    at = models.DateTimeField()
    n_chains = models.PositiveBigIntegerField(help_text=_("Chains that grew since the seal before."))
    n_entries = models.PositiveBigIntegerField(help_text=_("Entries added to them since the seal before."))
    heads_digest = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(number__gte=1), name="kyc_seal_from_one")]

    def __str__(self) -> str:
        return f"seal {self.number}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Seals are never deleted.")


class SealedHead(models.Model):
    """Where one chain stood when it was sealed."""

    seal = models.ForeignKey(Seal, models.PROTECT, related_name="heads")
    chain = models.CharField(max_length=64)
    seq = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="kyc_sealed_head_once")]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Sealed heads are never deleted.")
