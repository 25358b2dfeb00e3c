"""Fixed-size stand-ins for text of any length, so that an index can hold it."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def text_digest(text: str) -> UUID:
    """Return 128 bits of BLAKE2b over the UTF-8 text; text from the wire has no length limit, an index entry has."""
    return UUID(bytes=blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())
