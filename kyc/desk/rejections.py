"""The history's filters, as its URL says them: OR within a kind, AND across kinds, and a span of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Self
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from kyc.choices import EntityType
from kyc.languages import day_words
from kyc.models import RejectionReason, Session
from kyc.models.digests import text_digest
from kyc.querysets import SessionQuerySet

# More values of one kind than a person would tick; the rest of such a URL is not read.
MOST_VALUES = 20
PRESETS = (7, 30, 90)
DEFAULT_DAYS = 30
ALL = "all"

CODE, CATEGORY = "reason", "category"
# Each session has one row per code and per category that says so, in an index of its own.
FIRST_OF = {CODE: "is_first_of_code", CATEGORY: "is_first_of_category"}
DIGESTS = {CODE: "code_digest", CATEGORY: "category_digest"}

RALIO, OFFICER = "ralio", "officer"
SORTS = {"newest": gettext_lazy("Newest first"), "oldest": gettext_lazy("Oldest first")}


@dataclass(frozen=True, slots=True)
class Span:
    """Days of the desk's time zone, both ends within; None is an open end. `days` is the preset that was asked for."""

    since: date | None
    until: date | None
    days: int | None = None

    @classmethod
    def read(cls, params: QueryDict, *, default: str = str(DEFAULT_DAYS)) -> Self:
        """Return the days that a URL's query asks for; `default` is what `days` means where it names none."""
        since, until = _day(params.get("from", "")), _day(params.get("to", ""))
        if since or until:
            return cls(since, until)
        asked = params.get("days", default)
        if asked == ALL:
            return cls(None, None)
        days = int(asked) if asked in map(str, PRESETS) else DEFAULT_DAYS
        return cls(timezone.localdate() - timedelta(days=days - 1), None, days)

    @property
    def is_custom(self) -> bool:
        return self.days is None and not self.is_all

    @property
    def is_all(self) -> bool:
        return self.since is None and self.until is None

    @property
    def params(self) -> dict[str, str]:
        """Return the part of a URL's query that asks for this span."""
        if self.days:
            return {} if self.days == DEFAULT_DAYS else {"days": str(self.days)}
        if self.is_all:
            return {"days": ALL}
        ends = {"from": self.since, "to": self.until}
        return {name: day.isoformat() for name, day in ends.items() if day}

    @property
    def words(self) -> str:
        if self.days:
            return ngettext("last %(n)d day", "last %(n)d days", self.days) % {"n": self.days}
        if self.since and self.until:
            ends = {"since": day_words(self.since), "until": day_words(self.until)}
            return ends["since"] if self.since == self.until else gettext("%(since)s to %(until)s") % ends
        if self.since:
            return gettext("since %(day)s") % {"day": day_words(self.since)}
        return (
            gettext("until %(day)s") % {"day": day_words(self.until)} if self.until else gettext("all dates")
        )

    def bounds(self, field: str) -> dict[str, datetime]:
        """Return the conditions that an instant lies in the span."""
        bounds = {}
        if self.since:
            bounds[f"{field}__gte"] = midnight(self.since)
        if self.until:
            bounds[f"{field}__lt"] = midnight(self.until + timedelta(days=1))
        return bounds


@dataclass(frozen=True, slots=True)
class Filters:
    """What a URL of the history asks for. What it says wrongly counts as not said.

    A search adds to them: `searched` is the digest of a code, `ids` the condition that an ID or its beginning sets.
    """

    chosen: Mapping[str, Sequence[str]]
    entities: Sequence[str]
    deciders: Sequence[str]
    span: Span
    sort: str
    searched: UUID | None = None
    ids: Q | None = None

    @classmethod
    def read(cls, params: QueryDict) -> Self:
        chosen = {kind: tuple(dict.fromkeys(params.getlist(kind)))[:MOST_VALUES] for kind in (CODE, CATEGORY)}
        sort = params.get("sort", "")
        return cls(
            chosen={kind: values for kind, values in chosen.items() if values},
            entities=[value for value in EntityType.values if value in params.getlist("entity")],
            deciders=[value for value in (RALIO, OFFICER) if value in params.getlist("by")],
            span=Span.read(params),
            sort=sort if sort in SORTS else "newest",
        )

    def with_code(self, code: str) -> Self:
        """Return these filters for the sessions that were rejected with a code as well."""
        return replace(self, searched=text_digest(code))

    def with_ids(self, ids: Q) -> Self:
        """Return these filters for what a search of an ID found, whenever it was rejected."""
        return replace(self, ids=ids, span=Span(None, None))

    @property
    def is_narrow(self) -> bool:
        """Return True when the filters leave sessions out, whatever the days."""
        return bool(self.chosen or self.entities or self.deciders or self.searched or self.ids)

    @property
    def driver(self) -> tuple[str, UUID] | None:
        """Return the kind and digest whose index gives the history in order of time, already filtered."""
        if self.searched:
            return CODE, self.searched
        alone = (kind for kind in (CODE, CATEGORY) if len(self.chosen.get(kind, ())) == 1)
        return next(((kind, text_digest(self.chosen[kind][0])) for kind in alone), None)

    @property
    def keys(self) -> Sequence[str]:
        """Return the keys to page `ordered` by."""
        names = ("reason_rejected_at", "reason_session") if self.driver else ("state_since", "id")
        return names if self.sort == "oldest" else [f"-{name}" for name in names]

    def ordered(self) -> SessionQuerySet:
        """Return the rejected sessions that the filters let through, with the keys that they are paged by."""
        sessions: SessionQuerySet = Session.objects.rejected()
        if self.driver is None:
            return self._filtered(sessions.filter(**self.span.bounds("state_since")))
        # One join carries the filter and the order, so that both come from one range of one index.
        kind, digest = self.driver
        reason = {DIGESTS[kind]: digest, FIRST_OF[kind]: True, **self.span.bounds("rejected_at")}
        driven = sessions.filter(**{f"rejection_reasons__{name}": value for name, value in reason.items()})
        return self._filtered(driven).annotate(
            reason_rejected_at=F("rejection_reasons__rejected_at"),
            reason_session=F("rejection_reasons__session_id"),
        )

    def for_counting(self) -> SessionQuerySet:
        """Return the rejected sessions that all filters but those of entity and decider let through."""
        return replace(self, entities=(), deciders=()).ordered()

    def _filtered(self, sessions: SessionQuerySet) -> SessionQuerySet:
        for kind, values in self.chosen.items():
            digests = [text_digest(value) for value in values]
            if self.driver != (kind, *digests):
                of_kind = {f"{DIGESTS[kind]}__in": digests, FIRST_OF[kind]: True}
                reasons = RejectionReason.objects.filter(session=OuterRef("pk"), **of_kind)
                sessions = sessions.filter(Exists(reasons))
        if self.ids is not None:
            sessions = sessions.filter(self.ids)
        if self.entities:
            sessions = sessions.filter(entity_type__in=self.entities)
        if len(self.deciders) == 1:
            sessions = sessions.filter(decided_by__isnull=self.deciders[0] == RALIO)
        return sessions


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The calendar's ends do not exist in every zone.
    return day if 1 < day.year < 9999 else None
