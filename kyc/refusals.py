"""The ring of refused requests: what failed the signature is kept a while, bounded in rows and bytes.

A secret rotated badly would otherwise cost every event: Ralio never sends a 4xx again. And anyone may knock at this
door as often as they like, so what a refusal costs is bounded too:

- One statement, whose commit does not wait for the disk: nothing here was acknowledged.
- The oldest go in bulk. What looks like Ralio's and what does not cannot push each other below half of the ring.
- Of a flood of large bodies only as many are kept as fit, and the digests of the others: see `_Allowance`.
- PostgreSQL gets the space of what has gone back at once, not only when autovacuum comes by.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import Error, connection

from kyc.choices import RefusalCause
from kyc.models import RefusedRequest
from kyc.ralio.events import is_ours
from kyc.ralio.signature import is_well_formed

logger = logging.getLogger(__name__)

# Trimming is bulk work: the ring is emptied by a fiftieth of its rows, or a sixty-fourth of its bytes, at a time.
ROW_STEPS, BYTE_STEPS = 50, 64
# After a quarter of the ring has been written anew, PostgreSQL is to look for space that can be used again.
VACUUM_STEPS = 4
# What a row costs beside its body, about: headers, digest, index.
ROW_BYTES = 1024
# Ralio's events are a few kilobytes.
LONGEST_PLAUSIBLE = 256 * 1024
# A name written with escapes is not seen: then the body stays, as long as the ring has room for it.
_EVENT_NAMES = re.compile(rb'"event(?:Type|_type)?"\s*:\s*"([^"\\]{1,200})"')

# Holds for the one statement's own transaction. The disk is not waited for: a crash may cost the last half second.
_DO_NOT_WAIT = "set_config('synchronous_commit', 'off', true)"
_INSERT = """
INSERT INTO kyc_refusedrequest (cause, received_at, headers, body, n_bytes, n_kept_bytes, sha256, is_plausible)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_BEYOND = """
SELECT id FROM (
    SELECT id, row_number() OVER newest AS nth, sum(n_kept_bytes) OVER newest AS n_kept,
        count(*) OVER () - count(*) OVER kind AS other_rows,
        sum(n_kept_bytes) OVER () - sum(n_kept_bytes) OVER kind AS other_kept
    FROM kyc_refusedrequest
    WINDOW kind AS (PARTITION BY is_plausible), newest AS (PARTITION BY is_plausible ORDER BY id DESC)
) AS ring
WHERE (nth > %s AND nth + other_rows > %s) OR (n_kept > %s AND n_kept + other_kept > %s)
"""
_TRIM = {
    "sqlite": f"DELETE FROM kyc_refusedrequest WHERE id IN ({_BEYOND})",  # noqa: S608
    # Arrays, for PostgreSQL makes each once, whatever it believes of a table that was empty when it last looked. From
    # IN it then makes a loop that counts the whole ring again for every row: a second of work for one request.
    "postgresql": f"""
    DELETE FROM kyc_refusedrequest WHERE (SELECT {_DO_NOT_WAIT}) = 'off' AND id = ANY (ARRAY(
        SELECT id FROM kyc_refusedrequest WHERE id = ANY (ARRAY({_BEYOND})) FOR UPDATE SKIP LOCKED
    ))
    """,  # noqa: S608
}


def refuse(
    cause: RefusalCause, headers: Mapping[str, str], *, body: bytes = b"", n_bytes: int | None = None
) -> RefusedRequest:
    """Keep a refused request with its cause, and drop the oldest ones beyond the ring's bounds."""
    is_plausible = _is_plausible(headers, body)
    is_kept = not _is_about_else(body) and _allowances[is_plausible].take(len(body))
    kept = body if is_kept else b""
    refused = RefusedRequest(
        cause=cause,
        headers=dict(headers),
        body=kept,
        n_bytes=len(body) if n_bytes is None and cause != RefusalCause.TOO_LARGE else n_bytes,
        n_kept_bytes=len(kept),
        sha256=sha256(body).hexdigest() if body else "",
        is_plausible=is_plausible,
    )
    with _not_waiting_for_the_disk():
        _insert(refused)
        _tidy(refused)
    return refused


