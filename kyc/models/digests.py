"""Fixed-size stand-ins for text of any length, so that an index can hold it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

MOST_REMEMBERED = 100


def text_digest(text: str) -> UUID:
    """Return 128 bits of BLAKE2b over the UTF-8 text; text from the wire has no length limit, an index entry has."""
    # Codes, categories, check types and event names come again and again.
    return _remembered(text) if len(text) <= MOST_REMEMBERED else _digest(text)


def _digest(text: str) -> UUID:
    return UUID(bytes=blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())


_remembered = lru_cache(maxsize=4096)(_digest)
