"""What an address of the queue asks for, its search included; other pages and forms carry it along as `from`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import QueryDict
from django.urls import reverse

from kyc.choices import FacetKind
from kyc.desk import search
from kyc.desk.cursors import without_cursor
from kyc.desk.filters import SORTS, Filters
from kyc.models import Session, User
from kyc.querysets import SessionQuerySet

# More characters than every server and browser takes in an address.
LONGEST = 8000


@dataclass(frozen=True, slots=True)
class Asked:
    params: QueryDict
    filters: Filters
    text: str
    meaning: search.Meaning | None

    @classmethod
    def read(cls, params: QueryDict, by: User | None) -> Self:
        """Return what is asked for, after at most one query."""
        text = params.get("q", "").strip()
        return cls(params, Filters.read(params, by), text, search.meaning(text) if text else None)

    @classmethod
    def of(cls, query: str, by: User | None) -> Self:
        return cls.read(QueryDict(query), by)

    @property
    def query(self) -> str:
        """Return the query that leads to page 1, in our own writing: it goes into links."""
        return without_cursor(self.params).urlencode()

    @property
    def url(self) -> str:
        """Return the address of the same page of the queue; what does not fit into one leads to the whole queue."""
        query = self.params.urlencode()
        return f"{reverse('queue')}?{query}" if 0 < len(query) <= LONGEST else reverse("queue")

    def found(self, now: datetime) -> tuple[SessionQuerySet, Sequence[str]]:
        """Return the sessions to list, and the keys to page them by."""
        filters = self.filters
        queue: SessionQuerySet = Session.objects.all()
        match self.meaning:
            case search.Unknown():
                # By keys of its own: what the filters page by comes with their rows.
                return queue.none(), SORTS[filters.sort]
            case search.TheSubject():
                return Session.objects.filter(self.meaning.holds), ("-state_since", "-id")
            case search.TheSession(pk=pk):
                queue = queue.filter(pk=pk)
            case search.Prefix():
                queue = queue.filter(self.meaning.holds)
            case search.Code(code=code):
                filters, queue = filters.narrowed(FacetKind.CODE, code, queue)
        return filters.ordered(queue, now), filters.keys
