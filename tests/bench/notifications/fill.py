"""An outbox: sessions with what their messages tell of, contacts, chains in the ledger, and a row for each message.

Half of the messages tell the team of a review, the other half a subject of a rejection or that they are verified. Each is
about a session of its own. None is due before `make_due`.
"""

from __future__ import annotations

from django.db import connection, transaction

from kyc.models import (
    Check,
    Contact,
    Delivery,
    LedgerEntry,
    LedgerHead,
    Reason,
    ReasonCode,
    RejectionReason,
    Session,
)
from kyc.models.digests import text_digest
from notifications.models import Notification
from tests.bench.desk.fill import insert

CODES = ("DOCUMENT_EXPIRED", "LOW_CONFIDENCE", "FACE_MISMATCH", "GLARE")
N_REFUSED = 2
FAR = "'2090-01-01'::timestamptz + i * interval '1 second'"


def fill(n: int) -> None:
    """Fill the default connection's database, which is migrated, with `n` messages."""
    _run(
        "CREATE TABLE bench_session AS SELECT i, md5('session' || i)::uuid AS id, md5('subject' || i)::uuid AS subject,"
        " CASE i %% 4 WHEN 0 THEN 'REJECTED' WHEN 1 THEN 'VERIFIED' ELSE 'REVIEW' END AS state,"
        " now() - interval '1 hour' AS since FROM generate_series(1, %s) AS i",
        [n],
    )
    _run("CREATE TABLE bench_code (k int, code text, digest uuid)")
    for k, code in enumerate(CODES):
        _run("INSERT INTO bench_code VALUES (%s, %s, %s)", [k, code, text_digest(code)])
    # A session and its delivery refer to each other: that is looked at in the end.
    with transaction.atomic():
        _sessions()
        _evidence()
        _beside()
        _messages()
    _run("DROP TABLE bench_session, bench_code")
    _run("VACUUM (ANALYZE, FREEZE)")


def make_due(number: int, first: int) -> None:
    """Let so many messages be due from now on, beginning with the one of this number."""
    _run(
        "UPDATE notifications_notification SET next_attempt_at = now() WHERE id IN"
        " (SELECT md5('message' || i)::uuid FROM generate_series(%s, %s) AS i)",
        [first, first + number - 1],
    )


def outcome() -> list[tuple[str, int, int]]:
    """Return the statuses of what was due, each with the number of its messages, and of their tries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, count(*), sum((SELECT count(*) FROM notifications_attempt a WHERE a.notification_id = n.id))"
            " FROM notifications_notification n WHERE next_attempt_at IS NULL OR next_attempt_at < '2089-01-01'"
            " GROUP BY 1 ORDER BY 1"
        )
        return [(str(status), int(n), int(tries)) for status, n, tries in cursor.fetchall()]


def _sessions() -> None:
    insert(
        Delivery,
        "bench_session",
        id="i",
        status="'applied'",
        body="'{}'::bytea",
        headers="'{}'",
        n_bytes="2",
        sha256="encode(sha256(i::text::bytea), 'hex')",
        meaning="encode(sha256(i::text::bytea), 'hex')",
        event_id="md5('event' || i)::uuid",
        event_name="'kyc_session_manual_review'",
        event_at="since",
        received_at="since",
        session="id",
        session_state="state",
        entity_type="'user'",
        user_id="subject",
        n_checks=str(N_REFUSED),
        n_reasons=str(N_REFUSED),
    )
    insert(
        Session,
        "bench_session",
        id="id",
        entity_type="'user'",
        user_id="subject",
        provider_state="state",
        state="state",
        state_since="since",
        first_event_at="since",
        last_event_at="since",
        due_at="CASE WHEN state = 'REVIEW' THEN now() + interval '30 days' END",
        queued_at="CASE WHEN state = 'REVIEW' THEN since END",
        evidence="i",
        n_checks=str(N_REFUSED),
        n_refused=str(N_REFUSED),
        version="2",
    )


def _evidence() -> None:
    each = f"bench_session s CROSS JOIN generate_series(0, {N_REFUSED - 1}) AS p"
    insert(
        Check,
        each,
        id=f"(i - 1) * {N_REFUSED} + p + 1",
        session="s.id",
        delivery="i",
        position="p",
        type="CASE p WHEN 0 THEN 'document-validation' ELSE 'face-matching' END",
        state="'refused'",
        state_sent="'2'",
        data='\'{"provider":"MOCK"}\'',
    )
    insert(
        Reason,
        f"{each} JOIN bench_code ON k = (i + p) % {len(CODES)}",
        kyc_check=f"(i - 1) * {N_REFUSED} + p + 1",
        position="0",
        type="'document'",
        code="code",
        message="'The picture of the document could not be read well enough.'",
        category="'DOCUMENT'",
    )
    insert(
        RejectionReason,
        f"{each} JOIN bench_code ON k = (i + p) % {len(CODES)} WHERE state = 'REJECTED'",
        session="s.id",
        position="p",
        check_type="'document-validation'",
        type="'document'",
        code="code",
        code_digest="bench_code.digest",
        message="'The picture of the document could not be read well enough.'",
        category="'DOCUMENT'",
        category_digest=f"'{text_digest('DOCUMENT')}'::uuid",
        is_first_of_code="true",
        is_first_of_category="p = 0",
        rejected_at="since",
    )


def _beside() -> None:
    insert(
        Contact,
        "bench_session",
        entity_type="'user'",
        subject_id="subject",
        name="'Ana Pérez'",
        email="'subject' || i || '@example.test'",
        language="CASE i % 8 WHEN 0 THEN 'es' ELSE 'en' END",
    )
    for code in CODES:
        ReasonCode.objects.create(
            code=code,
            digest=text_digest(code),
            label=code.capitalize(),
            is_disclosable=True,
            subject_text=f"We could not use what you sent us ({code.replace('_', ' ').lower()}). Please try once more.",
            subject_text_es="No pudimos usar lo que nos envió. Inténtelo de nuevo.",
        )
    chain = {"chain": "'session:' || id", "seq": "1", "hash": "encode(sha256(id::text::bytea), 'hex')"}
    insert(LedgerHead, "bench_session", **chain)
    insert(
        LedgerEntry,
        "bench_session",
        **chain,
        at="since",
        action="'delivery.applied'",
        detail="'{}'",
        previous_hash="repeat('0', 64)",
    )


def _messages() -> None:
    insert(
        Notification,
        "bench_session",
        id="md5('message' || i)::uuid",
        session="id",
        round="1",
        kind="CASE state WHEN 'REVIEW' THEN 'review_opened' WHEN 'VERIFIED' THEN 'verified' ELSE 'verification_failed' END",
        recipient="CASE state WHEN 'REVIEW' THEN 'team@example.test' ELSE 'user:' || subject END",
        event_at="since",
        created_at="since",
        message_id="'<' || md5('message' || i)::uuid || '@example.test>'",
        status="'pending'",
        next_attempt_at=FAR,
    )


def _run(statement: str, parameters: list[object] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
