from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from kyc import inbox
from kyc.choices import Language
from kyc.figures import Figure


class Command(BaseCommand):
    help = (
        "Say how the inbox is: each figure with its threshold. Exits with 0 when all is well and with 1 when something "
        "is not, for a monitor to see."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="As JSON, for a program to read.")

    @translation.override(Language.ENGLISH)
    def handle(self, *args: Any, **options: Any) -> None:
        health = inbox.health(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(health.as_dict(), indent=2))
        else:
            for figure in health.figures:
                self.stdout.write(_lines(figure))
            self.stdout.write("The inbox is well." if health.is_well else "The inbox is unwell.")
        if not health.is_well:
            sys.exit(1)


def _lines(figure: Figure) -> str:
    lines = [f"{figure.verdict:<8}{figure.title}", figure.says, figure.threshold]
    if figure.since:
        since = timezone.localtime(figure.since)
        lines.append(f"Since {since:%Y-%m-%d %H:%M:%S} {since.tzname()}.")
    if figure.delivery_ids:
        lines.append(f"Deliveries: {', '.join(map(str, figure.delivery_ids))}.")
    if figure.names:
        lines.append(f"Names: {', '.join(figure.names)}.")
    if not figure.is_well:
        lines.append(f"What to do: {figure.advice}")
    return "\n        ".join(lines)
