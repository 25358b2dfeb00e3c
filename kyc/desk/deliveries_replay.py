"""Replay from the deliveries page: first what it would change, then, once confirmed, what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kyc import replaying
from kyc.desk.access import DeskRequest, requires
from kyc.desk.deliveries_filters import Filters, row_id
from kyc.desk.paging import paginate
from kyc.pictures import Difference

# What one page looks through beforehand and replays at once; the command takes any number.
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be replayed, oldest first; `has_more` when the list that was asked for holds more than that."""

    deliveries: Sequence[int]
    refused: Sequence[int]
    has_more: bool = False

    @classmethod
    def read(cls, params: QueryDict) -> Chosen:
        """Return what a form or a link names by id, or the newest of the list that a link's filters describe."""
        if "all" in params:
            return _listed(params)
        deliveries, refused = _ids(params, "delivery"), _ids(params, "refused")
        has_more = len(deliveries) > MOST_AT_ONCE or len(refused) > MOST_AT_ONCE
        return cls(deliveries[:MOST_AT_ONCE], refused[:MOST_AT_ONCE], has_more)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What a replay would come to. `own` are the session's own values that would differ, `brought` those of its rows."""

    result: replaying.Result
    own: Sequence[tuple[str, Difference]] = ()
    brought: Sequence[Difference] = ()

    @classmethod
    def of(cls, plan: replaying.Plan) -> ShownPlan:
        own = [(capfirst(each.own_field), each) for each in plan.differences if each.is_own]
        return cls(plan, own, [each for each in plan.differences if not each.is_own])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(replaying.PERMISSION)
def replay(request: DeskRequest) -> HttpResponse:
    """Show what a replay would change, and replay when that is confirmed: one transaction each."""
    if request.method == "POST":
        chosen = Chosen.read(request.POST)
        results = [ShownPlan(replaying.apply(pk, by=request.user)) for pk in chosen.deliveries]
        refused = [ShownPlan(replaying.apply_refused(pk, by=request.user)) for pk in chosen.refused]
    else:
        chosen = Chosen.read(request.GET)
        results = [ShownPlan.of(replaying.plan(pk)) for pk in chosen.deliveries]
        refused = [ShownPlan.of(replaying.plan_refused(pk)) for pk in chosen.refused]
    found = [shown.result for shown in (*results, *refused)]
    context = {
        "results": results,
        "refused": refused,
        "is_done": request.method == "POST",
        "n_all": len(found),
        "n_well": sum(result.is_well for result in found),
        "n_applied": sum(result.ending == replaying.Ending.APPLIED for result in found),
        "has_more": chosen.has_more,
        "most": MOST_AT_ONCE,
        "query": (request.POST if request.method == "POST" else request.GET).get("from", ""),
    }
    return render(request, "desk/deliveries/replay.html", context)


def _listed(params: QueryDict) -> Chosen:
    filters = Filters.read(params)
    if filters.is_refused:
        bounds = filters.span.bounds("at")
        since, until = bounds.get("at__gte"), bounds.get("at__lt")
        found = list(replaying.select_refused(since=since, until=until, limit=MOST_AT_ONCE + 1))
        return Chosen((), found[:MOST_AT_ONCE], len(found) > MOST_AT_ONCE)
    if not filters.is_replayable:
        return Chosen((), ())
    page = paginate(filters.rows(), QueryDict(), size=MOST_AT_ONCE)
    return Chosen(sorted(row.pk for row in page.rows), (), page.next is not None)


def _ids(params: QueryDict, name: str) -> list[int]:
    ids = (row_id(text) for text in params.getlist(name))
    return sorted({pk for pk in ids if pk is not None})
