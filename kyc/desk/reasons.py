"""The reason codes that a rejection can give: the session's own first, then the whole catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from kyc.desk.evidence import CheckSet
from kyc.desk.together import Answer, Together
from kyc.models import ReasonCode
from kyc.models.digests import text_digest

# What one page lists of the catalogue; the rest is searched for.
MOST = 300
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Option:
    """One code to tick, with what Ralio or the catalogue says of it."""

    code: str
    text: str = ""
    category: str = ""
    guidance: str = ""
    is_suspicion: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What there is to tick. `chosen` are codes ticked before that the other two do not list."""

    own: Sequence[Option]
    chosen: Sequence[Option]
    catalogue: Sequence[Option]
    has_more: bool
    search: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of the catalogue: the codes to list, and those that were ticked before."""

    ticked: Sequence[str]
    search: str
    found: Answer[ReasonCode]
    named: Answer[ReasonCode]


def want(asked: Together, own: Collection[str], ticked: Sequence[str] = (), search: str = "") -> Wanted:
    """Have two queries asked for the codes to choose from besides the session's `own`."""
    others = [code for code in ticked if code not in own]
    # By digest: what was sent may hold what not every engine can look for, such as NUL.
    named = ReasonCode.objects.filter(digest__in=[text_digest(code) for code in others])
    return Wanted(
        ticked, search, asked.add(_matching(search, own)), asked.add(named) if others else Answer([])
    )


def options(sets: Iterable[CheckSet], wanted: Wanted) -> Options:
    """Return the codes to choose from."""
    own = _own(sets)
    found, has_more = _options(wanted.found.rows)
    listed = {option.code for option in found} | own.keys()
    missing = [code for code in wanted.ticked if code not in listed]
    return Options(list(own.values()), _named(missing, wanted.named.rows), found, has_more, wanted.search)


def find(search: str) -> tuple[list[Option], bool]:
    """Return the catalogue's codes that hold a text in code, label or category, and whether there are more of them."""
    return _options(list(_matching(search)))


def _matching(search: str, besides: Iterable[str] = ()) -> QuerySet[ReasonCode]:
    text = search.replace("\x00", "").strip()[:LONGEST_SEARCH]
    known = ReasonCode.objects.exclude(code__in=["", *besides])
    if text:
        known = known.filter(Q(code__icontains=text) | Q(label__icontains=text) | Q(category__iexact=text))
    return known.order_by("code")[: MOST + 1]


def _options(rows: Sequence[ReasonCode]) -> tuple[list[Option], bool]:
    return [_option(row) for row in rows[:MOST]], len(rows) > MOST


def _own(sets: Iterable[CheckSet]) -> dict[str, Option]:
    """Return the codes that Ralio sent for the session, the newest first, each in the words of its newest reason."""
    found: dict[str, Option] = {}
    for reason in (reason for each in sets for check in each.checks for reason in check.reasons):
        row, known = reason.row, reason.known
        if not row.code or row.code in found:
            continue
        found[row.code] = Option(
            row.code,
            row.message or (known.label if known else ""),
            row.category,
            known.guidance if known else "",
            known.is_suspicion if known else False,
        )
    return found


def _named(codes: Iterable[str], rows: Iterable[ReasonCode]) -> list[Option]:
    """Return options for codes that were ticked, also for such as the catalogue has lost."""
    known = {row.code: row for row in rows}
    return [_option(known[code]) if code in known else Option(code) for code in codes]


def _option(row: ReasonCode) -> Option:
    return Option(row.code, row.label, row.category, row.guidance, row.is_suspicion)
