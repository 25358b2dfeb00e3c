"""What the search field's text means: an ID, the beginning of one, a reason code, or nothing that we know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, Q, When

from kyc.choices import FacetKind
from kyc.models import QueueFacet, Session
from kyc.models.digests import text_digest

HEXADECIMAL = re.compile(r"[0-9a-f]{8,32}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TheSession:
    """One session, to be opened."""

    pk: UUID


@dataclass(frozen=True, slots=True)
class TheSubject:
    """Someone with several sessions, to be listed in any state."""

    id: UUID

    @property
    def holds(self) -> Q:
        return Q(user_id=self.id) | Q(related_party_id=self.id)


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a session's, a user's or a related party's ID."""

    low: UUID
    high: UUID

    @property
    def holds(self) -> Q:
        bounds = (self.low, self.high)
        return Q(id__range=bounds) | Q(user_id__range=bounds) | Q(related_party_id__range=bounds)


@dataclass(frozen=True, slots=True)
class Code:
    """A reason code that the queue holds."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Text that names nothing here; `is_id` when it has the form of an ID."""

    is_id: bool


type Meaning = TheSession | TheSubject | Prefix | Code | Unknown


def meaning(text: str) -> Meaning:
    """Return what the text means, after at most one query."""
    # The desk itself shows IDs as 9d3f61c0…c36e.
    digits = text.partition("…")[0].replace("-", "")
    if not HEXADECIMAL.fullmatch(digits):
        return _code(text) or Unknown(is_id=False)
    if len(digits) == 32:
        return _of_id(UUID(digits))
    # A code may look like the beginning of an ID, and is the more exact match.
    return _code(text) or Prefix(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def _of_id(id_: UUID) -> Meaning:
    subject = TheSubject(id_)
    found = Session.objects.filter(Q(pk=id_) | subject.holds)
    match list(found.order_by(Case(When(pk=id_, then=0), default=1)).values_list("pk", flat=True)[:2]):
        case []:
            return Unknown(is_id=True)
        case [first, *others] if first == id_ or not others:
            return TheSession(first)
        case _:
            return subject


def _code(text: str) -> Code | None:
    """Return the reason code of exactly this text, or of its capitals."""
    digests = {text_digest(text): text, text_digest(text.upper()): text.upper()}
    facets = QueueFacet.objects.filter(kind=FacetKind.CODE, digest__in=digests)
    found = set(facets.order_by().values_list("digest", flat=True).distinct())
    return next((Code(code) for digest, code in digests.items() if digest in found), None)
