"""Rows that change in place while the queue is open: what other people, Ralio and the clock did to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kyc.choices import SessionState
from kyc.desk import views
from kyc.desk.access import DeskRequest, requires
from kyc.desk.asking import Asked
from kyc.desk.paging import SIZE
from kyc.desk.rows import Reader, Row, mark, rows, shown
from kyc.desk.stats import Request
from kyc.desk.team import team
from kyc.models import Session, User
from kyc.templatetags.desk import brief

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# A page has no more rows; a longer list is none of ours.
MOST = 2 * SIZE
COLUMNS = (
    "version",
    "assignee_id",
    "claimed_until",
    "snoozed_until",
    "due_at",
    "asked_by_id",
    "asked_at",
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a session, on its row and as news: by Ralio, and where a person can bring it about, by one."""

    by_ralio: StrPromise
    ralio_did: StrPromise
    by_you: StrPromise
    you_did: StrPromise
    by_name: StrPromise
    name_did: StrPromise


ENDINGS = {
    SessionState.VERIFIED: Ending(
        by_ralio=gettext_lazy("Verified by Ralio"),
        ralio_did=gettext_lazy("Ralio verified %(id)s"),
        by_you=gettext_lazy("Approved by you"),
        you_did=gettext_lazy("You approved %(id)s"),
        by_name=gettext_lazy("Approved by %(name)s"),
        name_did=gettext_lazy("%(name)s approved %(id)s"),
    ),
    SessionState.REJECTED: Ending(
        by_ralio=gettext_lazy("Rejected by Ralio"),
        ralio_did=gettext_lazy("Ralio rejected %(id)s"),
        by_you=gettext_lazy("Rejected by you"),
        you_did=gettext_lazy("You rejected %(id)s"),
        by_name=gettext_lazy("Rejected by %(name)s"),
        name_did=gettext_lazy("%(name)s rejected %(id)s"),
    ),
}
# What only Ralio brings about.
EXPIRED = (gettext_lazy("Expired by Ralio"), gettext_lazy("Ralio expired %(id)s"))
CHANGED = (gettext_lazy("Changed by Ralio"), gettext_lazy("Ralio changed %(id)s"))


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row as it is now. `left` says what became of a session that the list does not hold any more."""

    row: Row
    left: str = ""


@require_safe
@never_cache
@requires("kyc.view_session")
def changes(request: DeskRequest) -> HttpResponse:
    """Answer the rows that changed since the page has them, and who asks for a session of one's own.

    `s` lists the page's sessions with the marks of their rows. One query, and no content, when nothing changed.
    """
    now = timezone.now()
    known = _known(request.GET.get("s", ""))
    mine = views.mine(request.user, now) & Q(asked_by__isnull=False)
    found = {row.pk: row for row in Session.objects.filter(Q(pk__in=known) | mine).only(*COLUMNS)}
    changed = {pk: known[pk] for pk, row in found.items() if pk in known and mark(row, now) != known[pk]}
    wanted = [row for row in found.values() if _is_asked_of(row, request.user, now)]
    is_asked_anew = request.GET.get("asked", "") != _key(wanted)
    if not changed and not is_asked_anew:
        return as_of(HttpResponse(status=204), now)
    asked = Asked.read(_query(request), request.user)
    listed = live_rows(asked, changed, request.user, now)
    context = {
        "listed": listed,
        "said": sentence(listed, changed, request.user),
        "is_asked_anew": is_asked_anew,
        "ask": _ask(wanted) if is_asked_anew else None,
        "query": asked.query,
    }
    return as_of(render(request, "desk/queue/live.html", context), now)


def live_rows(asked: Asked, wanted: Collection[UUID], by: User, now: datetime) -> list[LiveRow]:
    """Return these sessions' rows as the list that is asked for shows them now."""
    if not wanted:
        return []
    listed, _ = asked.found(now)
    there = set(listed.filter(pk__in=list(wanted)).values_list("pk", flat=True))
    sessions = shown(Session.objects.filter(pk__in=list(wanted)).select_related("decided_by"))
    found = rows(list(sessions), Reader(by, now, team(now)))
    return [LiveRow(row, "" if row.session.pk in there else _left(row, by)) for row in found]


