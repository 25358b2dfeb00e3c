"""What a kept body says beyond the typed event: its data as sent, and whether it names the kind of its subject."""

from __future__ import annotations

from typing import Any

from kyc.ralio.jsontext import Members, NotJson, parse

# Any of these in an event's data says whom it is about; without them only the ids do.
_NAMING = ("entityType", "entity_type", "relatedParty", "related_party")


def data_members(body: bytes) -> list[tuple[str, Any]]:
    """Return the members of the event's data as `jsontext` values, in order; none where there is no such object."""
    try:
        document = parse(body)
    except NotJson:
        return []
    data = dict(document.pairs).get("data") if isinstance(document, Members) else None
    return data.pairs if isinstance(data, Members) else []


def names_entity(body: bytes) -> bool:
    """Return True when the event itself says what its subject is, instead of leaving it to the kind of id."""
    members = dict(data_members(body))
    return any(members.get(name) is not None for name in _NAMING)
