"""Kinds of command-line options; what is wrong with one is said in words."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime

from kyc.ralio import events


def whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0.")
    return int(text)


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    # Not a number compares with nothing.
    if not 0 <= value < 1e6:
        raise ArgumentTypeError(f"{text!r} is not a number of at least 0.")
    return value


def share(text: str) -> float:
    value = number(text)
    if value > 1:
        raise ArgumentTypeError(f"{text!r} is not a share from 0 to 1.")
    return value


def instant(text: str) -> datetime:
    at = events.instant(text)
    if at is None:
        raise ArgumentTypeError(
            f"{text!r} is not an ISO 8601 date and time with its offset, as 2026-03-17T12:00:00Z."
        )
    return at