def trim(*, n_spare_rows: int = 0, n_spare_bytes: int = 0) -> None:
    """Drop the oldest refused requests beyond RALIO_REFUSED_MAX_ROWS and RALIO_REFUSED_MAX_BYTES, less some room to spare.

    Each kind, the plausible and the others, has half of the ring for sure, and what the other one leaves free. Two
    trims at once, or a request that is being replayed meanwhile, do not wait for each other.
    """
    n_rows = settings.RALIO_REFUSED_MAX_ROWS - n_spare_rows
    n_bytes = settings.RALIO_REFUSED_MAX_BYTES - n_spare_bytes
    with connection.cursor() as cursor:
        cursor.execute(_TRIM[connection.vendor], [n_rows // 2, n_rows, n_bytes // 2, n_bytes])


class _Allowance:
    """How much of large bodies this process may keep: a whole ring at once, and then a ring's worth per minute.

    Without it a flood of large bodies would fill PostgreSQL's log and tables faster than they can be emptied. A body
    within a row's own share of the ring is always kept, one above about half of the ring never.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.most = self.left = 0.0
        self.at = time.monotonic()

    def take(self, n_bytes: int) -> bool:
        """Return True when a body of this size is to be kept."""
        most = settings.RALIO_REFUSED_MAX_BYTES
        if n_bytes > (most - most // BYTE_STEPS) // 2:
            return False
        if n_bytes <= most // settings.RALIO_REFUSED_MAX_ROWS:
            return True
        with self.lock:
            now = time.monotonic()
            fresh = most if self.most != most else self.left + (now - self.at) * most / 60
            self.most, self.at, self.left = most, now, min(most, fresh)
            if n_bytes > self.left:
                return False
            self.left -= n_bytes
            return True


_allowances = {True: _Allowance(), False: _Allowance()}


class _Written:
    """How much this process has written since the ring was last trimmed and vacuumed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.since_trim = self.since_vacuum = 0

    def add(self, n_kept_bytes: int) -> tuple[bool, bool]:
        """Return whether so much was written that it is time to trim, and to vacuum."""
        most = settings.RALIO_REFUSED_MAX_BYTES
        with self.lock:
            self.since_trim += n_kept_bytes
            self.since_vacuum += n_kept_bytes + ROW_BYTES
            is_time_to_trim = self.since_trim >= max(1, most // BYTE_STEPS)
            is_time_to_vacuum = self.since_vacuum >= max(ROW_BYTES * 100, most // VACUUM_STEPS)
            if is_time_to_trim:
                self.since_trim = 0
            if is_time_to_vacuum:
                self.since_vacuum = 0
        return is_time_to_trim, is_time_to_vacuum


_written = _Written()


def _is_plausible(headers: Mapping[str, str], body: bytes) -> bool:
    """Return True when it may be Ralio's under a secret that we do not know (yet). Looks at its ends, and parses nothing."""
    return (
        len(body) <= LONGEST_PLAUSIBLE
        and is_well_formed(headers.get("X-Signature"))
        and body.strip()[:1] == b"{"
        and body.strip()[-1:] == b"}"
    )


def _is_about_else(body: bytes) -> bool:
    """Return True when it names an event, and none of KYC or KYB: its body is not ours to keep. Parses nothing."""
    names = [name.decode("ascii", "replace") for name in _EVENT_NAMES.findall(body)]
    return bool(names) and not any(is_ours(name) for name in names)


def _insert(refused: RefusedRequest) -> None:
    sql = f"{_INSERT}, {_DO_NOT_WAIT}" if connection.vendor == "postgresql" else _INSERT
    values: list[Any] = [
        str(refused.cause),
        connection.ops.adapt_datetimefield_value(refused.received_at),
        json.dumps(refused.headers),
        refused.body,
        refused.n_bytes,
        refused.n_kept_bytes,
        refused.sha256,
        refused.is_plausible,
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        refused.pk = cursor.fetchone()[0]
    refused._state.adding = False
    refused._state.db = connection.alias


def _tidy(refused: RefusedRequest) -> None:
    """Trim and vacuum when it is time. The request is kept by now: a failure here must not say otherwise."""
    n_rows = max(1, settings.RALIO_REFUSED_MAX_ROWS // ROW_STEPS)
    is_time_to_trim, is_time_to_vacuum = _written.add(refused.n_kept_bytes)
    try:
        if is_time_to_trim or refused.pk % n_rows == 0:
            trim(n_spare_rows=n_rows - 1, n_spare_bytes=settings.RALIO_REFUSED_MAX_BYTES // BYTE_STEPS)
        if is_time_to_vacuum:
            _vacuum()
    except Error as error:
        if connection.in_atomic_block:
            raise
        logger.warning("The ring of refused requests could not be trimmed: %s", type(error).__name__)


def _vacuum() -> None:
    """Let PostgreSQL use the space of dropped rows again. Under a flood autovacuum's minute is too long."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (SKIP_LOCKED, TRUNCATE FALSE) kyc_refusedrequest")


@contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """On SQLite, commit without waiting for the disk: one writer at a time, and Ralio's event may be the next."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")
