"""The sessions before and after one in the queue, in the order and with the filters that an officer came with."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import TooManyFieldsSent
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from kyc.choices import SessionState
from kyc.desk.asking import Asked
from kyc.desk.cursors import Key, backwards, first_beyond, without_cursor
from kyc.models import Session, User

# A longer query is none of the queue's, and a longer address none that every server and browser takes.
LONGEST_QUERY = 2000
LONGEST_ADDRESS = 8000
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
        return address(pk, self.query) if pk else ""


def address(pk: UUID, query: str) -> str:
    """Return a session's address, with the way through the queue that leads there, where it fits into one."""
    url = reverse("session", args=[pk])
    found = f"{url}?{urlencode({'from': query})}" if query else url
    return found if len(found) <= LONGEST_ADDRESS else url


def way(query: str, neighbours: tuple[UUID | None, ...] | None) -> Way:
    """Return a person's way through the queue that `query` filters and sorts; `neighbours` are the row of `beside`."""
    return Way(_read(query).urlencode(), *(neighbours or ()))


def beside(session: Session, query: str, by: User) -> QuerySet[Session, tuple[UUID | None, ...]]:
    """Return the query for the keys of the sessions before and after one. Asks itself what a search means."""
    if session.state != SessionState.REVIEW:
        return Session.objects.none().values_list("pk")
    params = _read(query)
    rows, keys = Asked.read(params, by).found(timezone.now())
    names = [key.lstrip("-") for key in keys]
    cursor: list[Key] = [getattr(session, COLUMNS.get(name, name)) for name in names]
    beyond = [first_beyond(rows, order, cursor) for order in (backwards(keys), keys)]
    # The session's row only carries the two.
    return Session.objects.filter(pk=session.pk).values_list(*beyond)


def _read(query: str) -> QueryDict:
    try:
        return without_cursor(QueryDict(query if len(query) <= LONGEST_QUERY else ""))
    except TooManyFieldsSent:
        return QueryDict()
