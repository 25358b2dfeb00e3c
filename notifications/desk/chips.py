"""The filters of the notifications as chips: each a menu, and once set with its value and a link that takes it off."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kyc.desk.deliveries_chips import Chip, Choice
from kyc.desk.paging import without_cursor
from notifications.choices import Kind
from notifications.desk.filters import DESK, KEEPERS, SUBJECTS, Filters


def chips(params: QueryDict, filters: Filters) -> list[Chip]:
    kinds = [Choice(kind.value, str(kind.label), kind in filters.chosen) for kind in Kind]
    whom = {DESK: _("People at the desk"), SUBJECTS: _("Subjects"), KEEPERS: _("Keepers of the seals")}
    audiences = [Choice(name, words, name in filters.audiences) for name, words in whom.items()]
    return [
        _chip(params, "kind", pgettext("filter of messages", "Kind"), kinds),
        _chip(params, "whom", pgettext("filter of messages", "To"), audiences),
    ]


def span_chip(params: QueryDict, filters: Filters) -> Chip:
    value = "" if filters.span.is_all else filters.span.words
    title = pgettext("filter of messages", "Written")
    return Chip("span", title, (), value, _without(params, "from", "to", "days"))


def _chip(params: QueryDict, name: str, title: str, choices: list[Choice]) -> Chip:
    chosen = [choice.label for choice in choices if choice.is_chosen]
    value = chosen[0] if chosen else ""
    if len(chosen) > 1:
        value = _("%(first)s and %(n)s more") % {"first": value, "n": len(chosen) - 1}
    return Chip(name, title, choices, value, _without(params, name))


def _without(params: QueryDict, *names: str) -> str:
    kept = without_cursor(params)
    return urlencode(
        [(name, value) for name, values in kept.lists() if name not in names for value in values]
    )
