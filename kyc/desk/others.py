"""The other sessions of a session's subject: how often it was tried before, how that went, and who decided why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from kyc.choices import FINAL_OUTCOMES, DecisionStatus, FacetKind, SessionState
from kyc.models import Decision, QueueFacet, Session

MOST = 50


@dataclass(frozen=True, slots=True)
class Other:
    """Another session. `decision` is the last one that a person made about it.

    `same_codes` are the codes that it was rejected with and that the present session has as well; `is_earlier` says
    that it began before the present one did.
    """

    session: Session
    decision: Decision | None
    same_codes: Sequence[str]
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Others:
    """The newest other sessions. With `is_more` there are further ones, and the attempt's number is not known."""

    rows: Sequence[Other]
    is_more: bool

    @property
    def total(self) -> int:
        return len(self.rows) + 1

    @property
    def attempt(self) -> int:
        return 1 + sum(row.is_earlier for row in self.rows)

    @property
    def n_rejected(self) -> int:
        return sum(row.session.state == SessionState.REJECTED for row in self.rows)

    @property
    def repeated(self) -> list[Other]:
        """Return the earlier rejections with a code that the session has now, newest first."""
        return [row for row in self.rows if row.is_earlier and row.same_codes]


def of_subject(session: Session, codes: Collection[str]) -> Others:
    """Return the subject's other sessions, newest first, with why and by whom. `codes` are the session's own. Four queries."""
    facets = Prefetch(
        "facets", QueueFacet.objects.filter(kind=FacetKind.CODE).order_by("id"), to_attr="codes"
    )
    final = Decision.objects.filter(status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES)
    decisions = Prefetch(
        "decisions", final.select_related("maker", "checker").order_by("confirmed_at", "id"), to_attr="final"
    )
    found = (
        Session.objects.of_subject(session)
        .select_related("decided_by")
        .prefetch_related("rejection_reasons", facets, decisions)
        .order_by("-state_since", "-id")
    )
    rows = list(found[: MOST + 1])
    return Others([_other(row, session, codes) for row in rows[:MOST]], len(rows) > MOST)


def _other(row: Session, session: Session, codes: Collection[str]) -> Other:
    prefetched: Any = row
    rejected_with = dict.fromkeys(reason.code for reason in row.rejection_reasons.all())
    return Other(
        row,
        prefetched.final[-1] if prefetched.final else None,
        [code for code in rejected_with if code and code in codes],
        (row.first_event_at, row.pk) < (session.first_event_at, session.pk),
    )
