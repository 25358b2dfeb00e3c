from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kyc import bundles, ledger


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
        # Before the export, so that it tells of itself.
        chosen: list[ledger.Detail] | None = [*chain] if chain else None
        ledger.append(ledger.SYSTEM, "ledger.exported", by="command", chains=chosen)
        if file == "-":
            bundles.write(sys.stdout.buffer, chains=chain)
            return
        try:
            with Path(file).open("xb") as out:
                bundles.write(out, chains=chain)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        self.stdout.write(f"Written to {file}. To check it: python -I verify.py {Path(file).name}")
