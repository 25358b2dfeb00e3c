"""The filters of the ledger as chips: each a menu, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.http import QueryDict
from django.utils.translation import gettext as _

from kyc.desk.filter_menus import Chip, Choice, chip
from kyc.desk.ledger_filters import Filters
from kyc.models.ledger import COMMONPLACE

MOST_ACTIONS, MOST_PEOPLE = 150, 100
# One index probe per action and person: the next one after the last, not every entry.
_MENUS = f"""
WITH RECURSIVE acts (action, n) AS (
    SELECT (
        SELECT e.action FROM kyc_ledgerentry e WHERE NOT (e.action = '{COMMONPLACE}') ORDER BY e.action LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT e.action FROM kyc_ledgerentry e
        WHERE NOT (e.action = '{COMMONPLACE}') AND e.action > acts.action ORDER BY e.action LIMIT 1
    ), n + 1
    FROM acts WHERE acts.action IS NOT NULL AND n <= {MOST_ACTIONS}
), people (id, n) AS (
    SELECT (
        SELECT e.actor_id FROM kyc_ledgerentry e WHERE e.actor_id IS NOT NULL ORDER BY e.actor_id LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT e.actor_id FROM kyc_ledgerentry e
        WHERE e.actor_id IS NOT NULL AND e.actor_id > people.id ORDER BY e.actor_id LIMIT 1
    ), n + 1
    FROM people WHERE people.id IS NOT NULL AND n <= {MOST_PEOPLE}
)
SELECT 0, acts.action FROM acts WHERE acts.action IS NOT NULL
UNION ALL
SELECT u.id, u.username FROM people JOIN kyc_user u ON u.id = people.id
"""  # noqa: S608 - the numbers and the name are constants


@dataclass(frozen=True, slots=True)
class Menus:
    """Which actions the ledger knows, and who acted, by id."""

    actions: Sequence[str]
    people: dict[int, str]


def menus() -> Menus:
    """Return what can be chosen from. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_MENUS)
        found = cursor.fetchall()
    actions = [text for id, text in found if not id]
    people = sorted(((id, text) for id, text in found if id), key=lambda person: person[1])
    return Menus(sorted([*actions, COMMONPLACE]), dict(people))


def chips(params: QueryDict, filters: Filters, known: Menus) -> list[Chip]:
    gone = [pk for pk in filters.people if pk not in known.people]
    people = [Choice(str(pk), name, pk in filters.people) for pk, name in known.people.items()]
    people += [Choice(str(pk), _("Person %(id)s") % {"id": pk}, True) for pk in gone]
    unknown = [action for action in filters.actions if action not in known.actions]
    actions = [Choice(name, name, name in filters.actions) for name in [*known.actions, *unknown]]
    has_more = {"person": len(people) > MOST_PEOPLE, "action": len(actions) > MOST_ACTIONS}
    return [
        chip(params, "person", _("Person"), people, has_more=has_more["person"]),
        chip(params, "action", _("Act"), actions, is_code=True, has_more=has_more["action"]),
    ]
