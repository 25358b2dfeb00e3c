"""A session event into rows by one statement, on PostgreSQL.

What a session's first event makes of it follows from that event alone: its rows in all tables are known before the
database is asked, and one statement writes them. The same statement keeps the delivery with its
checks where the session is known already; what is to be done then, ingestion does in the same transaction.
A repeat, which changes but a counter, has a short statement of its own.

Locks are taken in ingestion's own order (event id, session, codes, the ledger's head).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import DataError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from kyc import folding, ledger
from kyc.choices import CheckState, SessionState
from kyc.folding import Rows
from kyc.models import Delivery, Session
from kyc.models.digests import text_digest
from kyc.projection import Fact, ReasonOf
from kyc.ralio.events import SessionEvent

type Values = dict[str, str | bytes | None]


class _Statement:
    """A statement with PostgreSQL's own $1, $2, ... in place of its names, and the names in that order.

    Numbered once: psycopg would look for the names anew in each execution.
    """

    def __init__(self, text: str) -> None:
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

        self.text = re.sub(r"%\((\w+)\)s", number, text).encode()
        self.names = tuple(numbers)


_STORE = _Statement(Path(__file__).with_suffix(".sql").read_text())
_LOOK = _Statement("""
    WITH repeat AS (
        UPDATE kyc_delivery SET n_repeats = n_repeats + 1, last_repeat_at = %(received_at)s::timestamptz
        WHERE event_id = %(event_id)s::uuid AND NOT status = 'quarantined' AND NOT status = 'failed'
            AND meaning = %(meaning)s::text
        RETURNING id
    )
    SELECT (SELECT id FROM repeat), EXISTS (SELECT FROM kyc_session WHERE id = %(session_id)s::uuid),
        -- Nobody asks this of a repeat.
        NOT EXISTS (SELECT FROM repeat)
            AND EXISTS (SELECT FROM kyc_reasoncode WHERE is_suspicion AND digest = ANY (%(digests)s::uuid[]))
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """Whether the delivery was kept; it is not when something stands in its way, and nothing is written then.

    `session` is the one that the event made, for what is to be done next in the transaction; None when it was known
    before, and is untouched as yet.
    """

    is_kept: bool
    session: Session | None


@dataclass(frozen=True, slots=True)
class Known:
    """The accepted delivery of the same event and meaning, unless it waits to be tried again; whether the session is known.

    `is_suspect` says whether the event brings a code that is marked as a suspicion.
    """

    repeat_of: int | None
    is_session_known: bool
    is_suspect: bool


def is_available() -> bool:
    return connection.vendor == "postgresql"


def prepare(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Let a new connection to PostgreSQL keep the statement's plan: making one takes longer than carrying it out.

    Only this module uses prepared statements, for Django's own cursors put the values in themselves.
    """
    driver = connection.connection
    if connection.vendor == "postgresql" and driver.prepare_threshold is None:
        driver.prepare_threshold = 0
        driver.execute("SET plan_cache_mode = force_generic_plan")


def look(delivery: Delivery, event: SessionEvent) -> Known:
    """Say what is known already of an interpreted delivery; a repeat is counted on the first one, all else is as it was."""
    names = ("event_id", "meaning", "received_at", "session_id")
    values: Values = {name: _text(getattr(delivery, name)) for name in names}
    values["digests"] = f"{{{','.join(str(text_digest(code)) for code in event.codes())}}}"
    return Known(*_one(_LOOK, values))


def store(delivery: Delivery, event: SessionEvent, *, is_whole: bool, is_suspect: bool) -> Stored:
    """Store an interpreted, unsaved delivery; it gets its key if it is kept.

    With `is_whole` the statement is all that there is to do and needs no transaction around it: what would ask for
    more is not kept. Without, call it inside a transaction and do the rest there.
    """
    rows = _folded(delivery, event, is_suspect)
    in_review = rows.columns["state"] == SessionState.REVIEW
    rows.columns |= {"version": 1, "queued_at": timezone.now() if in_review else None}
    detail = applied(delivery, rows.columns)
    values: Values = {
        "is_whole": "true" if is_whole else "false",
        **_delivery_values(delivery),
        **_session_values(event, rows),
        **_sent_values(event),
        **_row_values(rows),
        **ledger.first_entry(ledger.session_chain(event.session_id), "delivery.applied", detail),
    }
    try:
        key, is_new, _ = _one(_STORE, values)
    except DataError as error:
        if is_whole and isinstance(error.__cause__, psycopg.errors.DivisionByZero):
            return Stored(False, None)
        raise
    if key is not None:
        _is_saved(delivery, key)
    return Stored(key is not None, _session(event, rows, key) if is_new and not is_whole else None)


def applied(delivery: Delivery, session: Mapping[str, Any]) -> dict[str, ledger.Detail]:
    """Return what the ledger holds of a delivery that was applied to a session, which has these columns then."""
    return {
        "event": str(delivery.event_id),
        "sha256": delivery.sha256,
        "said": str(delivery.session_state),
        "state": str(session["state"]),
        "round": session["round"],
        "version": session["version"],
    }


def _one(statement: _Statement, values: Values) -> Any:
    """Return the statement's first row, or None."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        return cursor.execute(
            statement.text, [values[name] for name in statement.names], prepare=True
        ).fetchone()


