"""What the ledger's search field means: chains, an address, or the id of a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from uuid import UUID

from django.db.models import Q

from kyc import ledger
from kyc.models import Session, User

SHORTEST = 8
# Sessions whose IDs begin alike, or of one subject; more than that is no answer to a search.
MOST_CHAINS = 200

_PERSON = re.compile(r"person:\d{1,18}", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-f]{8,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """A search's text, and what it names: chains, or a column's value. `is_known_form`: it could have named something."""

    text: str
    chains: Sequence[str] = ()
    address: str = ""
    request_id: str = ""
    is_known_form: bool = True


def search(text: str) -> Search:
    """Return what the text names. At most one query."""
    bare = text.strip()
    if bare == ledger.SYSTEM or _PERSON.fullmatch(bare):
        return Search(text, [bare])
    if address := _address(bare):
        return Search(text, address=address)
    # The desk itself shows IDs as 9d3f61c0…c36e.
    head = bare.removeprefix("session:").partition("…")[0]
    digits = head.replace("-", "").lower()
    if not _HEXADECIMAL.fullmatch(digits):
        return _person(text, bare)
    found = _sessions(digits)
    if len(digits) == 32 and not found and head == digits:
        # A request's id has the form of a UUID without its dashes.
        return Search(text, request_id=digits)
    # A session that is not known may have a chain: who removed the one would like the other not to be found.
    whole = [ledger.session_chain(UUID(digits))] if len(digits) == 32 else []
    return Search(text, found or whole)


def _sessions(digits: str) -> list[str]:
    """Return the chains of the sessions whose id, or whose subject's id, begins so. One query."""
    bounds = (UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))
    # Each a range of an index of its own.
    kinds = [Q(pk__range=bounds), Q(user_id__range=bounds), Q(related_party_id__range=bounds)]
    parts = [Session.objects.filter(kind).order_by().values("pk")[:MOST_CHAINS] for kind in kinds]
    found = [Session.objects.filter(pk__in=part).order_by().values_list("pk", flat=True) for part in parts]
    return [ledger.session_chain(pk) for pk in sorted(found[0].union(*found[1:]))][:MOST_CHAINS]


def _person(text: str, username: str) -> Search:
    person = User.objects.filter(username=username).first() if "\x00" not in username else None
    return Search(text, [ledger.person_chain(person)]) if person else Search(text, is_known_form=False)


def _address(text: str) -> str:
    """Return an address as the ledger writes it, or an empty text."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
