"""How people here decided earlier sessions that had the same reason code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery

from kyc.choices import Outcome
from kyc.figures import capped
from kyc.models import Precedent, ReasonCode, Session
from kyc.querysets import CAP, CappedCount

# How many of the newest are named.
NEWEST = 3
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
        if self.n_rejected and self.n_approved:
            rejected = capped(self.n_rejected)
            return f"Officers rejected {rejected} and approved {_sessions(self.n_approved)} with this code"
        if self.n_approved:
            return f"Officers approved {_sessions(self.n_approved)} with this code and rejected none"
        return f"Officers rejected {_sessions(self.n_rejected)} with this code and approved none"


def with_precedents(codes: QuerySet[ReasonCode], session: Session) -> QuerySet[ReasonCode]:
    """Have a query of codes bring what `precedents` reads, but for the session's own decisions. Costs no query."""
    of_code = Precedent.objects.filter(digest=OuterRef("digest"))
    columns: dict[str, Any] = {}
    for name, outcome in _COUNTED.items():
        decided = of_code.filter(outcome=outcome)
        own = decided.filter(decision__session=session)
        columns[name], columns[f"{name}_own"] = CappedCount(decided), CappedCount(own)
        # One step along the index each, for an outcome's newest are in order there and those of both are not.
        newest = decided.exclude(decision__session=session).order_by("-decided_at").values("pk")
        for place in range(NEWEST):
            columns[f"{name}_{place}"] = Subquery(newest[place : place + 1], output_field=IntegerField())
    return codes.annotate(**columns)


def precedents(codes: Iterable[ReasonCode]) -> dict[str, Precedents]:
    """Return the precedents of codes read with `with_precedents`, by code; none where nobody decided. One query."""
    listed: list[Any] = list(codes)
    named = {code.code: [pk for pk in _newest(code) if pk is not None] for code in listed}
    wanted = [pk for pks in named.values() for pk in pks]
    by_pk = Precedent.objects.select_related("decision__maker", "decision__checker").in_bulk(wanted)
    found = {}
    for code in listed:
        n_rejected, n_approved = (_others(code, name) for name in _COUNTED)
        if n_rejected or n_approved:
            found[code.code] = Precedents(n_rejected, n_approved, _latest(by_pk, named[code.code]))
    return found


def _newest(code: Any) -> list[int | None]:
    return [getattr(code, f"{name}_{place}") for name in _COUNTED for place in range(NEWEST)]


def _others(code: Any, name: str) -> int:
    """Return how many are not the session's own; where there are more than are counted, there still are."""
    n_all: int = getattr(code, name)
    n_own: int = getattr(code, f"{name}_own")
    return n_all if n_all > CAP else n_all - n_own


def _latest(by_pk: Mapping[int, Precedent], pks: Iterable[int]) -> list[Precedent]:
    found = (by_pk[pk] for pk in pks if pk in by_pk)
    return sorted(found, key=lambda row: (row.decided_at, row.pk), reverse=True)[:NEWEST]


def _sessions(n: int) -> str:
    return f"{capped(n)} session{'' if n == 1 else 's'}"
