"""What an entry's detail says. What the database was made to hold behind the desk's back need not be JSON, or not so deep."""

from __future__ import annotations

import json
from typing import Any

from kyc.ralio.jsontext import NotJson, parse


def members(text: str) -> dict[str, Any] | None:
    """Return a detail's members; None where it is no such object as the ledger writes."""
    try:
        # Bounds the depth, which `json` does not.
        parse(text.encode("utf-8", "surrogatepass"))
        found = json.loads(text)
    except (NotJson, ValueError):
        return None
    return found if isinstance(found, dict) else None
