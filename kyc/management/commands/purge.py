from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kyc import retention
from kyc.choices import DataKind
from kyc.retention import Purge

STEPS_BETWEEN_LINES = 500


class Command(BaseCommand):
    help = (
        "Say what personal data has been kept for longer than the KYC_RETAIN_… settings have it; with --apply it is"
        " overwritten, each session in a transaction of its own. Nothing goes below KYC_LEGAL_MINIMUM_DAYS, under a legal"
        " hold or while a session is in REVIEW. The worker does the same once a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Do it; otherwise this is a dry run.")
        parser.add_argument(
            "--kind",
            action="append",
            choices=DataKind.values,
            default=None,
            help="Only this kind of data; may be given more than once.",
        )

    def handle(self, *args: Any, apply: bool, kind: Sequence[str] | None, **options: Any) -> None:
        kinds = list(dict.fromkeys(kind or DataKind.values))
        for line in _settings(kinds):
            self.stdout.write(line)
        if not retention.wanted(kinds):
            self.stdout.write("Nothing is to be purged.")
            return
        purge = Purge(kinds=kinds, is_dry_run=not apply)
        try:
            for n_seen, _ in enumerate(purge.steps(), 1):
                if n_seen % STEPS_BETWEEN_LINES == 0:
                    self.stdout.write(f"{n_seen:,} looked at, {purge.tally.total():,} rows{_done(apply)}.")
        finally:
            # Also when it was stopped half-way: what was done stays.
            if apply and (purge.tally or purge.n_kept or purge.n_failed):
                retention.record(purge)
        for line in _report(purge):
            self.stdout.write(line)
        if purge.n_failed:
            raise CommandError(
                f"{purge.n_failed:,} could not be looked at or overwritten; the log says which."
            )


def _done(is_applied: bool) -> str:
    return " overwritten" if is_applied else " to overwrite"


def _settings(kinds: Sequence[str]) -> list[str]:
    """Say how long each kind is kept."""
    lines = []
    for kind in kinds:
        length = settings.KYC_RETENTION[kind]
        said = (
            f"for {length.days:,} days"
            if length is not None
            else f"until erased (KYC_RETAIN_{kind.upper()}_DAYS is not set)"
        )
        lines.append(f"{kind:<10}kept {said}")
    return [*lines, f"Legal minimum: {settings.KYC_LEGAL_MINIMUM.days:,} days."]


def _report(purge: Purge) -> list[str]:
    rows = [f"{kind:<10}{purge.tally[kind]:>10,} rows{_done(not purge.is_dry_run)}" for kind in purge.kinds]
    stays = f"{purge.n_kept:,} old enough and kept: under a legal hold, in REVIEW, or heard of since."
    end = ["Dry run, nothing was written: run it with --apply."] if purge.is_dry_run else []
    return [*rows, stays, *end]
