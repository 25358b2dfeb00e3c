"""How people here decided earlier sessions that had the same reason code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet
from django.utils.translation import ngettext

from kyc.choices import Outcome
from kyc.desk.together import Rows
from kyc.figures import capped
from kyc.models import Precedent, ReasonCode, Session
from kyc.querysets import CAP, CappedCount

# How many of the newest are named.
NEWEST = 3
# All that a page says of one.
_SHOWN = (
    "decided_at",
    "decision__outcome",
    "decision__session_id",
    "decision__maker__username",
    "decision__checker__username",
)
_COUNTED = {"n_rejected_here": Outcome.REJECT, "n_approved_here": Outcome.APPROVE}


@dataclass(frozen=True, slots=True)
class Precedents:
    """What became of other sessions with one code: up to one more than CAP of each outcome, and the newest."""

    n_rejected: int
    n_approved: int
    newest: Sequence[Precedent] = ()

    @property
    def words(self) -> str:
        """Return how officers decided, such as "Officers rejected 12 and approved 3 sessions with this code."""
        counts = {"rejected": capped(self.n_rejected), "approved": capped(self.n_approved)}
        if self.n_rejected and self.n_approved:
            words = ngettext(
                "Officers rejected %(rejected)s and approved %(approved)s session with this code",
                "Officers rejected %(rejected)s and approved %(approved)s sessions with this code",
                self.n_approved,
            )
        elif self.n_approved:
            words = ngettext(
                "Officers approved %(approved)s session with this code and rejected none",
                "Officers approved %(approved)s sessions with this code and rejected none",
                self.n_approved,
            )
        else:
            words = ngettext(
                "Officers rejected %(rejected)s session with this code and approved none",
                "Officers rejected %(rejected)s sessions with this code and approved none",
                self.n_rejected,
            )
        return words % counts


def with_precedents(codes: QuerySet[ReasonCode], session: Session) -> QuerySet[ReasonCode]:
    """Have a query of codes bring what `precedents` reads, but for the session's own decisions."""
    of_code = Precedent.objects.filter(digest=OuterRef("digest"))
    columns: dict[str, Any] = {}
    for name, outcome in _COUNTED.items():
        decided = of_code.filter(outcome=outcome)
        own = decided.filter(decision__session=session)
        columns[name], columns[f"{name}_own"] = CappedCount(decided, along="decided_at"), CappedCount(own)
        # A few steps along the index each, for an outcome's newest are in order there and those of both are not.
        newest = decided.exclude(decision__session=session).order_by("-decided_at")
        people = newest.select_related("decision__maker", "decision__checker").only(*_SHOWN)
        columns[f"{name}_newest"] = Rows(people[:NEWEST])
    return codes.annotate(**columns)


def precedents(code: ReasonCode) -> Precedents | None:
    """Return the precedents of a code read with `with_precedents`; None where nobody decided."""
    n_rejected, n_approved = (_others(code, name) for name in _COUNTED)
    if not n_rejected and not n_approved:
        return None
    newest = [row for name in _COUNTED for row in getattr(code, f"{name}_newest")]
    return Precedents(n_rejected, n_approved, _latest(newest))


def _others(code: Any, name: str) -> int:
    """Return how many are not the session's own; where there are more than are counted, there still are."""
    n_all: int = getattr(code, name)
    n_own: int = getattr(code, f"{name}_own")
    return n_all if n_all > CAP else n_all - n_own


def _latest(found: Iterable[Precedent]) -> list[Precedent]:
    return sorted(found, key=lambda row: (row.decided_at, row.pk), reverse=True)[:NEWEST]
