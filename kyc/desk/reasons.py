"""The reason codes that a rejection can give: the session's own first, then the whole catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from kyc.desk.evidence import CheckSet
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


def options(sets: Iterable[CheckSet], ticked: Sequence[str] = (), search: str = "") -> Options:
    """Return the codes to choose from. One query, and another where ticked ones are not among those found."""
    own = _own(sets)
    found, has_more = find(search, besides=own)
    listed = {option.code for option in found} | own.keys()
    missing = [code for code in ticked if code not in listed]
    return Options(list(own.values()), _named(missing), found, has_more, search)


def find(search: str, *, besides: Iterable[str] = ()) -> tuple[list[Option], bool]:
    """Return the catalogue's codes that hold a text in code, label or category, and whether there are more of them."""
    text = search.replace("\x00", "").strip()[:LONGEST_SEARCH]
    known = ReasonCode.objects.exclude(code__in=["", *besides])
    if text:
        known = known.filter(Q(code__icontains=text) | Q(label__icontains=text) | Q(category__iexact=text))
    rows = list(known.order_by("code")[: MOST + 1])
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


def _named(codes: Sequence[str]) -> list[Option]:
    """Return options for codes that were ticked, also for such as the catalogue has lost."""
    if not codes:
        return []
    # By digest: what was sent may hold what not every engine can look for, such as NUL.
    digests = [text_digest(code) for code in codes]
    known = {row.code: row for row in ReasonCode.objects.filter(digest__in=digests)}
    return [_option(known[code]) if code in known else Option(code) for code in codes]


def _option(row: ReasonCode) -> Option:
    return Option(row.code, row.label, row.category, row.guidance, row.is_suspicion)
