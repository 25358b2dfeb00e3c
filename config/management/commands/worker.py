"""Do all that waits in the background: notifications, failed deliveries, enquiries, alarms, due times, digests, seals."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from kyc import alarms, deadlines, ingestion, sealing
from kyc.answering import answer_due
from kyc.management.options import number
from kyc.retention import Daily
from kyc.suspicions import Following
from notifications import channels, daily
from notifications.sending import AGAIN, FIRST, fail_strays, send_due

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
SECONDS_BETWEEN_WATCHES = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Between a mail server's answer and the next line to it another thread writes messages: it must not keep the floor long.
SECONDS_BETWEEN_THREADS = 0.0001


type Work = Callable[[Stop], Counter[str]]


class Stop:
    """Whether to stop, and a pause that ends early when so. A SimpleQueue may be filled by a signal's handler."""

    def __init__(self) -> None:
        self._orders: SimpleQueue[int] = SimpleQueue()

    def order(self, number: int = 0, frame: object = None) -> None:
        self._orders.put(number)

    @property
    def is_ordered(self) -> bool:
        return not self._orders.empty()

    def pause(self, seconds: float) -> None:
        try:
            self.order(self._orders.get(timeout=seconds))
        except Empty:
            return


class Command(BaseCommand):
    help = (
        "Send notifications, try failed deliveries again, ask Ralio's API for missing checks, warn of due times, write"
        " the day's digests, seal the ledger and purge what is too old once a day and watch the inbox, until stopped. Run as many of these as you like."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="Do all that is due, then exit: with 1 if something of it could not be done.",
        )
        parser.add_argument(
            "--interval",
            type=number,
            default=2.0,
            help="Seconds between two looks when nothing is due (default: 2).",
        )

    def handle(self, *args: Any, once: bool, interval: float, **options: Any) -> None:
        stop = Stop()
        try:
            with _obeying_signals(stop), _taking_turns():
                self.drain(stop) if once else self.work(stop, interval)
        finally:
            connection.close()
            # A process that leaves its pool open takes seconds to end.
            if connection.vendor == "postgresql":
                connection.close_pool()  # type: ignore[attr-defined]

    def work(self, stop: Stop, interval: float) -> None:
        """Sweep until told to stop. What may let one wait goes on beside all else: Ralio's API, and each channel."""
        works: dict[str, Work] = {"enquiries": _enquiries}
        for name in channels.configured():
            works |= {name: _messages_by(name, FIRST), f"{name} again": _messages_by(name, AGAIN)}
        beside = [
            threading.Thread(target=_do_until_told, args=(stop, interval, work), name=name)
            for name, work in works.items()
        ]
        for thread in beside:
            thread.start()
        try:
            # Not before what waited for us while we were down has had time to come.
            watch = _now_and_then(_inbox, first_after=SECONDS_BETWEEN_WATCHES)
            others = (
                _now_and_then(work)
                for work in (_strays, _deadlines, _digests, _seals, _suspicions(), _purge())
            )
            now_and_then = (watch, *others)
            _sweep_until_told(stop, interval, (_deliveries, *now_and_then))
        finally:
            stop.order()
            for thread in beside:
                thread.join()
        logger.info("Stopped.")

    def drain(self, stop: Stop) -> None:
        done, is_well = 1, True
        now_and_then = map(_now_and_then, (_inbox, _deadlines, _digests, _seals, _suspicions(), _purge()))
        works = (*WORKS, _enquiries, *now_and_then)
        while done and not stop.is_ordered:
            # What goes wrong with one kind keeps none of the others from being done to their end.
            done, was_well = sweep(stop, works)
            is_well = is_well and was_well
        if not is_well:
            raise CommandError("Not everything that is due could be done; the log says why.")


@contextmanager
def _obeying_signals(stop: Stop) -> Iterator[None]:
    # In another thread than the main one no signal arrives: who runs the command there also ends it.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop.order) for number in SIGNALS} if is_main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _taking_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SECONDS_BETWEEN_THREADS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _do_until_told(stop: Stop, interval: float, work: Work) -> None:
    try:
        _sweep_until_told(stop, interval, (work,))
    finally:
        connection.close()


