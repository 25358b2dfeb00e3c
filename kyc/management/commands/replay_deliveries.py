from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from kyc import replaying
from kyc.choices import Language, QuarantineCause
from kyc.management.options import instant, whole
from kyc.pictures import plain
from kyc.replaying import Ending, Plan, Result

STOPPED = 130
MOST_SHOWN = 40


class Command(BaseCommand):
    help = (
        "Take quarantined and failed deliveries again, or refused requests whose signature holds now. Shows what each"
        " would change; with --apply it is done, one transaction each. Exits with 1 when something could not be"
        " applied. Ctrl-C ends between two."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        option = parser.add_argument
        option(
            "--id", type=whole, action="append", dest="ids", metavar="ID", help="Only this one; repeatable."
        )
        option("--cause", choices=QuarantineCause.values, help="Only those quarantined for this.")
        option("--status", choices=replaying.REPLAYABLE, help="Only quarantined, or only failed ones.")
        option(
            "--since",
            type=instant,
            metavar="INSTANT",
            help="Received then or later, as 2026-03-17T12:00:00Z.",
        )
        option("--until", type=instant, metavar="INSTANT", help="Received before then.")
        option(
            "--refused", action="store_true", help="Refused requests instead, verified with today's secrets."
        )
        option("--limit", type=whole, default=1000, help="At most so many (default: 1000); 0 for all.")
        option("--apply", action="store_true", help="Do it; otherwise this is a dry run.")

    @translation.override(Language.ENGLISH)
    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_contradictions(options)
        tally: Counter[Ending] = Counter()
        limit = 0 if options["ids"] else options["limit"]
        with _ended_between_two() as is_stopped:
            for n, pk in enumerate(_chosen(options)):
                if is_stopped() or n == (limit or None):
                    self.stdout.write("Stopped." if is_stopped() else f"More are left: --limit is {limit}.")
                    break
                result = _act(options)(pk)
                tally[result.ending] += 1
                self._tell(result, "refused request" if options["refused"] else "delivery")
        summary = _summary(tally, is_dry_run=not options["apply"])
        if is_stopped():
            raise CommandError(summary, returncode=STOPPED)
        # What was named and is not there is wrong in a dry run, too.
        if Ending.GONE in tally or (options["apply"] and not replaying.WELL_ENDED.issuperset(tally)):
            raise CommandError(summary)
        self.stdout.write(summary)

    def _tell(self, result: Result, kind: str) -> None:
        self.stdout.write(f"{kind} {result.pk}: {', '.join(_told(result))}")
        if result.advice:
            self.stdout.write(f"    {result.advice}")
        for fault in result.faults[:MOST_SHOWN]:
            self.stdout.write(f"    {plain(fault['path']) or 'body'}: {plain(fault['message'])}")
        if isinstance(result, Plan):
            for difference in result.differences[:MOST_SHOWN]:
                self.stdout.write(f"    {difference}")
            if (n_more := result.n_differences - MOST_SHOWN) > 0:
                self.stdout.write(f"    and {n_more} more")


def _refuse_contradictions(options: dict[str, Any]) -> None:
    filters = ("cause", "status", "since", "until")
    if options["refused"] and (options["cause"] or options["status"]):
        raise CommandError("--cause and --status are for deliveries; --refused takes neither.")
    if options["ids"] and any(options[name] for name in filters):
        raise CommandError("--id names what is meant; leave out --cause, --status, --since and --until.")


def _chosen(options: dict[str, Any]) -> Iterator[int]:
    """Yield the ids that are meant: those named, whatever they are, or those that can be replayed."""
    if options["ids"]:
        return iter(sorted(set(options["ids"])))
    bounds = {name: options[name] for name in ("since", "until")}
    if options["refused"]:
        return replaying.select_refused(**bounds)
    return replaying.select(cause=options["cause"] or "", status=options["status"] or "", **bounds)


def _act(options: dict[str, Any]) -> Callable[[int], Result]:
    if options["refused"]:
        return partial(replaying.apply_refused, by=None) if options["apply"] else replaying.plan_refused
    return partial(replaying.apply, by=None) if options["apply"] else replaying.plan


def _told(result: Result) -> Iterator[str]:
    """Yield what is said of one: which event, from where to where, and whose session. Nothing personal."""
    delivery = result.delivery
    if delivery is None or result.now is None:
        yield str(result.ending.label)
        return
    if delivery.event_name:
        yield plain(delivery.event_name)
    if delivery.event_id:
        yield f"event {delivery.event_id}"
    yield f"{result.was} → {result.now}" if result.was else str(result.now)
    if result.ending in replaying.WELL_ENDED - {Ending.APPLIED}:
        yield result.ending.label.lower()
    if result.session_id:
        is_new = isinstance(result, Plan) and result.is_new_session
        yield f"{'new ' if is_new else ''}session {result.session_id}"


def _summary(tally: Counter[Ending], *, is_dry_run: bool) -> str:
    told = ", ".join(f"{tally[ending]} {ending.label.lower()}" for ending in Ending if tally[ending])
    if not told:
        return "Nothing to replay."
    return f"Dry run, nothing was written. It would be: {told}." if is_dry_run else f"{told}."


@contextmanager
def _ended_between_two() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C and SIGTERM wait for the delivery at hand; yields whether one came."""
    came: list[int] = []
    # In another thread than the main one no signal arrives.
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main else ()
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
