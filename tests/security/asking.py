"""What an address asks of a request: found out by watching what it looks up, so that no list of parameters grows old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

NOBODYS = {"csrfmiddlewaretoken", "_method"}


@contextmanager
def watched() -> Iterator[set[str]]:
    """Gather the names that are looked up in any request's query or form while the block runs."""
    names: set[str] = set()
    one, many = MultiValueDict.__getitem__, MultiValueDict.getlist

    def note(found: Any, name: object) -> None:
        if isinstance(found, QueryDict) and isinstance(name, str) and name not in NOBODYS:
            names.add(str(name))

    def get(self: Any, key: Any) -> Any:
        note(self, key)
        return one(self, key)

    def getlist(self: Any, key: Any, default: Any = None) -> Any:
        note(self, key)
        return many(self, key, default)

    def contains(self: Any, key: Any) -> bool:
        note(self, key)
        return dict.__contains__(self, key)

    with (
        mock.patch.object(MultiValueDict, "__getitem__", get),
        mock.patch.object(MultiValueDict, "getlist", getlist),
        mock.patch.object(MultiValueDict, "__contains__", contains, create=True),
    ):
        yield names