def _sweep_until_told(stop: Stop, interval: float, works: Sequence[Work]) -> None:
    """Sweep until told to stop. While that fails, as it does without a database, try less and less often."""
    n_failures = 0
    while not stop.is_ordered:
        done, is_well = sweep(stop, works)
        n_failures = 0 if is_well else n_failures + 1
        if not is_well:
            stop.pause(min(interval * 2**n_failures, LONGEST_PAUSE))
        elif not done:
            stop.pause(interval)


def sweep(stop: Stop, works: Sequence[Work] | None = None) -> tuple[int, bool]:
    """Do one batch of each kind of work; return how much that was and whether all went well.

    What goes wrong with one kind must not stop the others, nor the worker: its rows wait, and are due again.
    """
    close_old_connections()
    done: Counter[str] = Counter()
    is_well = True
    for work in WORKS if works is None else works:
        if stop.is_ordered:
            break
        try:
            done += work(stop)
        except Exception as error:  # noqa: BLE001 - its own text may hold personal data
            logger.error("The sweep of %s failed: %s.", work.__name__.strip("_"), _kind(error))
            connection.close()
            is_well = False
    if done:
        logger.info("%s.", ", ".join(f"{name}: {n}" for name, n in done.items()))
    return done.total(), is_well


def _messages(stop: Stop) -> Counter[str]:
    return _counted(send_due(is_wanted=lambda: not stop.is_ordered))


def _messages_by(channel: str, tries: Q) -> Work:
    def messages(stop: Stop) -> Counter[str]:
        return _counted(send_due(channel=channel, tries=tries, is_wanted=lambda: not stop.is_ordered))

    return messages


def _strays(stop: Stop) -> Counter[str]:
    return _counted(fail_strays())


def _counted(tally: Counter[str]) -> Counter[str]:
    return Counter({f"messages {name}": n for name, n in tally.items()})


def _deliveries(stop: Stop) -> Counter[str]:
    return Counter({"deliveries tried again": ingestion.retry_failed()})


def _enquiries(stop: Stop) -> Counter[str]:
    tally = answer_due(is_wanted=lambda: not stop.is_ordered)
    return Counter({f"enquiries {name}": n for name, n in tally.items()})


def _inbox(stop: Stop) -> Counter[str]:
    changed = alarms.watch(timezone.now())
    return Counter("alarms closed" if alarm.closed_at else "alarms opened" for alarm in changed)


def _deadlines(stop: Stop) -> Counter[str]:
    return Counter(f"sessions {kind.replace('_', ' ')}" for _, kind in deadlines.warn())


def _digests(stop: Stop) -> Counter[str]:
    return +Counter({"digests written": daily.write()})


def _seals(stop: Stop) -> Counter[str]:
    return Counter({"seals of the ledger": 1} if sealing.seal_due() else {})


def _suspicions() -> Work:
    """Return one worker's work of letting sessions follow a code that was marked as a suspicion, or no longer is."""
    following = Following()

    def suspicions(stop: Stop) -> Counter[str]:
        return +Counter({"sessions of a changed code": following.portion()})

    return suspicions


def _purge() -> Work:
    """Return one worker's work of overwriting what is older than it may be, once a day."""
    daily_purge = Daily()

    def purge(stop: Stop) -> Counter[str]:
        return +Counter({"rows looked at whose time may be over": daily_purge.portion()})

    return purge


def _now_and_then(work: Work, *, first_after: float = 0) -> Work:
    """Return the work as one that is done about once a minute, for the first time after so many seconds.

    While it finds something to do it is done again at once: after an outage there may be more than one batch.
    """
    next_at = time.monotonic() + first_after

    @wraps(work)
    def in_time(stop: Stop) -> Counter[str]:
        nonlocal next_at
        if time.monotonic() < next_at:
            return Counter()
        next_at = time.monotonic() + SECONDS_BETWEEN_WATCHES
        if done := work(stop):
            next_at = time.monotonic()
        return done

    return in_time


# What is done one after the other, in this order.
WORKS: tuple[Work, ...] = (_messages, _deliveries)


def _kind(error: Exception) -> str:
    return " of ".join(type(each).__name__ for each in (error, error.__cause__) if each)
