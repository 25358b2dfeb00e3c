"""What the log's lines are about: the ids of the request, the event, the delivery or the person at work, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any

type Ids = dict[str, object]

NOTHING: Mapping[str, object] = {}
_present: ContextVar[Ids | None] = ContextVar("traced", default=None)


def ids() -> Mapping[str, object]:
    """Return the ids of what is being done now, by name."""
    return _present.get() or NOTHING


def about(**named: object) -> AbstractContextManager[None]:
    """Let the lines written within name these ids, besides those of what it is part of; None is no id."""
    return _Scope(named)


def note(**named: object) -> None:
    """Let the lines from here on name these ids too, until the end of what is being done; outside of that it does nothing."""
    found = _present.get()
    if found is not None:
        found.update(named)


class _Scope(AbstractContextManager[None]):
    """A class, for each of Ralio's requests enters one: a generator takes three times as long."""

    __slots__ = ("_named", "_token")

    def __init__(self, named: Ids) -> None:
        self._named = named

    def __enter__(self) -> None:
        known = {name: value for name, value in self._named.items() if value is not None}
        self._token: Token[Ids | None] = _present.set({**ids(), **known} if known or ids() else {})

    def __exit__(self, *error: Any) -> None:
        _present.reset(self._token)
