"""What the webhook's contract promises each post, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Promise(StrEnum):
    """The answer that a post is to get."""

    TAKEN = "taken"  # 200
    CONFLICT = "conflict"  # 200 with "quarantined": "id_conflict"
    UNREADABLE = "unreadable"  # 400 with every fault; kept all the same
    UNTRUSTED = "untrusted"  # 401
    TOO_LARGE = "too_large"  # 413


class Outcome(StrEnum):
    """What became of a post in the end."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


ACKNOWLEDGED = frozenset({Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.QUARANTINED})
# Nothing of these is to be kept among the trusted.
FORGED = frozenset({Promise.UNTRUSTED, Promise.TOO_LARGE})
_REFUSALS = {Promise.UNREADABLE: 400, Promise.UNTRUSTED: 401, Promise.TOO_LARGE: 413}


def is_failure(status: int) -> bool:
    """Return True for an answer that no post at all is to get: 503 says that the database is away, and any other 5xx not."""
    return status >= 500 and status != 503


def outcome_of(status: int, said: dict[str, Any]) -> Outcome:
    """Return what an answer that ends the tries means."""
    if not 200 <= status < 300:
        return Outcome.REFUSED
    if said.get("duplicate"):
        return Outcome.DUPLICATE
    return Outcome.QUARANTINED if said.get("quarantined") else Outcome.ACCEPTED


def is_kept(promise: Promise, outcome: Outcome, status: int | None, said: dict[str, Any]) -> bool:
    """Return True when the post ended as promised."""
    if promise in _REFUSALS:
        names_faults = promise != Promise.UNREADABLE or bool(said.get("errors"))
        return status == _REFUSALS[promise] and names_faults
    if promise == Promise.CONFLICT:
        return outcome == Outcome.QUARANTINED
    return outcome in ACKNOWLEDGED
