"""The queue's filters, as its URL says them: OR within a kind, AND across kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Self

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext

from kyc.choices import FacetKind
from kyc.desk import views
from kyc.desk.views import View
from kyc.models import QueueFacet, User
from kyc.models.digests import text_digest
from kyc.querysets import CappedCount, SessionQuerySet
from kyc.review.claims import People

# More values of one kind than a person would tick; the rest of such a URL is not read.
MOST_VALUES = 20
# Which kind's index a page is read from: the one that is likely to match least.
DRIVERS = (FacetKind.CODE, FacetKind.CATEGORY, FacetKind.CHECK_TYPE, FacetKind.ENTITY)

SORTS = {
    "due": ("due_at", "id"),
    "oldest": ("state_since", "id"),
    "newest": ("-state_since", "-id"),
    "refused": ("-n_refused", "due_at", "id"),
}
SORT_NAMES = {
    "due": gettext_lazy("Due first"),
    "oldest": gettext_lazy("Oldest first"),
    "newest": gettext_lazy("Newest first"),
    "refused": gettext_lazy("Most refused checks"),
}

SLA = frozenset({"overdue", "soon", "ok"})
# Assignees that are no person of their own; all others are people's ids.
NOBODY, ME = "none", "me"
LONGEST_ID = 18


@dataclass(frozen=True, slots=True)
class Age:
    """A span of waiting time, in whole hours; `until` is None for the open end."""

    since: int
    until: int | None

    @property
    def name(self) -> str:
        return str(self.since) if self.until is None else f"{self.since}-{self.until}"

    @property
    def label(self) -> str:
        if self.until is None:
            return ngettext("Over %(n)d hour", "Over %(n)d hours", self.since) % {"n": self.since}
        if not self.since:
            return ngettext("Under %(n)d hour", "Under %(n)d hours", self.until) % {"n": self.until}
        return gettext("%(since)d to %(until)d hours") % {"since": self.since, "until": self.until}

    def holds(self, now: datetime) -> Q:
        """Return the condition that a session has waited this long."""
        condition = Q(state_since__lte=now - timedelta(hours=self.since)) if self.since else Q()
        if self.until is not None:
            condition &= Q(state_since__gt=now - timedelta(hours=self.until))
        return condition


def ages() -> list[Age]:
    """Return the spans for the target in force: with 24 hours, of which 4 are "due soon", 0-4, 4-20, 20-24, 24."""
    target, soon = (
        int(span.total_seconds()) // 3600 for span in (settings.KYC_REVIEW_SLA, settings.KYC_DUE_SOON)
    )
    edges = sorted({edge for edge in (target // 6, target - soon, target) if 0 < edge <= target})
    return [Age(since, until) for since, until in zip([0, *edges], [*edges, None], strict=True)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a URL of the queue asks for, and who asks. What it says wrongly counts as not said."""

    by: User | None
    view: View | None
    assignees: Sequence[str]
    chosen: Mapping[FacetKind, Sequence[str]]
    ages: Sequence[Age]
    since: date | None
    until: date | None
    sla: str
    sort: str

    @classmethod
    def read(cls, params: QueryDict, by: User | None = None) -> Self:
        """Return what a URL asks for; "mine" and "me" are the person who asks."""
        view = params.get("view", "")
        assignees = dict.fromkeys(params.getlist("assignee"))
        chosen = {kind: tuple(dict.fromkeys(params.getlist(kind)))[:MOST_VALUES] for kind in FacetKind}
        wanted = set(params.getlist("age"))
        sla, sort = params.get("sla", ""), params.get("sort", "")
        return cls(
            by=by,
            view=View(view) if view in View else None,
            assignees=[each for each in assignees if _is_assignee(each)][:MOST_VALUES],
            chosen={kind: values for kind, values in chosen.items() if values},
            ages=[age for age in ages() if age.name in wanted],
            since=_day(params.get("from", "")),
            until=_day(params.get("to", "")),
            sla=sla if sla in SLA else "",
            sort=sort if sort in SORTS else "due",
        )

    @property
    def is_narrow(self) -> bool:
        """Return True when the filters leave out sessions of the view."""
        return bool(self.assignees or self.chosen or self.ages or self.since or self.until or self.sla)

    @property
    def query(self) -> str:
        """Return the filters as a URL says them: one way of writing for each choice, whatever the URL said."""
        said: list[tuple[str, str]] = [("view", self.view or ""), ("sla", self.sla)]
        said += [("assignee", each) for each in sorted(self.assignees)]
        said += [(kind, value) for kind in FacetKind for value in sorted(self.chosen.get(kind, ()))]
        said += [("age", age.name) for age in self.ages]
        said += [(name, day.isoformat()) for name, day in (("from", self.since), ("to", self.until)) if day]
        said += [("sort", self.sort if self.sort != "due" else "")]
        # An empty value of a facet is a value: "no category".
        return urlencode([(name, value) for name, value in said if value or name in FacetKind])

    @property
    def driver(self) -> FacetKind | None:
        """Return the kind whose index gives the queue in due order, already filtered: one with a single value.

        A view with an index of its own is narrower than any kind.
        """
        if self.sort != "due" or self.view in views.NARROW:
            return None
        return next((kind for kind in DRIVERS if len(self.chosen.get(kind, ())) == 1), None)

    @property
    def sole(self) -> tuple[FacetKind, str] | None:
        """Return the kind and the value that alone are asked for: how many those are is what the kind's menu says."""
        said = [(kind, value) for kind, values in self.chosen.items() for value in values]
        is_more = self.view or self.assignees or self.ages or self.since or self.until or self.sla
        return said[0] if len(said) == 1 and not is_more else None

    @property
    def keys(self) -> Sequence[str]:
        """Return the keys to page `ordered` by."""
        return ("facet_due_at", "facet_session") if self.driver else SORTS[self.sort]

    def ordered(
        self, sessions: SessionQuerySet, now: datetime, among: People | None = None
    ) -> SessionQuerySet:
        """Return those of the sessions that are in review and that the filters let through, with the keys to page by."""
        driver = self.driver
        if driver is None:
            return self.filtered(sessions.in_review(), now, among=among)
        # One join carries the filter and the order, so that both come from one range of one index. What has a row there
        # is in review: said once more, it would let PostgreSQL expect a fraction of the rows, and read them all to sort.
        due = {f"facets__{name}": value for name, value in self._due(now).items()}
        sessions = sessions.filter(
            facets__kind=driver, facets__digest=text_digest(self.chosen[driver][0]), **due
        ).annotate(facet_due_at=F("facets__due_at"), facet_session=F("facets__session_id"))
        return self.filtered(sessions, now, besides=driver, among=among)

    def counted(self, sessions: SessionQuerySet, now: datetime, among: People) -> CappedCount:
        """Return how many of the sessions are in review and let through by the filters."""
        due_first = replace(self, sort="due")
        driver = due_first.driver
        is_all = not (self.view or self.assignees or self.ages or self.since or self.until)
        if driver is None or len(self.chosen) > 1 or not is_all:
            return CappedCount(due_first.ordered(sessions, now, among))
        # The narrow table alone tells.
        digest = text_digest(self.chosen[driver][0])
        return CappedCount(QueueFacet.objects.filter(kind=driver, digest=digest, **self._due(now)))

    def filtered(
        self,
        sessions: SessionQuerySet,
        now: datetime,
        *,
        besides: FacetKind | None = None,
        among: People | None = None,
    ) -> SessionQuerySet:
        """Return the sessions that every filter lets through; `besides` names a kind already applied."""
        for kind, values in self.chosen.items():
            if kind != besides:
                sessions = sessions.filter(_has(kind, values))
        waited = Q()
        for age in self.ages:
            waited |= age.holds(now)
        due = Q() if besides else Q(**self._due(now))
        return sessions.filter(self._work(now, among), waited, due, _received(self.since, self.until))

    def narrowed(
        self, kind: FacetKind, value: str, sessions: SessionQuerySet
    ) -> tuple[Self, SessionQuerySet]:
        """Return filters and sessions that ask for one more value, besides what is chosen of that kind."""
        if kind in self.chosen:
            return self, sessions.filter(_has(kind, [value]))
        return replace(self, chosen={**self.chosen, kind: (value,)}), sessions

    def _work(self, now: datetime, among: People | None) -> Q:
        """Return the condition that the view and the assignees make."""
        viewed = views.condition(self.view, self.by, now, among) if self.view else Q()
        people = [self.by.pk if self.by else 0 for each in self.assignees if each == ME]
        people += [int(each) for each in self.assignees if each not in (NOBODY, ME)]
        assigned = views.held(people, now, among) if people else Q()
        if NOBODY in self.assignees:
            assigned |= views.unassigned(now, among)
        return viewed & assigned

    def _due(self, now: datetime) -> dict[str, datetime]:
        soon = now + settings.KYC_DUE_SOON
        return {
            "": {},
            "overdue": {"due_at__lt": now},
            "soon": {"due_at__gte": now, "due_at__lte": soon},
            "ok": {"due_at__gt": soon},
        }[self.sla]


def _has(kind: FacetKind, values: Sequence[str]) -> Exists:
    digests = [text_digest(value) for value in values]
    return Exists(QueueFacet.objects.filter(session=OuterRef("pk"), kind=kind, digest__in=digests))


def _is_assignee(text: str) -> bool:
    return text in (NOBODY, ME) or (text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The calendar's ends do not exist in every zone.
    return day if 1 < day.year < 9999 else None


def _received(since: date | None, until: date | None) -> Q:
    received = Q()
    if since:
        received &= Q(state_since__gte=_midnight(since))
    if until:
        received &= Q(state_since__lt=_midnight(until + timedelta(days=1)))
    return received


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
