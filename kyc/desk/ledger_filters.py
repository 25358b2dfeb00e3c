"""What a URL of the ledger asks for: filters that are OR within a kind and AND across kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from django.db.models import Q, QuerySet
from django.http import QueryDict

from kyc.desk.ledger_search import Search, search
from kyc.desk.ledger_span import ids_of
from kyc.desk.paging import Listing
from kyc.desk.rejections import ALL, Span
from kyc.models import LedgerEntry
from kyc.models.ledger import COMMONPLACE

NEWEST_FIRST = ("-id",)
# Ids are given before entries are committed: a chain's own numbers are its order.
IN_ITS_CHAIN = ("-seq",)
MOST_VALUES = 10
LONGEST_ID, LONGEST_ACTION = 18, 60

_SELDOM = ~Q(action=COMMONPLACE)
# What a list shows of an entry.
_SHOWN = ("chain", "seq", "at", "action", "detail", "request_id", "address", "actor__username")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a URL asks for. What it says wrongly counts as not said.

    An address or a request is looked up among all that is seldom: no index over them holds what Ralio delivered.
    """

    people: Sequence[int]
    actions: Sequence[str]
    span: Span
    search: Search | None

    @classmethod
    def read(cls, params: QueryDict) -> Self:
        """Return what is asked for, after at most one query."""
        text = params.get("q", "").strip()
        people = [value for value in _values(params, "person") if value.isascii() and value.isdecimal()]
        return cls(
            people=[int(value) for value in people if len(value) <= LONGEST_ID],
            actions=[value for value in _values(params, "action") if len(value) <= LONGEST_ACTION],
            span=Span.read(params, default=ALL),
            search=search(text) if text else None,
        )

    @property
    def is_narrow(self) -> bool:
        """Return True when the filters leave entries out."""
        return bool(self.people or self.actions or self.search or not self.span.is_all)

    @property
    def chain(self) -> str:
        """Return the one chain that is asked for, and that can be verified; an empty text where it is not one."""
        if self.search is None or self.search.request_id or len(self.search.chains) != 1:
            return ""
        return self.search.chains[0]

    @property
    def leaves_out_commonplace(self) -> bool:
        """Return True when what Ralio delivered is not looked through."""
        return self._is_by_origin and COMMONPLACE not in self.actions

    def rows(self) -> Listing[LedgerEntry]:
        """Return what to page through: ranges of the index that leaves least to be sieved. At most one query."""
        rows = LedgerEntry.objects.select_related("actor").only(*_SHOWN)
        rest = Q(**self.span.bounds("at"))
        if not self.span.is_all:
            rows = rows.filter(**ids_of(self.span))
        if self.chain:
            wanted = self._wanted(rest, self._by_person, self._by_action)
            return _listing([rows.filter(chain=self.chain)], wanted, IN_ITS_CHAIN)
        if self.search is not None:
            return self._found(rows, rest)
        if self.people:
            ranges = [rows.filter(actor=person) for person in self.people]
            return _listing(ranges, self._wanted(rest, self._by_action))
        if self.actions and COMMONPLACE not in self.actions:
            ranges = [rows.filter(_SELDOM, action=action) for action in self.actions]
            return _listing(ranges, self._wanted(rest))
        return _listing([rows], self._wanted(rest, self._by_action))

    def _found(self, rows: QuerySet[LedgerEntry], rest: Q) -> Listing[LedgerEntry]:
        """Return what a search means that does not name a single chain."""
        assert self.search is not None  # noqa: S101 - for the type checker
        wanted = self._wanted(rest, self._by_person, self._by_action)
        if not self._is_by_origin:
            return _listing([rows.filter(chain__in=self.search.chains)], wanted)
        name = "address" if self.search.address else "request_id"
        own = {name: self.search.address or self.search.request_id}
        if COMMONPLACE in self.actions:
            return _listing([rows], self._wanted(Q(**own), wanted or Q()))
        return _listing([rows.filter(_SELDOM, ~Q(**{name: ""}), **own)], wanted)

    @property
    def _is_by_origin(self) -> bool:
        return self.search is not None and bool(self.search.address or self.search.request_id)

    @property
    def _by_person(self) -> Q:
        return Q(actor__in=self.people) if self.people else Q()

    @property
    def _by_action(self) -> Q:
        return Q(action__in=self.actions) if self.actions else Q()

    @staticmethod
    def _wanted(*conditions: Q) -> Q | None:
        every = Q()
        for condition in conditions:
            every &= condition
        return every or None


def _listing(
    ranges: Sequence[QuerySet[LedgerEntry]], sieve: Q | None, keys: Sequence[str] = NEWEST_FIRST
) -> Listing[LedgerEntry]:
    return Listing(ranges, keys, sieve, time="at")


def _values(params: QueryDict, name: str) -> Sequence[str]:
    return tuple(dict.fromkeys(value for value in params.getlist(name) if value))[:MOST_VALUES]
