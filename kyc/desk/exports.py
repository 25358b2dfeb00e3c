"""The history as CSV, streamed: one line per reason, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils import timezone

from kyc.desk.paging import in_chunks
from kyc.desk.rejection_rows import Rejection, rejections
from kyc.desk.rejections import Filters

CHUNK = 500
COLUMNS = (
    "session",
    "subject",
    "entity",
    "rejected at",
    "decided by",
    "confirmed by",
    "check",
    "code",
    "category",
    "message",
    "earlier",
    "from the API",
    "rationale",
)
# Without it Excel takes UTF-8 for another encoding.
BYTE_ORDER_MARK = "\ufeff"
# The second four are the wide forms, which a spreadsheet that speaks Japanese or Chinese reads as the narrow ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def csv_lines(filters: Filters) -> Iterator[str]:
    """Yield the filtered history as CSV text, a few hundred sessions at a time: the first lines leave before the last are read."""
    yield BYTE_ORDER_MARK + csv_text([COLUMNS])
    for sessions in in_chunks(filters.ordered().select_related("decided_by"), filters.keys, CHUNK):
        yield csv_text(line for rejection in rejections(sessions) for line in _lines(rejection))


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, nor a program for the end of the text."""
    cell = cell.replace("\x00", "")
    # Some leave out the white space that a cell begins with.
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS) else cell


def _lines(rejection: Rejection) -> Iterator[list[str]]:
    """Yield one line per reason; a session without reasons has one line too."""
    session = rejection.session
    start = [
        str(session.pk),
        " ".join(str(pk) for pk in (session.user_id, session.related_party_id) if pk),
        session.entity_type,
        instant(session.state_since),
        session.decided_by.username if session.decided_by else "Ralio, automatic",
        rejection.checker.username if rejection.checker else "",
    ]
    for reason in rejection.reasons:
        earlier = "earlier" if reason.is_earlier else ""
        told = (reason.check_type, reason.code, reason.category, reason.message)
        from_api = "from the API" if rejection.is_from_api else ""
        yield [*start, *told, earlier, from_api, rejection.rationale]
    if not rejection.reasons:
        # A person's rejection has reasons, always.
        yield [*start, *([""] * (len(COLUMNS) - len(start)))]


def instant(at: datetime) -> str:
    """Return an instant in the desk's zone, with its offset."""
    try:
        return timezone.localtime(at).isoformat(timespec="seconds")
    except OverflowError:
        # The first and the last hours of the calendar do not exist in every zone.
        return at.isoformat(timespec="seconds")


def csv_text(lines: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([safe(cell) for cell in line] for line in lines)
    return buffer.getvalue()
