"""What messages are made of: facts, each a label and a value."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_CODE = 60

# Label and value of each fact; one without a value is left out.
type Facts = list[tuple[str, object]]


class NothingToSay(LookupError):
    """What the message has to tell is not there any more."""


def told(facts: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    """Return the facts as the templates write them."""
    return [(label, str(value)) for label, value in facts if value]
