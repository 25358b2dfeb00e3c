"""The filters of the notifications as chips: each a menu, and once set with its value and a link that takes it off."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kyc.desk.filter_menus import Chip, Choice, chip
from notifications.choices import Kind
from notifications.desk.filters import DESK, KEEPERS, SUBJECTS, Filters


def chips(params: QueryDict, filters: Filters) -> list[Chip]:
    kinds = [Choice(kind.value, str(kind.label), kind in filters.chosen) for kind in Kind]
    whom = {DESK: _("People at the desk"), SUBJECTS: _("Subjects"), KEEPERS: _("Keepers of the seals")}
    audiences = [Choice(name, words, name in filters.audiences) for name, words in whom.items()]
    return [
        chip(params, "kind", pgettext("filter of messages", "Kind"), kinds),
        chip(params, "whom", pgettext("filter of messages", "To"), audiences),
    ]
