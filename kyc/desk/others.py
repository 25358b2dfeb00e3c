"""The other sessions of a session's subject: how often it was tried before, and how that went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch

from kyc.choices import FacetKind, SessionState
from kyc.models import QueueFacet, Session

MOST = 50


@dataclass(frozen=True, slots=True)
class Others:
    """The newest other sessions. With `is_more` there are further ones, and the attempt's number is not known."""

    rows: Sequence[Session]
    is_more: bool
    attempt: int
    n_rejected: int

    @property
    def total(self) -> int:
        return len(self.rows) + 1


def of_subject(session: Session) -> Others:
    """Return the subject's other sessions, newest first, with the codes of those rejected or in review. Three queries."""
    codes = Prefetch("facets", QueueFacet.objects.filter(kind=FacetKind.CODE).order_by("id"), to_attr="codes")
    found = (
        Session.objects.of_subject(session)
        .select_related("decided_by")
        .prefetch_related("rejection_reasons", codes)
        .order_by("-state_since", "-id")
    )
    rows = list(found[: MOST + 1])
    here = (session.state_since, session.pk)
    return Others(
        rows[:MOST],
        len(rows) > MOST,
        1 + sum((row.state_since, row.pk) < here for row in rows),
        sum(row.state == SessionState.REJECTED for row in rows),
    )
