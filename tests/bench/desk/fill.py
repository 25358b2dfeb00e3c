"""Fill a migrated database with sessions of the bench's shape, a statement for each table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import NOT_PROVIDED, AutoField, DateField, Field, Model
from django.db.models.fields.json import JSONField

from kyc.models import (
    Check,
    Contact,
    Decision,
    Delivery,
    EventName,
    LedgerEntry,
    LedgerHead,
    Note,
    Precedent,
    QueueFacet,
    Reason,
    ReasonCode,
    RejectionReason,
    SavedView,
    Session,
    User,
)
from kyc.models.digests import text_digest
from notifications.models import Attempt, Notification
from tests.bench.desk import shape

OURS = "relname LIKE 'kyc\\_%' OR relname LIKE 'notifications\\_%'"
KEYS = f"""
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'f' AND ({OURS})
"""
INDEXES = f"""
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE NOT indisunique AND ({OURS})
"""
SEQUENCE = (
    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {table}))"
)
BODY = """convert_to(json_build_object('eventId', md5('event' || i)::uuid, 'eventType', 'kyc_session_manual_review',
'timestamp', since, 'data', json_build_object('sessionId', s.id, 'entityType', CASE WHEN is_party THEN 'related-party' ELSE 'user' END,
CASE WHEN is_party THEN 'relatedPartyId' ELSE 'userId' END, subject))::text, 'UTF8')"""


def fill(size: shape.Size) -> None:
    """Fill the default connection's database, and say how long each step took."""
    officers = _people()
    numbers = {
        "n_sessions": size.n_sessions,
        "n_review": size.n_review,
        "n_subjects": size.n_subjects,
        "n_mine": shape.N_MINE,
        "n_reasons": shape.N_REASONS,
        "me": officers[0],
        "officers": officers[1:],
    }
    with _told("sessions drawn"):
        _run(shape.WORDS)
        _run(shape.SESSIONS, numbers)
        _run(shape.REASONS, numbers)
    with _bare():
        _deliveries(size)
        _sessions()
        _checks_and_reasons(size)
        _filters()
        _work()
        _beside()
    with _told("vacuumed and analysed"):
        _run("DROP TABLE bench_session, bench_reason, bench_code, bench_type, bench_entity")
        _run("VACUUM (ANALYZE, FREEZE)")


def insert(model: type[Model], source: str, **values: str) -> None:
    """Insert what `source` selects: SQL for the columns that differ, the model's defaults for all others."""
    columns, selected, parameters = [], [], []
    for field in model._meta.concrete_fields:
        expression = values.pop(field.name, None)
        if expression is None and (isinstance(field, AutoField) or _is_null(field)):
            continue
        if expression is None and isinstance(field, DateField):
            expression = "now()"
        if expression is None:
            parameters.append(field.get_db_prep_save(field.get_default(), connection))
        columns.append(str(field.column))
        if expression is None:
            selected.append("%s::jsonb" if isinstance(field, JSONField) else "%s")
        else:
            selected.append(expression.replace("%", "%%"))
    assert not values, f"{model.__name__} has no {', '.join(values)}"
    named = ", ".join(columns)
    _run(
        f"INSERT INTO {model._meta.db_table} ({named}) SELECT {', '.join(selected)} FROM {source.replace('%', '%%')}",
        parameters,
    )


def _is_null(field: Field[Any, Any]) -> bool:
    return field.null and field.default is NOT_PROVIDED


