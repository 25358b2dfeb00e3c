"""A list's filters as menus: each with its choices, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import ngettext

from kyc.desk.cursors import without_cursor
from kyc.desk.rejections import Span


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to tick. `note` stands beside it: how many there are, or what it means."""

    value: str
    label: str
    is_chosen: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One menu. `value` says what is chosen, empty when nothing is; `without` is the query that takes it off."""

    name: str
    title: str
    choices: Sequence[Choice]
    value: str
    without: str
    is_code: bool = False
    has_more: bool = False


def chip(
    params: QueryDict,
    name: str,
    title: str,
    choices: Iterable[Choice],
    *,
    is_code: bool = False,
    has_more: bool = False,
) -> Chip:
    """Return the menu of one parameter of a URL's query."""
    listed = list(choices)
    value = _value([choice.label for choice in listed if choice.is_chosen])
    return Chip(name, title, listed, value, _without(params, name), is_code, has_more)


def days_chip(params: QueryDict, title: str, words: str) -> Chip:
    """Return the menu of a span of days; `words` say which are chosen, and are empty for all."""
    return Chip("span", title, (), words, _without(params, "from", "to", "days"))


def span_chip(params: QueryDict, title: str, span: Span) -> Chip:
    return days_chip(params, title, "" if span.is_all else span.words)


def _value(chosen: Sequence[str]) -> str:
    """Return what is chosen, in short."""
    if len(chosen) < 2:
        return "".join(chosen)
    more = len(chosen) - 1
    words = ngettext("%(first)s and %(n)s more", "%(first)s and %(n)s more", more)
    return words % {"first": chosen[0], "n": more}


def _without(params: QueryDict, *names: str) -> str:
    kept = without_cursor(params)
    return urlencode(
        [(name, value) for name, values in kept.lists() if name not in names for value in values]
    )
