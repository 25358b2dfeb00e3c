"""Whence an act comes: the request that it was done in, for the ledger and the logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The id of a request and the address it came from; both empty for what no request asked for."""

    request_id: str = ""
    address: str = ""


NOWHERE = Origin()
_present: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def present() -> Origin:
    """Return the origin of what is being done now."""
    return _present.get()


@contextmanager
def of(origin: Origin) -> Iterator[None]:
    """Let all that is done within come from there."""
    token = _present.set(origin)
    try:
        yield
    finally:
        _present.reset(token)
