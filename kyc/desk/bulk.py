"""What is done to the queue's rows: one act on the ticked ones, or a claim of a single row. Never a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kyc.desk import limits
from kyc.desk.access import DeskRequest, record, requires
from kyc.desk.asking import Asked
from kyc.desk.bulk_export import csv_lines
from kyc.desk.filters import LONGEST_ID
from kyc.desk.live import as_of, live_rows
from kyc.desk.paging import SIZE
from kyc.desk.sensitive import sensitive_download
from kyc.desk.team import Member, team
from kyc.models import User
from kyc.review.acts import DECIDE, SUPERVISE
from kyc.review.bulk import BulkAct, Result, each
from kyc.review.writing import LEAST_RATIONALE

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

EXPORT = "export"
# Twice what a page of the queue can tick.
MOST = 2 * SIZE


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of an act: of one session that it was done with, of several, and in a list of them.

    The one to whom a session is assigned is `name`.
    """

    one: StrPromise
    several: StrPromise
    done: StrPromise
    not_done: StrPromise


SAID = {
    BulkAct.CLAIM: Said(
        one=gettext_lazy("Session %(id)s claimed."),
        several=ngettext_lazy(
            "%(n)d of %(total)d sessions claimed", "%(n)d of %(total)d sessions claimed", "n"
        ),
        done=gettext_lazy("claimed."),
        not_done=gettext_lazy("not claimed."),
    ),
    BulkAct.RELEASE: Said(
        one=gettext_lazy("Session %(id)s released."),
        several=ngettext_lazy(
            "%(n)d of %(total)d sessions released", "%(n)d of %(total)d sessions released", "n"
        ),
        done=gettext_lazy("released."),
        not_done=gettext_lazy("not released."),
    ),
    BulkAct.ASSIGN: Said(
        one=gettext_lazy("Session %(id)s assigned to %(name)s."),
        several=ngettext_lazy(
            "%(n)d of %(total)d sessions assigned to %(name)s",
            "%(n)d of %(total)d sessions assigned to %(name)s",
            "n",
        ),
        done=gettext_lazy("assigned to %(name)s."),
        not_done=gettext_lazy("not assigned to %(name)s."),
    ),
    BulkAct.ESCALATE: Said(
        one=gettext_lazy("Session %(id)s escalated."),
        several=ngettext_lazy(
            "%(n)d of %(total)d sessions escalated", "%(n)d of %(total)d sessions escalated", "n"
        ),
        done=gettext_lazy("escalated."),
        not_done=gettext_lazy("not escalated."),
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for: an act on the ticked sessions, or with `is_single` on the row whose button was used."""

    act: str
    ids: Sequence[UUID]
    to: str
    rationale: str
    is_single: bool

    @classmethod
    def read(cls, request: DeskRequest) -> Wanted:
        form = request.POST
        to, rationale = form.get("to", ""), form.get("rationale", "").strip()
        for act in (BulkAct.CLAIM, BulkAct.RELEASE):
            if act in form:
                return cls(act, ids_in([form[act]]), to, rationale, is_single=True)
        return cls(form.get("act", ""), ids_in(form.getlist("s")), to, rationale, is_single=False)


@require_POST
@never_cache
@requires("kyc.view_session")
def bulk(request: DeskRequest) -> HttpResponseBase:
    """Do what the list's form asks for, each session for itself, and say of each what became of it."""
    wanted = Wanted.read(request)
    asked = Asked.of(request.POST.get("from", ""), request.user)
    if wanted.act != EXPORT and wanted.act not in BulkAct:
        return _say_what_is_missing(
            request, asked, gettext("Choose what to do with the sessions that you ticked.")
        )
    if not wanted.ids:
        return _say_what_is_missing(request, asked, gettext("Tick at least one session first."))
    if len(wanted.ids) > MOST:
        words = gettext("Tick at most %(most)d sessions. You ticked %(n)d.")
        return _say_what_is_missing(request, asked, words % {"most": MOST, "n": len(wanted.ids)})
    if wanted.act == EXPORT:
        return _export(request, wanted.ids)
    act = BulkAct(wanted.act)
    if not request.user.has_perm(SUPERVISE if act == BulkAct.ASSIGN else DECIDE):
        raise PermissionDenied
    to, fault = _member(wanted, act), ""
    if act == BulkAct.ASSIGN and to is None:
        fault = gettext("Choose who gets these sessions.")
    if act == BulkAct.ESCALATE and len(wanted.rationale) < LEAST_RATIONALE:
        words = gettext("Write at least %(least)d characters. You have %(n)d.")
        fault = words % {"least": LEAST_RATIONALE, "n": len(wanted.rationale)}
    if fault:
        return _ask_again(request, asked, wanted, act, fault)
    person = User.objects.get(pk=to.pk) if to else None
    results = each(act, wanted.ids, by=request.user, to=person, rationale=wanted.rationale)
    return _answer(request, asked, wanted, act, results, to)


def _answer(
    request: DeskRequest,
    asked: Asked,
    wanted: Wanted,
    act: BulkAct,
    results: Sequence[Result],
    to: Member | None,
) -> HttpResponse:
    n_done = sum(result.is_done for result in results)
    name = {"name": to.username if to else ""}
    summary = _summary(act, results, name)
    context: dict[str, object] = {
        "asked": asked,
        "results": results,
        "done": SAID[act].done % name,
        "not_done": SAID[act].not_done % name,
        "n_done": n_done,
        "summary": summary,
        "is_single": wanted.is_single,
    }
    if request.htmx:
        now = timezone.now()
        context["listed"] = live_rows(asked, wanted.ids, request.user, now)
        context["query"] = asked.query
        return as_of(render(request, "desk/queue/done.html", context), now)
    if wanted.is_single:
        say = messages.success if n_done else messages.error
        say(request, summary)
        return redirect(f"{asked.url}#s-{wanted.ids[0]}")
    return render(request, "desk/queue/bulk.html", context)


def _summary(act: BulkAct, results: Sequence[Result], name: Mapping[str, str]) -> str:
    """Return what became of the sessions, in one sentence."""
    if len(results) > 1:
        n_done = sum(result.is_done for result in results)
        return SAID[act].several % {"n": n_done, "total": len(results), **name}
    (only,) = results
    return SAID[act].one % {"id": str(only.session_id)[:8], **name} if only.is_done else only.words


def _ask_again(request: DeskRequest, asked: Asked, wanted: Wanted, act: BulkAct, fault: str) -> HttpResponse:
    """Show what is missing beside what was typed; the ticks are kept."""
    if request.htmx:
        return render(request, "desk/queue/fault.html", {"fault": fault})
    context = {
        "asked": asked,
        "act": act,
        "ids": wanted.ids,
        "to": wanted.to,
        "rationale": wanted.rationale,
        "fault": fault,
        "people": team(timezone.now()).values(),
    }
    return render(request, "desk/queue/bulk_form.html", context, status=422)


def _say_what_is_missing(request: DeskRequest, asked: Asked, words: str) -> HttpResponse:
    if request.htmx:
        return render(request, "desk/queue/fault.html", {"fault": words})
    messages.error(request, words)
    return redirect(asked.url)


def _export(request: DeskRequest, ids: Sequence[UUID]) -> HttpResponseBase:
    if not request.user.has_perm("kyc.export_session"):
        raise PermissionDenied
    return _exported(request, ids)


@sensitive_download
def _exported(request: DeskRequest, ids: Sequence[UUID]) -> HttpResponseBase:
    """Stream the sessions as CSV. The ledger has the export before its first byte leaves."""
    if too_many := limits.refused(request, "export"):
        return too_many
    record(request, "queue.exported", sessions=[str(pk) for pk in ids])
    answer = StreamingHttpResponse(csv_lines(ids), content_type="text/csv; charset=utf-8")
    name = f"sessions-in-review-{timezone.localdate().isoformat()}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _member(wanted: Wanted, act: BulkAct) -> Member | None:
    text = wanted.to
    if act != BulkAct.ASSIGN or not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID):
        return None
    return team(timezone.now()).get(int(text))


def ids_in(texts: Sequence[str]) -> list[UUID]:
    """Return the ids among these texts, once each."""
    found: list[UUID] = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))
