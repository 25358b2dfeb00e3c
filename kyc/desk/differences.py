"""What differs between two sets of a session's checks. Pure: nothing here reads a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext, gettext_noop

from kyc.choices import CheckState
from kyc.desk import jsontree
from kyc.ralio.jsontext import Members, NotJson, parse, write

# A longer value stays in the raw data: here it would hide what changed.
LONGEST_VALUE = 24
NOT_SENT, LONG = gettext_noop("not sent"), "…"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One check as one event told it. `reasons` are codes, or messages where no code was sent.

    `data` is its JSON text; where that is too long to be read, it is empty and `digest` tells it from others.
    """

    position: int
    type: str
    state: CheckState
    reasons: tuple[str, ...] = ()
    data: str = ""
    digest: str = ""

    @property
    def meaning(self) -> tuple[object, ...]:
        """Return what two equal checks have in common, wherever in their sets they stand."""
        return (self.type, self.state, tuple(sorted(self.reasons)), self.digest or _canonical(self.data))


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a check's data that changed; its values in short, or LONG, or NOT_SENT in the reader's words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How one check changed. Without `before` it is new, without `after` it was not sent any more.

    `members` are those of its data that changed; None where the data changed and is too long to say how.
    """

    type: str
    before: CheckState | None
    after: CheckState | None
    reasons_added: tuple[str, ...] = ()
    reasons_removed: tuple[str, ...] = ()
    members: tuple[Member, ...] | None = ()

    @property
    def is_kept(self) -> bool:
        return self.before is not None and self.after is not None

    @property
    def told(self) -> list[Member]:
        """Return the members whose old and new value are short enough to be said."""
        return [
            member
            for member in self.members or ()
            if member.name and LONG not in (member.before, member.after)
        ]

    @property
    def is_state_changed(self) -> bool:
        return self.is_kept and self.before != self.after


def differences(before: Iterable[Snapshot], after: Iterable[Snapshot]) -> list[Difference]:
    """Return what changed, in the later set's order, what is gone last; nothing for equal sets in any order.

    1. Checks that mean the same are set aside, each with its like.
    2. Of the rest, those of one type are matched by position.
    3. What is left over was added or removed.
    """
    old, new = _without_equal(before, after)
    found: list[tuple[tuple[bool, int], Difference]] = []
    for kind in dict.fromkeys(check.type for check in (*new, *old)):
        sides = ([check for check in side if check.type == kind] for side in (old, new))
        for earlier, later in zip_longest(*sides):
            place = later or earlier
            found.append(((later is None, place.position), _difference(kind, earlier, later)))
    return [difference for _, difference in sorted(found, key=itemgetter(0))]


def without_values(difference: Difference) -> Difference:
    """Return the difference for a reader who sees no personal data: how many members changed, and nothing of them."""
    if not difference.members:
        return difference
    return replace(difference, members=tuple(Member("", LONG, LONG) for _ in difference.members))


def _without_equal(
    before: Iterable[Snapshot], after: Iterable[Snapshot]
) -> tuple[list[Snapshot], list[Snapshot]]:
    """Return both sets by position, without the checks that have an equal in the other one."""
    old, new = (sorted(side, key=lambda check: check.position) for side in (before, after))
    meanings = Counter(check.meaning for check in old) & Counter(check.meaning for check in new)
    return _less(old, meanings.copy()), _less(new, meanings)


def _less(checks: Sequence[Snapshot], meanings: Counter[tuple[object, ...]]) -> list[Snapshot]:
    rest = []
    for check in checks:
        if meanings[check.meaning]:
            meanings[check.meaning] -= 1
        else:
            rest.append(check)
    return rest


def _difference(kind: str, before: Snapshot | None, after: Snapshot | None) -> Difference:
    old, new = (Counter(check.reasons if check else ()) for check in (before, after))
    return Difference(
        kind,
        before.state if before else None,
        after.state if after else None,
        tuple((new - old).elements()),
        tuple((old - new).elements()),
        _members(before, after) if before and after else (),
    )


def _members(before: Snapshot, after: Snapshot) -> tuple[Member, ...] | None:
    """Return the members of the data that differ: in the earlier one's order, then the new ones."""
    if before.digest or after.digest:
        return () if before.digest == after.digest else None
    old, new = _parsed(before.data), _parsed(after.data)
    if not (isinstance(old, Members) and isinstance(new, Members)):
        is_same = write(old, is_sorted=True) == write(new, is_sorted=True)
        return () if is_same else (Member("", _short([old]), _short([new])),)
    earlier, later = _by_name(old), _by_name(new)
    return tuple(
        Member(jsontree.flat(name), _short(earlier.get(name)), _short(later.get(name)))
        for name in dict.fromkeys((*earlier, *later))
        if _texts(earlier, name) != _texts(later, name)
    )


def _by_name(members: Members) -> Mapping[str, list[Any]]:
    """Return an object's values by name; a name may stand twice."""
    values: dict[str, list[Any]] = defaultdict(list)
    for name, item in members.pairs:
        values[name].append(item)
    return dict(values)


def _texts(values: Mapping[str, list[Any]], name: str) -> list[str]:
    return [write(value, is_sorted=True) for value in values.get(name, ())]


def _short(values: Sequence[Any] | None) -> str:
    if values is None:
        return gettext(NOT_SENT)
    text = ", ".join(jsontree.flat(value) for value in values)
    return text if len(text) <= LONGEST_VALUE else LONG


def _canonical(data: str) -> str:
    return write(_parsed(data), is_sorted=True)


def _parsed(data: str) -> Any:
    """Return the JSON text's value; none sent is an empty object, and what is no JSON its text."""
    if not data:
        return Members([])
    try:
        return parse(data.encode("utf-8", "surrogatepass"))
    except NotJson:
        return data
