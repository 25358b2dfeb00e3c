"""The other sessions of a session's subject: how often it was tried before, how that went, and who decided why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from kyc.choices import FINAL_OUTCOMES, DecisionStatus, FacetKind, SessionState
from kyc.desk.together import Answer, Together, hand_out
from kyc.models import Decision, QueueFacet, RejectionReason, Session

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


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked about the other sessions: why they were rejected, which codes they wait with, who decided."""

    rows: Sequence[Session]
    is_more: bool
    reasons: Answer[RejectionReason]
    facets: Answer[QueueFacet]
    decisions: Answer[Decision]


def sessions(session: Session) -> QuerySet[Session]:
    """Return the subject's other sessions, newest first, and one more than a page shows."""
    found = Session.objects.of_subject(session).select_related("decided_by")
    return found.order_by("-state_since", "-id")[: MOST + 1]


def told(rows: Sequence[Session], asked: Together) -> Told:
    """Have three queries asked about the rows of `sessions`, where there are any."""
    if not rows:
        return Told((), False, Answer([]), Answer([]), Answer([]))
    shown = [row.pk for row in rows[:MOST]]
    codes = QueueFacet.objects.filter(kind=FacetKind.CODE, session__in=shown)
    final = Decision.objects.filter(
        status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES, session__in=shown
    )
    return Told(
        rows[:MOST],
        len(rows) > MOST,
        asked.add(RejectionReason.objects.filter(session__in=shown).order_by("session_id", "position")),
        asked.add(codes.order_by("id")),
        asked.add(final.select_related("maker", "checker").order_by("confirmed_at", "id")),
    )


def of_subject(session: Session, found: Told, codes: Collection[str]) -> Others:
    """Return the subject's other sessions, newest first, with why and by whom. `codes` are the session's own."""
    hand_out(found.rows, "rejection_reasons", found.reasons.rows, "session_id")
    waiting_with: dict[UUID, list[QueueFacet]] = defaultdict(list)
    for facet in found.facets.rows:
        waiting_with[facet.session_id].append(facet)
    last = {decision.session_id: decision for decision in found.decisions.rows}
    for row in found.rows:
        row.codes = waiting_with[row.pk]  # type: ignore[attr-defined] # for the template
    return Others([_other(row, session, codes, last.get(row.pk)) for row in found.rows], found.is_more)


def _other(row: Session, session: Session, codes: Collection[str], decision: Decision | None) -> Other:
    rejected_with = dict.fromkeys(reason.code for reason in row.rejection_reasons.all())
    return Other(
        row,
        decision,
        [code for code in rejected_with if code and code in codes],
        (row.first_event_at, row.pk) < (session.first_event_at, session.pk),
    )