def _run(statement: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextlib.contextmanager
def _told(step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"  {step:<40} {time.monotonic() - began:6.1f} s", flush=True)


@contextlib.contextmanager
def _bare() -> Iterator[None]:
    """Take foreign keys and plain indexes away while the block runs. Put back, the keys are checked for every row."""
    with connection.cursor() as cursor:
        cursor.execute(KEYS)
        keys = cursor.fetchall()
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for table, name, _ in keys:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        with _told("indexes"):
            for _, definition in indexes:
                cursor.execute(definition)
        with _told("foreign keys checked"):
            for table, name, definition in keys:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _people() -> list[int]:
    """Make the officers, the one who is measured first, and return their ids."""
    names = [shape.ME, *(f"officer.{number:03}" for number in range(1, shape.N_OFFICERS))]
    people = User.objects.bulk_create(User(username=name, password="!") for name in names)
    role = Group.objects.get(name="officer")
    User.groups.through.objects.bulk_create(
        User.groups.through(user_id=person.pk, group_id=role.pk) for person in people
    )
    SavedView.objects.bulk_create(
        SavedView(owner=people[0], name=f"View {n}", query=f"reason={code}")
        for n, code in enumerate(shape.CODES[4:8])
    )
    EventName.objects.create(
        name="kyc_session_manual_review", digest=text_digest("kyc_session_manual_review")
    )
    return [person.pk for person in people]


def _deliveries(size: shape.Size) -> None:
    """One for each session, with its checks; before it an older set for one in ten; after it what disputes a decision."""
    common = {
        "status": "'applied'",
        "body": "body",
        "headers": """'{"Content-Type": "application/json"}'""",
        "n_bytes": "length(body)",
        "sha256": "encode(sha256(body), 'hex')",
        "meaning": "encode(sha256(body), 'hex')",
        "session": "id",
        "entity_type": "CASE WHEN is_party THEN 'related-party' ELSE 'user' END",
        "user_id": "CASE WHEN NOT is_party THEN subject END",
        "related_party_id": "CASE WHEN is_party THEN subject END",
    }
    source = f"(SELECT *, {BODY} AS body FROM bench_session s) AS s"
    with _told("deliveries"):
        insert(
            Delivery,
            source,
            **common,
            id="i",
            event_id="md5('event' || i)::uuid",
            event_name="'kyc_session_manual_review'",
            event_at="since",
            received_at="since + interval '1 second'",
            session_state="CASE WHEN is_in_review OR k % 10 = 4 THEN 'REVIEW' ELSE state END",
            n_checks=str(shape.N_CHECKS),
            n_reasons=str(shape.N_REASONS),
        )
        insert(
            Delivery,
            f"{source} WHERE is_in_review AND i % 10 = 7",
            **common,
            id=f"{size.n_sessions} + i",
            event_id="md5('earlier' || i)::uuid",
            event_name="'kyc_session_started'",
            event_at="since - interval '10 minutes'",
            received_at="since - interval '9 minutes'",
            session_state="'STARTED'",
            n_checks=str(shape.N_CHECKS),
        )
        insert(
            Delivery,
            f"{source} WHERE is_disputed",
            **common,
            id=f"{size.n_sessions + size.n_review} + i",
            event_id="md5('later' || i)::uuid",
            event_name="'kyc_session_failed'",
            event_at="since",
            received_at="since + interval '2 seconds'",
            session_state="'REJECTED'",
        )
        _run(SEQUENCE.format(table="kyc_delivery"))


def _sessions() -> None:
    with _told("sessions"):
        insert(
            Session,
            "bench_session",
            id="id",
            entity_type="CASE WHEN is_party THEN 'related-party' ELSE 'user' END",
            user_id="CASE WHEN NOT is_party THEN subject END",
            related_party_id="CASE WHEN is_party THEN subject END",
            provider_state="CASE WHEN is_disputed THEN 'REJECTED' WHEN NOT is_in_review AND k % 10 = 4 THEN 'REVIEW' ELSE state END",
            state="state",
            state_since="since",
            first_event_at="since",
            last_event_at="since",
            is_disputed="is_disputed",
            decided_by="decided_by",
            due_at="due_at",
            snoozed_until="CASE WHEN is_snoozed THEN now() + interval '20 days' END",
            is_second_review="is_second_review",
            escalated_at="CASE WHEN is_escalated THEN since + interval '1 minute' END",
            is_suspect="is_escalated AND k % 4 = 0",
            proposed_by="proposed_by",
            evidence="i",
            n_checks=str(shape.N_CHECKS),
            n_refused="n_refused",
            version="2",
            queued_at="CASE WHEN is_in_review THEN since + interval '1 second' END",
            assignee="assignee",
            # Of the others' leases one in five has run out.
            claimed_until="""CASE WHEN holder > 0 AND k % 5 = 0 THEN now() - interval '1 hour'
                WHEN holder >= 0 THEN now() + interval '30 days' END""",
        )


def _checks_and_reasons(size: shape.Size) -> None:
    each = f"generate_series(0, {shape.N_CHECKS - 1}) AS p"
    common = {
        "session": "s.id",
        "position": "p",
        "type": "t.name",
        "data": """'{"provider":"MOCK","reference":"' || md5(i::text) || '","scores":{"sharpness":0.81,"glare":0.13}}'""",
        "provider": "'MOCK'",
        "checked_at": "since",
    }
    kind = "JOIN bench_type t ON t.k = CASE WHEN p = 3 AND i % 3 = 0 THEN 4 ELSE p END"
    with _told("checks"):
        insert(
            Check,
            f"bench_session s CROSS JOIN {each} {kind}",
            **common,
            id=f"(i - 1) * {shape.N_CHECKS} + p + 1",
            delivery="i",
            state="CASE WHEN p < n_refused THEN 'refused' ELSE 'validated' END",
            state_sent="CASE WHEN p < n_refused THEN '2' ELSE '1' END",
        )
        _run(SEQUENCE.format(table="kyc_check"))
        insert(
            Check,
            f"bench_session s CROSS JOIN {each} {kind} WHERE is_in_review AND i % 10 = 7",
            **common,
            delivery=f"{size.n_sessions} + i",
            state="'unknown'",
        )
    with _told("reasons"):
        insert(
            Reason,
            "bench_reason",
            kyc_check=f"(i - 1) * {shape.N_CHECKS} + place + 1",
            position="position",
            type="'document'",
            code="code",
            message="message",
            category="category",
        )


def _filters() -> None:
    """What the queue and the history are filtered by."""
    with _told("the queue's filters"):
        facets = """(
            SELECT i, 'entity' AS kind, name AS value, digest FROM bench_session
                JOIN bench_entity ON name = CASE WHEN is_party THEN 'related-party' ELSE 'user' END WHERE is_in_review
            UNION SELECT i, 'check', name, digest FROM bench_session CROSS JOIN generate_series(0, 3) AS p
                JOIN bench_type t ON t.k = CASE WHEN p = 3 AND i % 3 = 0 THEN 4 ELSE p END WHERE is_in_review
            UNION SELECT i, 'reason', code, digest FROM bench_reason
            UNION SELECT i, 'category', category, category_digest FROM bench_reason
        ) AS f JOIN bench_session s USING (i) WHERE s.is_in_review"""
        insert(
            QueueFacet, facets, session="s.id", kind="kind", value="value", digest="digest", due_at="s.due_at"
        )
    with _told("the history's reasons"):
        insert(
            RejectionReason,
            "bench_reason r JOIN bench_session s USING (i) JOIN bench_type t ON t.k = place WHERE s.state = 'REJECTED'",
            session="s.id",
            position="j",
            check_type="t.name",
            type="'document'",
            code="code",
            code_digest="r.digest",
            message="message",
            category="category",
            category_digest="category_digest",
            is_first_of_code="j = min(j) OVER (PARTITION BY i, r.digest)",
            is_first_of_category="j = min(j) OVER (PARTITION BY i, category_digest)",
            rejected_at="since",
        )


def _work() -> None:
    """What people did: decisions, proposals, waits, escalations, and what later ones can learn from them."""
    common = {
        "session": "id",
        "basis": "i",
        "round": "1",
        "rationale": "'The documents agree with each other.'",
    }
    done = {**common, "status": "'confirmed'", "confirmed_at": "since + interval '5 minutes'"}
    with _told("decisions"):
        rejected = "(SELECT jsonb_agg(DISTINCT code) FROM bench_reason r WHERE r.i = s.i)"
        insert(
            Decision,
            "bench_session s WHERE decided_by IS NOT NULL",
            **done,
            outcome="CASE WHEN state = 'REJECTED' THEN 'reject' ELSE 'approve' END",
            codes=f"CASE WHEN state = 'REJECTED' THEN {rejected} ELSE '[]' END",
            maker="decided_by",
        )
        final = "kyc_decision d JOIN bench_session s ON s.id = d.session_id JOIN bench_reason r USING (i)"
        insert(
            Precedent,
            f"(SELECT DISTINCT d.id, r.digest, d.outcome, d.confirmed_at FROM {final}) AS found",
            decision="id",
            digest="digest",
            outcome="outcome",
            decided_at="confirmed_at",
        )
        maker = {"maker": "(SELECT min(id) FROM kyc_user)"}
        insert(
            Decision,
            "bench_session WHERE proposed_by IS NOT NULL",
            **common,
            outcome="'approve'",
            status="'proposed'",
            needs_checker="true",
            maker="proposed_by",
        )
        insert(
            Decision,
            "bench_session WHERE is_snoozed",
            **done,
            **maker,
            outcome="'wait'",
            wait_until="now() + interval '20 days'",
        )
        for outcome, which in (("escalate", "is_escalated"), ("second_review", "is_second_review")):
            insert(Decision, f"bench_session WHERE {which}", **done, **maker, outcome=f"'{outcome}'")


def _beside() -> None:
    """Notes, contacts, the catalogue, messages, and the chains of the sessions in REVIEW."""
    in_review = "bench_session WHERE is_in_review"
    someone = "(SELECT min(id) FROM kyc_user)"
    with _told("notes, contacts, messages, ledger"):
        insert(
            Note,
            f"{in_review} AND i % 10 = 1",
            session="id",
            by=someone,
            text="'Asked the subject for a new photograph.'",
            round="1",
        )
        insert(
            Contact,
            f"(SELECT DISTINCT subject, is_party FROM {in_review}) AS subjects",
            entity_type="CASE WHEN is_party THEN 'related-party' ELSE 'user' END",
            subject_id="subject",
            name="'Ana Pérez'",
            email="'subject' || left(subject::text, 8) || '@example.test'",
            language="'en'",
        )
        insert(
            ReasonCode,
            "bench_code",
            code="code",
            digest="digest",
            label="message",
            category="category",
            guidance="'Compare the document with the photograph.'",
        )
        insert(
            Notification,
            in_review,
            id="md5('message' || i)::uuid",
            session="id",
            round="1",
            kind="'review_opened'",
            recipient="'team@example.test'",
            event_at="since",
            created_at="since",
            message_id="'<' || i || '@kyc>'",
            status="'sent'",
            n_attempts="1",
            sent_at="since",
        )
        insert(Attempt, "notifications_notification", notification="id", outcome="'sent'", at="sent_at")
        chain = {"chain": "'session:' || id", "seq": "1", "hash": "encode(sha256(id::text::bytea), 'hex')"}
        insert(LedgerHead, in_review, **chain)
        insert(
            LedgerEntry,
            in_review,
            **chain,
            at="since",
            action="'delivery.applied'",
            detail="'{}'",
            previous_hash="repeat('0', 64)",
        )