def _session(event: SessionEvent, rows: Rows, evidence: int) -> Session:
    """Return the session as it was stored."""
    columns = {**rows.columns, "evidence_id": evidence if rows.columns["n_checks"] else None}
    session = Session(pk=event.session_id, **columns)
    _is_saved(session, session.pk)
    return session


def _is_saved(row: Delivery | Session, key: Any) -> None:
    row.pk = key
    row._state.adding = False
    row._state.db = connection.alias


def _folded(delivery: Delivery, event: SessionEvent, is_suspect: bool) -> Rows:
    fact = Fact(
        delivery=0,
        event_id=event.event_id,
        at=event.at,
        state=event.state,
        entity_type=event.entity_type,
        user_id=event.user_id,
        related_party_id=event.related_party_id,
        n_checks=delivery.n_checks,
        n_reasons=delivery.n_reasons,
        is_suspect=is_suspect,
    )
    reasons = [
        ReasonOf(check.type, reason.type, reason.code, reason.message, reason.category)
        for check in event.checks
        for reason in check.reasons
    ]
    n_refused = sum(check.state == CheckState.REFUSED for check in event.checks)
    return folding.first(fact, [check.type for check in event.checks], n_refused, reasons)


def _delivery_values(delivery: Delivery) -> Values:
    return {
        "source": str(delivery.source),
        "body": bytes(delivery.body),
        "headers": json.dumps(delivery.headers),
        "n_bytes": str(delivery.n_bytes),
        "sha256": delivery.sha256,
        "meaning": delivery.meaning,
        "signed_with": delivery.signed_with,
        "received_at": _text(delivery.received_at),
        "event_id": _text(delivery.event_id),
        "event_name": delivery.event_name,
        "name_digest": str(text_digest(delivery.event_name)),
        "event_at": _text(delivery.event_at),
        "said": str(delivery.session_state),
        "said_entity_type": str(delivery.entity_type),
        "said_user_id": _text(delivery.user_id),
        "said_related_party_id": _text(delivery.related_party_id),
        "n_reasons": str(delivery.n_reasons),
    }


def _session_values(event: SessionEvent, rows: Rows) -> Values:
    names = (
        "entity_type",
        "user_id",
        "related_party_id",
        "provider_state",
        "state",
        "state_since",
        "last_event_at",
        "due_at",
        "escalated_at",
        "is_suspect",
        "n_checks",
        "n_refused",
        "queued_at",
    )
    return {"session_id": str(event.session_id), **{name: _text(rows.columns[name]) for name in names}}


def _sent_values(event: SessionEvent) -> Values:
    """Return the checks, reasons and codes as JSON lists of rows."""
    checks = [
        {
            "position": position,
            "type": check.type,
            "state": str(check.state),
            "state_sent": check.state_sent,
            "data": check.data,
            "provider": check.provider,
            "checked_at": _text(check.checked_at),
        }
        for position, check in enumerate(event.checks)
    ]
    reasons = [
        {
            "check_position": check_position,
            "position": position,
            "type": reason.type,
            "code": reason.code,
            "message": reason.message,
            "category": reason.category,
        }
        for check_position, check in enumerate(event.checks)
        for position, reason in enumerate(check.reasons)
    ]
    codes = [
        {"code": code, "digest": str(text_digest(code)), "category": category}
        for code, category in event.codes().items()
    ]
    return {"checks": json.dumps(checks), "reasons": json.dumps(reasons), "codes": json.dumps(codes)}


def _row_values(rows: Rows) -> Values:
    """Return the rows of the two filter tables as JSON lists."""
    facets = [
        {"kind": kind, "value": value, "digest": str(text_digest(value))} for kind, value in rows.facets
    ]
    rejection = [
        {
            "position": row.position,
            "check_type": row.check_type,
            "type": row.type,
            "code": row.code,
            "code_digest": str(row.code_digest),
            "message": row.message,
            "category": row.category,
            "category_digest": str(row.category_digest),
            "is_earlier": row.is_earlier,
            "is_first_of_code": row.is_first_of_code,
            "is_first_of_category": row.is_first_of_category,
        }
        for row in folding.reason_rows(None, rows)
    ]
    return {"facets": json.dumps(facets), "rejection": json.dumps(rejection)}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
