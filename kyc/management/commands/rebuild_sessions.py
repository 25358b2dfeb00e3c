from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from kyc.models import Session
from kyc.rebuilding import rebuild


class Command(BaseCommand):
    help = (
        "Recompute sessions from deliveries, decisions and corrections. Names each difference, mends it unless this is "
        "a dry run, and exits with 1 when there was any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "sessions", nargs="*", type=UUID, help="Only these sessions' ids; all when none is named."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only report.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Session.objects.order_by("pk")
        if options["sessions"]:
            chosen = chosen.filter(pk__in=options["sessions"])
        n_sessions = n_differing = 0
        for session_id in chosen.values_list("pk", flat=True).iterator(chunk_size=1000):
            n_sessions += 1
            differences = rebuild(session_id, is_dry_run=options["dry_run"])
            n_differing += bool(differences)
            for difference in differences:
                self.stdout.write(f"{session_id}: {difference}")
        missing = len(options["sessions"]) - n_sessions if options["sessions"] else 0
        if missing:
            raise CommandError(f"{missing} of the named sessions do not exist.")
        done = "differ" if options["dry_run"] else "differed and were mended"
        summary = f"{n_sessions} sessions recomputed, {n_differing} {done}."
        if n_differing:
            raise CommandError(summary)
        self.stdout.write(summary)
