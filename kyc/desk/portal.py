"""What was decided here and is still REVIEW at Ralio: each decision is to be entered in Ralio's portal as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, ngettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from kyc.choices import FINAL_OUTCOMES, DecisionStatus
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.exports import BYTE_ORDER_MARK, CHUNK, csv_text, instant
from kyc.desk.limits import limited
from kyc.desk.paging import Listing, in_chunks, paginate
from kyc.desk.sensitive import sensitive_download
from kyc.models import Decision, Session
from kyc.querysets import CAP, UNENTERED, SessionQuerySet

# How long a session lives at Ralio, from its creation.
LIFETIME = timedelta(days=7)
SOON = timedelta(days=2)
# The first to expire at Ralio comes first.
KEYS = ("first_event_at", "id")
COLUMNS = (
    "session",
    "subject",
    "entity",
    "decision",
    "codes",
    "decided by",
    "confirmed by",
    "decided at",
    "expires at Ralio",
)
_UNITS = (
    (timedelta(days=1), ngettext_lazy("%d day", "%d days")),
    (timedelta(hours=1), ngettext_lazy("%d hour", "%d hours")),
    (timedelta(minutes=1), ngettext_lazy("%d minute", "%d minutes")),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One session, what was decided about it here, and how long its session at Ralio has left at an instant."""

    session: Session
    decision: Decision | None
    now: datetime

    @property
    def expires_at(self) -> datetime:
        return expiry(self.session)

    @property
    def tone(self) -> Literal["over", "soon", "ok"]:
        left = self.expires_at - self.now
        return "over" if left <= timedelta() else "soon" if left <= SOON else "ok"

    @property
    def words(self) -> str:
        """Return how it stands, such as "expires in 2 days", "ran out 1 day ago"."""
        left = self.expires_at - self.now
        words = gettext("ran out %(span)s ago") if left <= timedelta() else gettext("expires in %(span)s")
        return words % {"span": _span(abs(left))}


@require_safe
@never_cache
@requires("kyc.view_session")
def portal(request: DeskRequest) -> HttpResponse:
    """Show a page of the decisions that Ralio's portal does not have yet."""
    page = paginate(Listing([unentered().select_related("decided_by")], KEYS), request.GET)
    context = {"page": page, "rows": rows(page.rows), "n_found": n_unentered()}
    return render(request, "desk/portal/page.html", context)


@require_GET
@never_cache
@requires("kyc.export_session")
@sensitive_download
@limited("export")
def portal_export(request: DeskRequest) -> StreamingHttpResponse:
    """Stream the whole list as CSV. The ledger has the export before its first byte leaves."""
    record(request, "portal.exported")
    answer = StreamingHttpResponse(csv_lines(), content_type="text/csv; charset=utf-8")
    name = f"to-enter-at-ralio-{timezone.localdate().isoformat()}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def unentered() -> SessionQuerySet:
    found: SessionQuerySet = Session.objects.filter(UNENTERED)
    return found.order_by(*KEYS)


def n_unentered() -> int:
    """Count up to one more than CAP."""
    # In the index's own order, without which SQLite reads the sessions of each decider instead.
    return unentered()[: CAP + 1].count()


def expiry(session: Session) -> datetime:
    """Return when the session ends at Ralio; at the calendar's end, its last instant."""
    try:
        return session.first_event_at + LIFETIME
    except OverflowError:
        return datetime.max.replace(tzinfo=session.first_event_at.tzinfo)


def rows(sessions: Sequence[Session]) -> list[Row]:
    """Return the sessions with the decision that each stands at, in their order. One query."""
    final = Decision.objects.filter(
        session__in=sessions, status=DecisionStatus.CONFIRMED, outcome__in=FINAL_OUTCOMES
    )
    # The last one of a session stays in the dictionary.
    last = {
        decision.session_id: decision
        for decision in final.select_related("maker", "checker").order_by("confirmed_at", "id")
    }
    now = timezone.now()
    return [Row(session, last.get(session.pk), now) for session in sessions]


def csv_lines() -> Iterator[str]:
    """Yield the list as CSV text, a few hundred sessions at a time."""
    yield BYTE_ORDER_MARK + csv_text([COLUMNS])
    for sessions in in_chunks(unentered().select_related("decided_by"), KEYS, CHUNK):
        yield csv_text(map(_line, rows(sessions)))


def _line(row: Row) -> list[str]:
    session, decision = row.session, row.decision
    return [
        str(session.pk),
        " ".join(str(pk) for pk in (session.user_id, session.related_party_id) if pk),
        session.entity_type,
        session.state,
        " ".join(decision.codes) if decision else "",
        session.decided_by.username if session.decided_by else "",
        decision.checker.username if decision and decision.checker else "",
        instant(session.state_since),
        instant(row.expires_at),
    ]


def _span(length: timedelta) -> str:
    """Write a length of time in its largest whole unit: 3 days, 1 hour."""
    for unit, words in _UNITS:
        if n := length // unit:
            return words % n
    return gettext("less than a minute")
