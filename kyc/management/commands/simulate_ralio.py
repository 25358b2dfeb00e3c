"""Play Ralio against any address: signed events of every kind and generation, retried as Ralio retries."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from itertools import islice, takewhile
from math import inf
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from kyc.comparing import Comparison, compare
from kyc.management.options import number, share, whole
from kyc.ralio.simulator import (
    GENERATIONS,
    KINDS,
    Event,
    Forger,
    Hostile,
    Journal,
    Player,
    Ralio,
    Tally,
    disturbed,
    mixed,
)
from kyc.ralio.simulator.api import FAULTS, Api
from kyc.ralio.simulator.book import Book
from kyc.ralio.simulator.history import history

DEFAULT_URL = "http://127.0.0.1:8000/webhooks/ralio"
_EVENTS_PER_SESSION = 1.85


class Command(BaseCommand):
    help = (
        "Posts signed events as Ralio does and prints what became of them. Ends with an error when an event was never"
        " acknowledged, an answer was not what the webhook's contract promises, or (--compare) an acknowledged event"
        " is missing from the database or stands in it twice."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        option = parser.add_argument
        option(
            "--url",
            type=_address,
            action="append",
            help="Where to post to. Given more than once, the posts go to each in turn. Default: "
            + DEFAULT_URL,
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
        option("--late", type=share, default=0.0, help="Share of events that come long after later ones did.")
        option(
            "--old",
            type=share,
            default=0.0,
            help="Share of events dated far back, of unknown sessions or of ones that have ended since.",
        )
        option(
            "--hostile",
            type=share,
            default=0.0,
            help="Share of signed bodies as nobody should write them: no JSON, nested deep, of wrong kinds, huge.",
        )
        option(
            "--forged",
            type=share,
            default=0.0,
            help="Share of posts with a wrong signature or none, or over the limit in size.",
        )
        option(
            "--limit",
            type=whole,
            metavar="BYTES",
            help="The receiver's RALIO_WEBHOOK_MAX_BYTES. Default: this machine's.",
        )
        option(
            "--withhold",
            type=share,
            default=0.0,
            help="Share of session events that are never posted: what happened is known to the API only.",
        )
        option(
            "--serve-api",
            type=whole,
            metavar="PORT",
            help="Serve Ralio's REST API on this machine too, and go on after the last event, until Ctrl-C.",
        )
        option(
            "--api-faults",
            type=share,
            default=0.0,
            help=f"Share of the API's answers that are faults: {', '.join(FAULTS)}.",
        )
        option("--connections", type=whole, default=1, help="How many are posted at once.")
        option("--tries", type=whole, default=8, help="How often one event is posted before it is given up.")
        option(
            "--first-wait",
            type=number,
            default=1.0,
            help="Seconds before the second try; each next wait doubles.",
        )
        option("--longest-wait", type=number, default=60.0, help="Where the waits stop doubling, in seconds.")
        option("--timeout", type=number, default=60.0, help="Seconds that an answer may take.")
        option("--for", type=number, metavar="SECONDS", dest="seconds", help="Begin nothing new after this.")
        option("--journal", type=Path, metavar="FILE", help="Add a line for each post that is settled.")
        option(
            "--compare",
            action="store_true",
            help="Compare the journal with the database of DATABASE_URL at the end.",
        )
        option(
            "--compare-only",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="Post nothing: compare the journals of earlier runs.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_contradictions(options)
        wrongs: list[str] = []
        if files := options["compare_only"]:
            wrongs += self.compare(files)
        else:
            with tempfile.TemporaryDirectory() as folder:
                is_wanted = options["journal"] or options["compare"]
                file = options["journal"] or Path(folder) / "journal"
                wrongs += self.play(file if is_wanted else None, options)
                if options["compare"]:
                    wrongs += self.compare([file])
        if wrongs:
            raise CommandError(" ".join(wrongs))

    def play(self, file: Path | None, options: dict[str, Any]) -> list[str]:
        """Post the events, print the tally and return what was wrong, in sentences."""
        secret = options["secret"] or settings.RALIO_WEBHOOK_SECRETS[0]
        book = None if options["serve_api"] is None else Book()
        self.n_withheld = 0
        with self.serving(book, options) as api, Journal(file) if file else nullcontext() as journal:
            player = Player(
                options["url"] or DEFAULT_URL,
                secret,
                n_tries=options["tries"],
                first_wait=options["first_wait"],
                longest_wait=options["longest_wait"],
                timeout=options["timeout"],
                record=journal.write if journal else None,
            )
            with player:
                try:
                    with _ending_on_sigterm() as is_ending:
                        events = _stream(options, book, self.is_posted(options), is_ending)
                        player.play(events, n_connections=options["connections"], rate=options["rate"])
                except KeyboardInterrupt:
                    self.stdout.write("Stopped.")
                    api = None
            for line in player.tally.lines():
                self.stdout.write(line)
            if options["withhold"]:
                self.stdout.write(f"{'withheld':<20}{self.n_withheld:>8,}")
            if api is not None:
                self.go_on(api)
        return _wrongs(player.tally)

    def is_posted(self, options: dict[str, Any]) -> Callable[[Event], bool]:
        """Return what decides whether an event is posted or withheld."""
        chance = _random(options["seed"], "withheld")

        def is_posted(event: Event) -> bool:
            is_withheld = event.session_id is not None and chance.random() < options["withhold"]
            self.n_withheld += is_withheld
            return not is_withheld

        return is_posted

    @contextmanager
    def serving(self, book: Book | None, options: dict[str, Any]) -> Iterator[Api | None]:
        """Serve the API while the block runs, and print the settings that lead there."""
        if book is None:
            yield None
            return
        code, key = settings.RALIO_API_CODE or "simulated", settings.RALIO_API_KEY or "simulated"
        try:
            api = Api(book, port=options["serve_api"], code=code, key=key)
        except (OSError, OverflowError):
            raise CommandError(f"Port {options['serve_api']} cannot be served.") from None
        api.behaviour.share, api.behaviour.rng = options["api_faults"], _random(options["seed"], "api")
        with api:
            self.stdout.write(f"RALIO_API_URL={api.url} RALIO_API_CODE={code} RALIO_API_KEY={key}")
            self.stdout.flush()
            yield api

    def go_on(self, api: Api) -> None:
        self.stdout.write("Every event is settled. The API is served until Ctrl-C.")
        self.stdout.flush()
        with suppress(KeyboardInterrupt):
            api.has_stopped.wait()

    def compare(self, files: list[Path]) -> list[str]:
        """Print what the database holds of the journals and return what was wrong, in sentences."""
        try:
            comparison: Comparison = compare(files)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {type(error).__name__}.") from None
        for line in comparison.lines():
            self.stdout.write(line)
        return [] if comparison.is_sound else ["The database does not hold what was acknowledged."]


def _wrongs(tally: Tally) -> list[str]:
    wrongs = []
    if n := tally.n_unacknowledged:
        wrongs.append(f"{n} event{' was' if n == 1 else 's were'} never acknowledged.")
    if n := tally.n_wrong:
        wrongs.append(f"{n} answer{' was' if n == 1 else 's were'} not as promised.")
    return wrongs


@contextmanager
def _ending_on_sigterm() -> Iterator[Callable[[], bool]]:
    """Yield what tells that SIGTERM came: nothing new begins then, and what is on its way is settled."""
    ending = threading.Event()
    # In another thread than the main one no signal arrives.
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, lambda *_: ending.set()) if is_main else None
    try:
        yield ending.is_set
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)


def _stream(
    options: dict[str, Any],
    book: Book | None,
    is_posted: Callable[[Event], bool],
    is_ending: Callable[[], bool],
) -> Iterator[Event]:
    """Return the events in the order in which they are posted. What happens is written into the book."""
    until = inf if options["seconds"] is None else time.monotonic() + options["seconds"]
    events = takewhile(lambda _: not is_ending() and time.monotonic() < until, _events(options, book))
    return disturbed(
        filter(is_posted, events),
        Random(options["seed"]),  # noqa: S311 - a game, not a secret
        duplicates=options["duplicates"],
        reordering=options["reordering"],
        late=options["late"],
    )


def _events(options: dict[str, Any], book: Book | None) -> Iterator[Event]:
    seed = options["seed"]
    ralio = Ralio(seed, generations=options["generations"], mix=options["mix"] or KINDS)
    ralio.book = book
    if options["history"]:
        return iter(_history(ralio, options["count"], timedelta(weeks=options["history"])))
    limit = settings.RALIO_WEBHOOK_MAX_BYTES if options["limit"] is None else options["limit"]
    # Each source has its own chance, so that a share more of one leaves the others as they were.
    hostile = Hostile(_random(seed, "hostile"), limit=limit)
    forger = Forger(_random(seed, "forged"), limit=limit)
    events = mixed(
        _random(seed, "mixed"),
        lambda: ralio.next(timezone.now()),
        [
            (options["old"], lambda: ralio.old(timezone.now())),
            (options["hostile"], lambda: hostile.next(timezone.now())),
            (options["forged"], lambda: forger.next(timezone.now())),
        ],
    )
    return islice(events, options["count"]) if options["count"] else events


def _random(seed: int | None, name: str) -> Random:
    return Random(None if seed is None else f"{seed} {name}")  # noqa: S311 - a game, not a secret


def _history(ralio: Ralio, n_events: int, span: timedelta) -> list[Event]:
    until = timezone.now()
    n_sessions = max(1, round(n_events / _EVENTS_PER_SESSION))
    return history(ralio, n_sessions, since=until - span, until=until, n_waiting=min(42, n_sessions // 6))


def _refuse_contradictions(options: dict[str, Any]) -> None:
    if options["history"] and options["mix"]:
        raise CommandError("--mix is for events of this moment; --history has a mix of its own.")
    if options["history"] and not options["count"]:
        raise CommandError("--history needs a --count: it ends now.")
    if options["history"] and (options["old"] or options["hostile"] or options["forged"]):
        raise CommandError("--old, --hostile and --forged are for events of this moment, not for --history.")
    if options["old"] + options["hostile"] + options["forged"] > 1:
        raise CommandError("--old, --hostile and --forged are shares of one whole: together at most 1.")
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
