"""The ring of refused requests: what failed the signature is kept a while, bounded in rows and bytes.

A secret rotated badly would otherwise cost every event: Ralio never sends a 4xx again.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction

from kyc.choices import RefusalCause
from kyc.models import RefusedRequest

# Trimming is bulk work: once in so many requests, or at once for a body worth it.
TRIM_EVERY = 100
TRIM_AT_ONCE_BYTES = 64 * 1024

_TRIM = """
DELETE FROM kyc_refusedrequest WHERE id <= (
    SELECT max(id) FROM (
        SELECT id, row_number() OVER newest AS n_rows, sum(n_kept_bytes) OVER newest AS n_kept
        FROM kyc_refusedrequest WINDOW newest AS (ORDER BY id DESC)
    ) AS ring WHERE n_rows > %s OR n_kept > %s
)
"""


@transaction.atomic
def refuse(
    cause: RefusalCause, headers: Mapping[str, str], *, body: bytes = b"", n_bytes: int | None = None
) -> RefusedRequest:
    """Keep a refused request with its cause, and drop the oldest ones beyond the ring's bounds."""
    kept = body if len(body) <= settings.RALIO_REFUSED_MAX_BYTES else b""
    refused = RefusedRequest.objects.create(
        cause=cause,
        headers=dict(headers),
        body=kept,
        n_bytes=len(body) if n_bytes is None and cause != RefusalCause.TOO_LARGE else n_bytes,
        n_kept_bytes=len(kept),
        sha256=sha256(body).hexdigest() if body else "",
    )
    if refused.pk % TRIM_EVERY == 0 or len(kept) >= TRIM_AT_ONCE_BYTES:
        trim()
    return refused


def trim() -> None:
    """Drop the oldest refused requests beyond RALIO_REFUSED_MAX_ROWS and RALIO_REFUSED_MAX_BYTES."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIM, [settings.RALIO_REFUSED_MAX_ROWS, settings.RALIO_REFUSED_MAX_BYTES])
