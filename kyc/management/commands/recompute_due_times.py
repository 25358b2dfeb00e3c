from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from kyc import recomputing
from kyc.recomputing import Move


class Command(BaseCommand):
    help = (
        "After a change of KYC_REVIEW_SLA_HOURS, KYC_BUSINESS_HOURS, KYC_HOLIDAYS_COUNTRY or KYC_TIME_ZONE: say which"
        " sessions in REVIEW would be due at another time; with --apply they are, in one transaction each. A due time"
        " that a person corrected stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Do it; otherwise this is a dry run.")

    def handle(self, *args: Any, apply: bool, **options: Any) -> None:
        moves = _Moves()
        try:
            n_seen = self._go_through(moves, apply=apply)
        finally:
            # Also when it was stopped half-way: what was done stays.
            if apply and moves.n:
                with transaction.atomic():
                    recomputing.record(moves.n)
        for line in _summary(n_seen, moves, is_dry_run=not apply):
            self.stdout.write(line)

    def _go_through(self, moves: _Moves, *, apply: bool) -> int:
        """Count the moves, or make them, and return how many sessions there are in REVIEW."""
        n_seen = 0
        for n_in_batch, planned in recomputing.plan():
            n_seen += n_in_batch
            for each in planned:
                moves.add(recomputing.move(each.session_id) if apply else each)
            if n_in_batch == recomputing.BATCH:
                self.stdout.write(f"{n_seen:,} sessions seen, {moves.n:,} of them move.")
        return n_seen


class _Moves:
    """How many due times move, and between which."""

    def __init__(self) -> None:
        self.n = 0
        self.before: Sequence[datetime] = ()
        self.after: Sequence[datetime] = ()

    def add(self, move: Move | None) -> None:
        if move is not None:
            self.n += 1
            self.before = _spread(self.before, move.before)
            self.after = _spread(self.after, move.after)


def _spread(known: Sequence[datetime], at: datetime) -> tuple[datetime, datetime]:
    return min(*known, at) if known else at, max(*known, at) if known else at


def _summary(n_seen: int, moves: _Moves, *, is_dry_run: bool) -> list[str]:
    if not moves.n:
        return [f"All {n_seen:,} sessions in REVIEW are due as the settings say. Nothing to do."]
    said = "would be due" if is_dry_run else "are now due"
    lines = [
        f"{moves.n:,} of {n_seen:,} sessions in REVIEW {said} at another time.",
        f"Due before: {_from_to(moves.before)}.",
        f"Due after: {_from_to(moves.after)}.",
    ]
    return [*lines, "Dry run, nothing was written: run it with --apply."] if is_dry_run else lines


def _from_to(ends: Sequence[datetime]) -> str:
    first, last = (f"{timezone.localtime(end):%Y-%m-%d %H:%M}" for end in ends)
    return f"from {first} to {last} {settings.TIME_ZONE}"
