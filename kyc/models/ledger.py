"""The append-only record. `kyc.ledger` writes it; triggers refuse UPDATE, DELETE and TRUNCATE."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LedgerEntry(models.Model):
    """One act. Holds ids, codes and digests, never personal data. `hash` covers all else and the entry before."""

    chain = models.CharField(max_length=64)
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    action = models.TextField()
    detail = models.TextField(default="{}", help_text=_("Canonical JSON."))
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="kyc_ledger_entry_once"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="kyc_ledger_entry_from_one"),
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
