from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from kyc import bundles, ledger
from kyc.models import LedgerEntry, LedgerHead


class Command(BaseCommand):
    help = "Write the ledger, its seals and a verifier that needs nothing of ours into a ZIP."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", help="Where to; a file that is there is not overwritten. - for standard output."
        )
        parser.add_argument(
            "--chain",
            action="append",
            help="Only this chain, such as session:<uuid>, person:<id> or system; may be given several times.",
        )

    def handle(self, *args: Any, file: str, chain: list[str] | None, **options: Any) -> None:
        _guard_known(chain or ())
        if file == "-":
            _export(sys.stdout.buffer, chain)
            return
        try:
            with Path(file).open("xb") as out:
                _export(out, chain)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self.stdout.write(f"Written to {file}. To check it: python -I verify.py {Path(file).name}")


def _export(out: BinaryIO, chains: Collection[str] | None) -> None:
    """Write the bundle. The ledger has it before, so that the bundle tells of itself."""
    chosen: list[ledger.Detail] | None = [*chains] if chains else None
    with transaction.atomic():
        ledger.append(ledger.SYSTEM, "ledger.exported", by="command", chains=chosen)
    bundles.write(out, chains=chains)


def _guard_known(chains: Collection[str]) -> None:
    # Also one whose head somebody removed.
    known = {*LedgerHead.objects.filter(pk__in=chains).values_list("pk", flat=True)}
    known |= {name for name in chains if LedgerEntry.objects.filter(chain=name).exists()}
    if unknown := [name for name in chains if name not in known]:
        raise CommandError(f"There is no chain {', '.join(unknown)}.")
