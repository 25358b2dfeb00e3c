"""Which ids the entries of a span of days have: they grow with time, so that no index over the time is needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from kyc.desk.rejections import Span

# An id is given when an entry is written, its time a moment before, and clocks differ a little: both ends reach further
# by this much. The entry's own time then decides.
SLACK = timedelta(seconds=30)

# The first id whose entry is not before an instant: half of what is left falls away with each probe of the primary key.
_PROBED = """(
    SELECT e."at" FROM kyc_ledgerentry e WHERE e.id >= (low + high) / 2 ORDER BY e.id LIMIT 1
) < %s"""
_FIRST = f"""
(WITH RECURSIVE probe (low, high) AS (
    SELECT (SELECT min(id) FROM kyc_ledgerentry), (SELECT max(id) + 1 FROM kyc_ledgerentry)
    UNION ALL
    SELECT
        CASE WHEN {_PROBED} THEN (low + high) / 2 + 1 ELSE low END,
        CASE WHEN {_PROBED} THEN high ELSE (low + high) / 2 END
    FROM probe WHERE low < high
) SELECT low FROM probe WHERE low >= high)
"""  # noqa: S608 - two constants


def ids_of(span: Span) -> dict[str, int]:
    """Return the conditions on the id that a span's entries meet, and hardly any other. One query."""
    bounds = span.bounds("at")
    ends = {"id__gte": _earlier(bounds.get("at__gte")), "id__lt": _later(bounds.get("at__lt"))}
    wanted = {name: at for name, at in ends.items() if at is not None}
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        instants = [connection.ops.adapt_datetimefield_value(at) for at in wanted.values() for _ in range(2)]
        cursor.execute(f"SELECT {', '.join([_FIRST] * len(wanted))}", instants)
        found = cursor.fetchone()
    return {name: id for name, id in zip(wanted, found, strict=True) if id is not None}


def _earlier(at: datetime | None) -> datetime | None:
    return at - SLACK if at else None


def _later(at: datetime | None) -> datetime | None:
    return at + SLACK if at else None
