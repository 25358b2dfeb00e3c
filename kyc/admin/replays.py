"""Replay from a list: what each row would become is shown first, and a second request makes it so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy, ngettext

from kyc import replaying
from kyc.admin.base import DeskAdmin, ReadOnlyMixin, signed_in
from kyc.replaying import WELL_ENDED, Plan, Result

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_ROWS, MOST_DIFFERENCES, MOST_ADVICE = 50, 40, 5


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of replay: its title and button, what is said of its rows, and how each is looked at and done."""

    title: StrOrPromise
    button: StrOrPromise
    dry_run: Callable[[int, int], str]
    done: Callable[[int, str], str]
    advice: StrOrPromise
    plan: Callable[[int], Plan]
    apply: Callable[..., Result]


def _deliveries_dry_run(n: int, n_well: int) -> str:
    words = ngettext(
        "%(n_well)d of %(n)d delivery would be applied, or are already.",
        "%(n_well)d of %(n)d deliveries would be applied, or are already.",
        n,
    )
    return words % {"n": n, "n_well": n_well}


def _refused_dry_run(n: int, n_well: int) -> str:
    words = ngettext(
        "%(n_well)d of %(n)d refused request would be applied, or are already.",
        "%(n_well)d of %(n)d refused requests would be applied, or are already.",
        n,
    )
    return words % {"n": n, "n_well": n_well}


def _deliveries_done(n: int, told: str) -> str:
    words = ngettext("%(n)d delivery replayed: %(told)s.", "%(n)d deliveries replayed: %(told)s.", n)
    return words % {"n": n, "told": told}


def _refused_done(n: int, told: str) -> str:
    words = ngettext(
        "%(n)d refused request replayed: %(told)s.", "%(n)d refused requests replayed: %(told)s.", n
    )
    return words % {"n": n, "told": told}


DELIVERIES = Act(
    gettext_lazy("Replay deliveries"),
    gettext_lazy("Replay"),
    _deliveries_dry_run,
    _deliveries_done,
    gettext_lazy("delivery %(pk)s: %(advice)s"),
    replaying.plan,
    replaying.apply,
)
REFUSED = Act(
    gettext_lazy("Verify refused requests again"),
    gettext_lazy("Verify and apply"),
    _refused_dry_run,
    _refused_done,
    gettext_lazy("refused request %(pk)s: %(advice)s"),
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
        words = gettext("Choose %(most)d at most. The command replay_deliveries takes any number.")
        page.message_user(request, words % {"most": MOST_ROWS}, messages.ERROR)
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
        "dry_run": act.dry_run(len(plans), sum(plan.is_well for plan in plans)),
        "checkbox": ACTION_CHECKBOX_NAME,
        "change_url": f"admin:{page.opts.app_label}_{page.opts.model_name}_change",
        "list_url": f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist",
    }


def _tell(page: DeskAdmin[Any], request: HttpRequest, act: Act, results: list[Result]) -> None:
    tally = Counter(result.ending for result in results)
    each = (
        gettext("%(n)d %(ending)s") % {"n": n, "ending": ending.label.lower()} for ending, n in tally.items()
    )
    told = ", ".join(each) or gettext("nothing to do")
    is_well = WELL_ENDED.issuperset(tally)
    page.message_user(
        request, act.done(len(results), told), messages.SUCCESS if is_well else messages.WARNING
    )
    unwell = [result for result in results if not result.is_well]
    for result in unwell[:MOST_ADVICE]:
        words = act.advice % {"pk": result.pk, "advice": result.advice}
        page.message_user(request, words, messages.WARNING)