def sentence(listed: Sequence[LiveRow], marks: Mapping[UUID, str], by: User) -> str:
    """Return what happened, in one sentence for a screen reader; acts of people come first."""
    said = sorted(
        (_said(each, marks.get(each.row.session.pk, ""), by) for each in listed), key=lambda one: one[0]
    )
    if not said:
        return ""
    (_, first), rest = said[0], len(said) - 1
    if not rest:
        return f"{first}."
    words = ngettext(
        "%(first)s, and %(n)d more row changed.", "%(first)s, and %(n)d more rows changed.", rest
    )
    return words % {"first": first, "n": rest}


def as_of(answer: HttpResponse, now: datetime) -> HttpResponse:
    """Tell the page how fresh it is, so that it can say so should the next answer not come."""
    answer["Desk-As-Of"] = brief(now)
    return answer


def _known(text: str) -> dict[UUID, str]:
    """Return the marks by session, of a page's list as its script writes it: 9d3f…c36e.3-0-k_65…"""
    known: dict[UUID, str] = {}
    for item in text.split("_")[:MOST]:
        digits, _, seen = item.partition(".")
        try:
            known[UUID(hex=digits)] = seen
        except ValueError:
            continue
    return known


def _query(request: DeskRequest) -> QueryDict:
    """Return the list's own part of the address."""
    query = request.GET.copy()
    for name in ("s", "asked"):
        query.pop(name, None)
    return query


def _is_asked_of(session: Session, by: User, now: datetime) -> bool:
    is_held = session.claimed_until is not None and session.claimed_until > now
    return session.asked_at is not None and session.assignee_id == by.pk and is_held


def _first(wanted: Collection[Session]) -> Session | None:
    """Return the session that somebody has asked for longest."""
    return min(wanted, key=lambda row: (row.asked_at, row.pk), default=None)


def _key(wanted: Collection[Session]) -> str:
    """Return what tells the longest request apart, as `kyc.desk.stats.Request` has it."""
    first = _first(wanted)
    return f"{first.pk.hex}-{first.asked_by_id}" if first else ""


def _ask(wanted: Collection[Session]) -> Request | None:
    first = _first(wanted)
    if first is None or first.asked_by is None:
        return None
    return Request(first.pk, first.asked_by.pk, first.asked_by.username, len(wanted))


def _left(row: Row, by: User) -> str:
    """Return what became of a session that the list does not hold any more."""
    if not row.is_in_review:
        return _ended(row, by)[0]
    if row.is_mine:
        return gettext("You hold it")
    if row.holder:
        return gettext("Claimed by %(name)s") % {"name": row.holder.username}
    return gettext("No longer in this view")


def _ended(row: Row, by: User) -> tuple[str, str]:
    """Return what became of a session that is not in review any more: as its row says it, and as news."""
    session = row.session
    who, id_ = session.decided_by, {"id": str(session.pk)[:8]}
    ending = ENDINGS.get(SessionState(session.state))
    if ending is None:
        words, news = EXPIRED if session.state == SessionState.EXPIRED else CHANGED
        return str(words), news % id_
    if who is None:
        return str(ending.by_ralio), ending.ralio_did % id_
    if who == by:
        return str(ending.by_you), ending.you_did % id_
    name = {"name": who.username}
    return ending.by_name % name, ending.name_did % (name | id_)


def _said(live: LiveRow, seen: str, by: User) -> tuple[int, str]:
    """Return how a row's change is said, and its rank."""
    row, id_ = live.row, {"id": str(live.row.session.pk)[:8]}
    _, was_held_by, was_due = [*seen.split("-"), "", "", ""][:3]
    if not row.is_in_review:
        return 0, _ended(row, by)[1]
    if row.holder and str(row.holder.pk) != was_held_by:
        words = gettext("You hold %(id)s now") if row.is_mine else gettext("%(name)s claimed %(id)s")
        return 1, words % {"name": row.holder.username, **id_}
    if not row.holder and was_held_by not in ("", "0"):
        return 2, gettext("%(id)s is free again") % id_
    if row.mark.rpartition("-")[2].startswith("o") and not was_due.startswith("o"):
        return 3, gettext("%(id)s is overdue now") % id_
    return 4, gettext("%(id)s changed") % id_
