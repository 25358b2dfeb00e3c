"""Search by id as ranges of indexes: a whole UUID, or its first eight characters or more."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kyc.models import Session

NOTHING = Q(pk__in=[])
OF_SESSION = _("The session: a whole UUID, or its first 8 characters or more.")
# More chains than anybody reads in one list.
MOST_SESSIONS = 100

_PREFIX = re.compile(r"[0-9a-f]{8,32}", re.IGNORECASE)


def uuid_range(term: str) -> tuple[UUID, UUID] | None:
    """Return the first and last UUID that begin as the term does, or None when none can."""
    digits = term.replace("-", "")
    if not _PREFIX.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def begins(term: str, *fields: str) -> Q:
    """Return the condition that one of the UUID fields begins as the term does."""
    bounds = uuid_range(term)
    if bounds is None:
        return NOTHING
    first, last = bounds
    found = Q()
    for field in fields:
        found |= Q(**{f"{field}__gte": first, f"{field}__lte": last})
    return found


def session_ids(term: str) -> list[UUID]:
    """Return the sessions whose id begins as the term does: few enough to look for them elsewhere."""
    bounds = uuid_range(term)
    if bounds is None:
        return []
    found = Session.objects.filter(pk__range=bounds).order_by("pk")
    return list(found.values_list("pk", flat=True)[:MOST_SESSIONS])
