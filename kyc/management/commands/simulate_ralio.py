"""Play Ralio against any address: signed events of every kind and generation, retried as Ralio retries."""

from __future__ import annotations

import itertools
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kyc.management.options import number, share, whole
from kyc.ralio.simulator import GENERATIONS, KINDS, Event, Player, Ralio, disturbed
from kyc.ralio.simulator.history import history

_EVENTS_PER_SESSION = 1.85


class Command(BaseCommand):
    help = (
        "Posts signed events as Ralio does and prints what became of them. Ends with an error when an event was never"
        " acknowledged."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        option = parser.add_argument
        option(
            "--url", type=_address, default="http://127.0.0.1:8000/webhooks/ralio", help="Where to post to."
        )
        option("--secret", help="Signs the events. Default: the first of RALIO_WEBHOOK_SECRETS.")
        option("--rate", type=number, default=1.0, help="Events a second; 0 for as fast as they are taken.")
        option("--count", type=whole, default=100, help="How many events; 0 goes on until Ctrl-C.")
        option(
            "--seed", type=int, help="The same seed makes the same events (instants apart, unless --history)."
        )
        option(
            "--mix",
            type=_mix,
            help=f"Shares of what is said, as verified=3,failed=1. Of: {', '.join(KINDS)}.",
        )
        option(
            "--generations", type=_generations, default=GENERATIONS, help="Such as g1,g3. Default: all three."
        )
        option(
            "--history",
            type=whole,
            metavar="WEEKS",
            help="About --count events of the last weeks, oldest first.",
        )
        option("--duplicates", type=share, default=0.0, help="Share of events sent twice, from 0 to 1.")
        option(
            "--reordering",
            type=share,
            default=0.0,
            help="Share of events overtaken by later ones, from 0 to 1.",
        )
        option("--connections", type=whole, default=1, help="How many are posted at once.")
        option("--tries", type=whole, default=8, help="How often one event is posted before it is given up.")
        option(
            "--first-wait",
            type=number,
            default=1.0,
            help="Seconds before the second try; each next wait doubles.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_contradictions(options)
        events = disturbed(
            _events(options),
            Random(options["seed"]),  # noqa: S311 - a game, not a secret
            duplicates=options["duplicates"],
            reordering=options["reordering"],
        )
        secret = options["secret"] or settings.RALIO_WEBHOOK_SECRETS[0]
        player = Player(options["url"], secret, n_tries=options["tries"], first_wait=options["first_wait"])
        with player:
            try:
                player.play(events, n_connections=options["connections"], rate=options["rate"])
            except KeyboardInterrupt:
                self.stdout.write("Stopped.")
        for line in player.tally.lines():
            self.stdout.write(line)
        if n := player.tally.n_unacknowledged:
            raise CommandError(f"{n} event{' was' if n == 1 else 's were'} never acknowledged.")


def _events(options: dict[str, Any]) -> Iterator[Event]:
    ralio = Ralio(options["seed"], generations=options["generations"], mix=options["mix"] or KINDS)
    if options["history"]:
        return iter(_history(ralio, options["count"], timedelta(weeks=options["history"])))
    numbers = range(options["count"]) if options["count"] else itertools.count()
    return (ralio.next(timezone.now()) for _ in numbers)


def _history(ralio: Ralio, n_events: int, span: timedelta) -> list[Event]:
    until = timezone.now()
    n_sessions = max(1, round(n_events / _EVENTS_PER_SESSION))
    return history(ralio, n_sessions, since=until - span, until=until, n_waiting=min(42, n_sessions // 6))


def _refuse_contradictions(options: dict[str, Any]) -> None:
    if options["history"] and options["mix"]:
        raise CommandError("--mix is for events of this moment; --history has a mix of its own.")
    if options["history"] and not options["count"]:
        raise CommandError("--history needs a --count: it ends now.")
    if not options["connections"] or not options["tries"]:
        raise CommandError("--connections and --tries are at least 1.")


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ArgumentTypeError(f"{text!r} is not an http or https address.")
    return text


def _mix(text: str) -> dict[str, float]:
    mix: dict[str, float] = {}
    for item in text.split(","):
        kind, _, times = item.strip().partition("=")
        if kind not in KINDS:
            raise ArgumentTypeError(f"{kind!r} is none of {', '.join(KINDS)}.")
        mix[kind] = number(times)
    if not any(mix.values()):
        raise ArgumentTypeError("the shares are all 0.")
    return mix


def _generations(text: str) -> tuple[str, ...]:
    named = tuple(item.strip() for item in text.split(","))
    for name in named:
        if name not in GENERATIONS:
            raise ArgumentTypeError(f"{name!r} is none of {', '.join(GENERATIONS)}.")
    return named
