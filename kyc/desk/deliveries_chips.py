"""The filters of the deliveries as chips: each a menu, and once set with its value and a link that takes it off."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.http import QueryDict
from django.utils.translation import gettext

from kyc.choices import DeliveryStatus, QuarantineCause, RefusalCause
from kyc.desk.deliveries_filters import ALL, Filters
from kyc.desk.deliveries_secrets import Secrets
from kyc.desk.filter_menus import Chip, Choice, chip
from kyc.models.deliveries import PREFIX_LENGTH

MOST_NAMES = 50
# One index probe per name: the next beginning of a name after the last one, not every row. All in the index's order,
# which equality would leave to the newest rows: PostgreSQL reckons with the average name, of which any place has one, and
# would read the whole table for one that is rare.
_NAMES = f"""
WITH RECURSIVE walk (head, n) AS (
    SELECT (SELECT {{head}} FROM kyc_delivery d ORDER BY {{head}} LIMIT 1), 1
    UNION ALL
    SELECT (SELECT {{head}} FROM kyc_delivery d WHERE {{head}} > walk.head ORDER BY {{head}} LIMIT 1), n + 1
    FROM walk WHERE head IS NOT NULL AND n <= {MOST_NAMES + 1}
)
SELECT (SELECT d.event_name FROM kyc_delivery d WHERE {{head}} >= walk.head ORDER BY {{head}}, d.id DESC LIMIT 1)
FROM walk WHERE head IS NOT NULL
"""  # noqa: S608 - the numbers are constants
_HEADS = {
    "postgresql": f"LEFT(d.event_name, {PREFIX_LENGTH})",
    "sqlite": f"SUBSTR(d.event_name, 1, {PREFIX_LENGTH})",
}


def chips(params: QueryDict, filters: Filters, seen: Secrets) -> list[Chip]:
    """Return the menus of the view. One query."""
    causes = RefusalCause if filters.is_refused else QuarantineCause
    chosen = [Choice(cause.value, str(cause.label), cause.value in filters.causes) for cause in causes]
    has_causes = filters.is_refused or filters.view in (ALL, DeliveryStatus.QUARANTINED) or filters.causes
    found = [chip(params, "cause", gettext("Cause"), chosen)] if has_causes else []
    if filters.is_refused:
        return found
    names = event_names()
    listed = [*filters.events, *(name for name in names[:MOST_NAMES] if name not in filters.events)]
    events = [Choice(name, name, name in filters.events) for name in listed]
    more = len(names) > MOST_NAMES
    found.append(chip(params, "event", gettext("Event"), events, is_code=True, has_more=more))
    found.append(chip(params, "secret", gettext("Signed with"), _secrets(filters, seen), is_code=True))
    return found


def event_names() -> list[str]:
    """Return the names of events that were ever delivered, up to one more than a menu lists, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES.format(head=_HEADS[connection.vendor]))
        return [name for (name,) in cursor.fetchall() if name]


def _secrets(filters: Filters, seen: Secrets) -> Iterable[Choice]:
    known = {
        row.fingerprint: gettext("today’s") if row.place else gettext("no longer set") for row in seen.rows
    }
    marks = [*known, *(mark for mark in filters.secrets if mark not in known)]
    return [Choice(mark, mark, mark in filters.secrets, known.get(mark, "")) for mark in marks]
