from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from kyc import ledger, verifier
from kyc.verifier import Tally


class Command(BaseCommand):
    help = (
        "Check every chain of the ledger, its heads and its seals. Names the first break of each, and exits with 1 when"
        " there is any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seal",
            action="append",
            default=[],
            type=_mailed,
            metavar="NUMBER=HASH",
            help="Compare a seal with the one that was mailed; may be given several times.",
        )

    def handle(self, *args: Any, seal: list[tuple[int, str]], **options: Any) -> None:
        mailed, tally, n_breaks = dict(seal), Tally(), 0
        try:
            for fault in ledger.verify(mailed=mailed, tally=tally):
                n_breaks += 1
                self.stdout.write(str(fault))
        except Error as error:
            # What somebody wrote past the desk may be nothing that a database's driver can read.
            raise CommandError(f"The ledger could not be read to its end: {type(error).__name__}.") from error
        self.stdout.write(verifier.summary(tally, mailed))
        if n_breaks:
            raise CommandError(f"{n_breaks} breaks.")
        self.stdout.write("All sound.")


def _mailed(text: str) -> tuple[int, str]:
    try:
        return verifier.mailed_seal(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
