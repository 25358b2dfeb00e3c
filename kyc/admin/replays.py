"""Replay from a list: what each row would become is shown first, and a second request makes it so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from kyc import replaying
from kyc.admin.base import DeskAdmin, ReadOnlyMixin, signed_in
from kyc.replaying import WELL_ENDED, Plan, Result

MOST_ROWS, MOST_DIFFERENCES, MOST_ADVICE = 50, 40, 5


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of replay: its title and button, what its rows are called, and how each is looked at and done."""

    title: str
    button: str
    rows: tuple[str, str]
    plan: Callable[[int], Plan]
    apply: Callable[..., Result]

    def counted(self, n: int) -> str:
        return f"{n} {self.rows[n != 1]}"


DELIVERIES = Act("Replay deliveries", "Replay", ("delivery", "deliveries"), replaying.plan, replaying.apply)
REFUSED = Act(
    "Verify refused requests again",
    "Verify and apply",
    ("refused request", "refused requests"),
    replaying.plan_refused,
    replaying.apply_refused,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the page: its plan, the differences that are shown of it, and how many more there are."""

    plan: Plan
    differences: Sequence[Any]
    n_more: int


class ReplayableAdmin[M: Model](ReadOnlyMixin, DeskAdmin[M]):
    """Evidence that those who may can replay."""

    actions = ("replay",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return replaying.may(signed_in(request))


def answer(
    page: DeskAdmin[Any], request: HttpRequest, queryset: QuerySet[Any], act: Act
) -> HttpResponse | None:
    """Return the page that shows what would happen; once that was seen, do it, and go back to the list."""
    ids = sorted(queryset.order_by("pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(ids) > MOST_ROWS:
        page.message_user(
            request,
            f"Choose {MOST_ROWS} at most. The command replay_deliveries takes any number.",
            messages.ERROR,
        )
        return None
    if "apply" in request.POST:
        _tell(page, request, act, [act.apply(pk, by=signed_in(request)) for pk in ids])
        return None
    return TemplateResponse(request, "admin/kyc/replay.html", _context(page, request, act, ids))


def _context(page: DeskAdmin[Any], request: HttpRequest, act: Act, ids: list[int]) -> dict[str, Any]:
    plans = [act.plan(pk) for pk in ids]
    rows = [
        Row(plan, plan.differences[:MOST_DIFFERENCES], max(0, plan.n_differences - MOST_DIFFERENCES))
        for plan in plans
    ]
    return {
        **page.admin_site.each_context(request),
        "title": act.title,
        "opts": page.opts,
        "act": act,
        "rows": rows,
        "n_well": sum(plan.is_well for plan in plans),
        "n_rows": act.counted(len(plans)),
        "checkbox": ACTION_CHECKBOX_NAME,
        "change_url": f"admin:{page.opts.app_label}_{page.opts.model_name}_change",
        "list_url": f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist",
    }


def _tell(page: DeskAdmin[Any], request: HttpRequest, act: Act, results: list[Result]) -> None:
    tally = Counter(result.ending for result in results)
    told = ", ".join(f"{n} {ending.label.lower()}" for ending, n in tally.items()) or "nothing to do"
    is_well = WELL_ENDED.issuperset(tally)
    page.message_user(
        request,
        f"{act.counted(len(results))} replayed: {told}.",
        messages.SUCCESS if is_well else messages.WARNING,
    )
    unwell = [result for result in results if not result.is_well]
    for result in unwell[:MOST_ADVICE]:
        page.message_user(request, f"{act.rows[0]} {result.pk}: {result.advice}", messages.WARNING)
