from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kyc import ledger
from kyc.models import LedgerEntry, LedgerHead


class Command(BaseCommand):
    help = "Check every chain of the ledger. Names the first broken entry of each, and exits with 1 when there is any."

    def handle(self, *args: Any, **options: Any) -> None:
        n_broken = 0
        for fault in ledger.verify():
            n_broken += 1
            self.stdout.write(str(fault))
        if n_broken:
            raise CommandError(f"{n_broken} chains are broken.")
        n_entries, n_chains = LedgerEntry.objects.count(), LedgerHead.objects.count()
        self.stdout.write(f"{n_entries} entries in {n_chains} chains, all sound.")
