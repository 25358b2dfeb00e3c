"""What the deliveries' search field means: an event, a session, a subject, or the SHA-256 of a body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from kyc.choices import DeliveryStatus
from kyc.models import Delivery, RefusedRequest, Session
from kyc.models.deliveries import CONFLICTING, OWNS_EVENT_ID, UNREADABLE

SHORTEST = 8
# Of each kind of match; more than that is no answer to a search.
MOST = 200
# Unreadable deliveries are in no index by event id: so many of the newest are looked through.
MOST_UNREADABLE = 5_000

_HEXADECIMAL = re.compile(r"[0-9a-f]{8,64}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """A search's text, what it found, and whether it has the form of an id or a digest at all."""

    text: str
    ids: Sequence[int]
    is_known_form: bool = True


def search(text: str, *, is_refused: bool) -> Search:
    """Return what the text finds, in one query."""
    # The desk itself shows IDs as 9d3f61c0…c36e.
    digits = text.partition("…")[0].replace("-", "").lower()
    if not _HEXADECIMAL.fullmatch(digits):
        return Search(text, (), is_known_form=False)
    if is_refused:
        return Search(text, _refused(digits))
    return Search(text, sorted(set(_deliveries(digits))))


def _refused(digits: str) -> list[int]:
    digests = RefusedRequest.objects.filter(sha256__startswith=digits)
    return list(digests.order_by("-pk").values_list("pk", flat=True)[:MOST])


def _deliveries(digits: str) -> list[int]:
    """Return the deliveries whose body's digest begins so; as far as it can be an id, also those it belongs to."""
    kinds: list[QuerySet[Delivery]] = [
        Delivery.objects.filter(UNREADABLE, sha256__gte=digits, sha256__lte=digits.ljust(64, "g"))
    ]
    if len(digits) <= 32:
        bounds = (UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))
        kinds += _of_ids(bounds)
    # Each a range of an index of its own, so that none of them reads the table.
    parts = [
        Delivery.objects.filter(pk__in=kind.order_by().values("pk")[:MOST]).values("pk") for kind in kinds
    ]
    return [row["pk"] for row in parts[0].union(*parts[1:])]


def _of_ids(bounds: tuple[UUID, UUID]) -> list[QuerySet[Delivery]]:
    recorded = Q(status=DeliveryStatus.RECORDED)
    newest_unreadable = Delivery.objects.filter(status=DeliveryStatus.QUARANTINED).order_by("-pk")
    of_user = Session.objects.filter(user_id__range=bounds).order_by().values("pk")[:MOST]
    of_party = Session.objects.filter(related_party_id__range=bounds).order_by().values("pk")[:MOST]
    return [
        Delivery.objects.filter(OWNS_EVENT_ID, event_id__range=bounds),
        Delivery.objects.filter(CONFLICTING, event_id__range=bounds),
        Delivery.objects.filter(
            pk__in=newest_unreadable.values("pk")[:MOST_UNREADABLE], event_id__range=bounds
        ),
        Delivery.objects.filter(session__gte=bounds[0], session__lte=bounds[1]),
        Delivery.objects.filter(session__in=of_user),
        Delivery.objects.filter(session__in=of_party),
        Delivery.objects.filter(recorded, user_id__range=bounds),
        Delivery.objects.filter(recorded, related_party_id__range=bounds),
    ]
