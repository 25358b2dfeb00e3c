"""The sessions before and after one in the queue, in the order and with the filters that an officer came with."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from kyc.choices import SessionState
from kyc.desk import search
from kyc.desk.filters import Filters
from kyc.desk.paging import Key, backwards, fetch, without_cursor
from kyc.desk.queue import found
from kyc.models import Session

# A longer query is none of the queue's.
LONGEST_QUERY = 2000
# What the queue may be sorted by, where it is not a column of the session.
COLUMNS = {"facet_due_at": "due_at", "facet_session": "pk"}


@dataclass(frozen=True, slots=True)
class Way:
    """Back to the queue, and on through it; `query` is the queue's own, in our own writing. None: the queue ends here."""

    query: str
    previous: UUID | None = None
    next: UUID | None = None

    @property
    def queue_url(self) -> str:
        return f"{reverse('queue')}?{self.query}" if self.query else reverse("queue")

    @property
    def previous_url(self) -> str:
        return self._url(self.previous)

    @property
    def next_url(self) -> str:
        return self._url(self.next)

    def _url(self, pk: UUID | None) -> str:
        if pk is None:
            return ""
        url = reverse("session", args=[pk])
        return f"{url}?{urlencode({'from': self.query})}" if self.query else url


def way(session: Session, query: str) -> Way:
    """Return the way through the queue that `query` filters and sorts. Two queries, and more where it searches."""
    params = without_cursor(QueryDict(query if len(query) <= LONGEST_QUERY else ""))
    here = Way(params.urlencode())
    if session.state != SessionState.REVIEW:
        return here
    text = params.get("q", "").strip()
    rows, keys = found(Filters.read(params), search.meaning(text) if text else None, timezone.now())
    names = [key.lstrip("-") for key in keys]
    cursor: list[Key] = [getattr(session, COLUMNS.get(name, name)) for name in names]
    before, after = (fetch(rows.only("pk"), order, cursor, 1) for order in (backwards(keys), keys))
    return Way(here.query, before[0].pk if before else None, after[0].pk if after else None)
