from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kyc import contacts
from kyc.contacts import Ending, Result


class Command(BaseCommand):
    help = (
        "Take contacts of subjects from a CSV file (UTF-8; columns entity_type, subject_id, email, and name, language"
        " if wanted; an empty cell leaves what is known). Says what would become of each row; with --apply it is done."
        " Exits with 1 when a row is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="The CSV file.")
        parser.add_argument("--apply", action="store_true", help="Do it; otherwise this is a dry run.")

    def handle(self, *args: Any, file: Path, apply: bool, **options: Any) -> None:
        try:
            table = contacts.read(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except contacts.NotATable as error:
            raise CommandError(f"{file}: {error}") from None
        results = contacts.apply(table, by=None) if apply else contacts.plan(table)
        tally = contacts.tally(self._told(result) for result in results)
        told = ", ".join(f"{tally[ending]} {ending}" for ending in Ending if tally[ending]) or "no rows"
        summary = f"{told}." if apply else f"Dry run, nothing was written. It would be: {told}."
        if tally[Ending.REFUSED]:
            raise CommandError(summary)
        self.stdout.write(summary)

    def _told(self, result: Result) -> Result:
        """Print a row's line and what became of it: no cell of it."""
        self.stdout.write(f"line {result.row.line}: {result.ending}")
        for fault in result.row.faults:
            self.stdout.write(f"    {fault.column or 'row'}: {fault.words}")
        return result
