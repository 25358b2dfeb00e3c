-- One session event into rows: see fastpath.py. With is_whole it stores a session's first event, or nothing. Every value
-- comes as text with a cast beside it, so that PostgreSQL prepares this once per connection. Parts that read from another
-- run after it: event id, session, codes, head.
WITH delivery AS (
    INSERT INTO kyc_delivery (
        source, status, cause, faults, error, body, headers, n_bytes, sha256, meaning, signed_with, received_at,
        n_repeats, n_tries, n_replays, event_id, event_name, event_at, session_id, session_state, entity_type, user_id,
        related_party_id, n_checks, n_reasons
    )
    SELECT
        %(source)s::text, 'applied', '', '[]', '', %(body)s::bytea, %(headers)s::jsonb, %(n_bytes)s::integer, %(sha256)s::text,
        %(meaning)s::text, %(signed_with)s::text, %(received_at)s::timestamptz, 0, 1, 0, %(event_id)s::uuid, %(event_name)s::text,
        %(event_at)s::timestamptz, %(session_id)s::uuid, %(said)s::text, %(said_entity_type)s::text, %(said_user_id)s::uuid,
        %(said_related_party_id)s::uuid, %(n_checks)s::integer, %(n_reasons)s::integer
    WHERE NOT (%(is_whole)s::boolean AND EXISTS (SELECT FROM kyc_session WHERE id = %(session_id)s::uuid))
    AND NOT EXISTS (
        SELECT FROM kyc_delivery
        WHERE sha256 = %(sha256)s::text AND status = 'quarantined' AND NOT (cause = 'id_conflict' AND status = 'quarantined')
    )
    ON CONFLICT DO NOTHING RETURNING id
),
session AS (
    INSERT INTO kyc_session (
        id, entity_type, user_id, related_party_id, provider_state, state, state_since, first_event_at, last_event_at,
        round, is_disputed, due_at, is_second_review, escalated_at, is_suspect, evidence_id, n_checks, n_refused, version, queued_at
    )
    SELECT
        %(session_id)s::uuid, %(entity_type)s::text, %(user_id)s::uuid, %(related_party_id)s::uuid, %(provider_state)s::text,
        %(state)s::text, %(state_since)s::timestamptz, %(last_event_at)s::timestamptz,
        %(last_event_at)s::timestamptz, 1, false, %(due_at)s::timestamptz, false, %(escalated_at)s::timestamptz,
        %(is_suspect)s::boolean, CASE WHEN %(n_checks)s::integer > 0 THEN delivery.id END,
        %(n_checks)s::integer, %(n_refused)s::integer, 1, %(queued_at)s::timestamptz
    FROM delivery
    ON CONFLICT DO NOTHING RETURNING id
),
checks AS (
    INSERT INTO kyc_check (session_id, delivery_id, position, type, state, state_sent, data, provider, checked_at)
    SELECT
        %(session_id)s::uuid, delivery.id, sent.position, sent.type, sent.state, sent.state_sent, sent.data,
        sent.provider, sent.checked_at
    FROM delivery, json_to_recordset(%(checks)s::json) AS sent (
        position integer, type text, state text, state_sent text, data text, provider text, checked_at timestamptz
    )
    RETURNING id, position
),
reasons AS (
    INSERT INTO kyc_reason (kyc_check_id, position, type, code, message, category)
    SELECT checks.id, sent.position, sent.type, sent.code, sent.message, sent.category
    FROM checks JOIN json_to_recordset(%(reasons)s::json) AS sent (
        check_position integer, position integer, type text, code text, message text, category text
    ) ON sent.check_position = checks.position
),
facets AS (
    INSERT INTO kyc_queuefacet (session_id, kind, value, digest, due_at)
    SELECT session.id, facet.kind, facet.value, facet.digest, %(due_at)s::timestamptz
    FROM session, json_to_recordset(%(facets)s::json) AS facet (kind text, value text, digest uuid)
),
rejection AS (
    INSERT INTO kyc_rejectionreason (
        session_id, position, check_type, type, code, code_digest, message, category, category_digest, is_earlier,
        is_first_of_code, is_first_of_category, rejected_at
    )
    SELECT
        session.id, said.position, said.check_type, said.type, said.code, said.code_digest, said.message, said.category,
        said.category_digest, said.is_earlier, said.is_first_of_code, said.is_first_of_category,
        %(state_since)s::timestamptz
    FROM session, json_to_recordset(%(rejection)s::json) AS said (
        position integer, check_type text, type text, code text, code_digest uuid, message text, category text,
        category_digest uuid, is_earlier boolean, is_first_of_code boolean, is_first_of_category boolean
    )
),
codes AS (
    INSERT INTO kyc_reasoncode (
        code, digest, label, category, guidance, is_disclosable, subject_text,
        subject_text_es, is_suspicion, first_seen_at
    )
    SELECT seen.code, seen.digest, '', seen.category, '', false, '', '', false, %(received_at)s::timestamptz
    FROM session, json_to_recordset(%(codes)s::json) AS seen (code text, digest uuid, category text)
    WHERE NOT EXISTS (SELECT FROM kyc_reasoncode AS known WHERE known.digest = seen.digest)
    ORDER BY seen.digest
    ON CONFLICT DO NOTHING RETURNING id
),
names AS (
    INSERT INTO kyc_eventname (name, digest, first_seen_at)
    SELECT %(event_name)s::text, %(name_digest)s::uuid, %(received_at)s::timestamptz
    FROM session
    WHERE (SELECT count(*) FROM codes) >= 0
        AND NOT EXISTS (SELECT FROM kyc_eventname WHERE digest = %(name_digest)s::uuid)
    ON CONFLICT DO NOTHING RETURNING id
),
next AS (
    SELECT nextval('kyc_ledgerentry_id_seq') AS id FROM session WHERE (SELECT count(*) FROM names) >= 0
),
entry AS (
    INSERT INTO kyc_ledgerentry (id, chain, seq, at, action, detail, request_id, address, previous_hash, hash)
    SELECT
        next.id, %(chain)s::text, 1, %(at)s::timestamptz, %(action)s::text, %(detail)s::text, %(request_id)s::text,
        %(address)s::text, %(previous_hash)s::text,
        encode(sha256(convert_to(%(words)s::text || next.id || ']', 'UTF8')), 'hex')
    FROM next
    RETURNING hash
),
head AS (
    INSERT INTO kyc_ledgerhead (chain, seq, hash) SELECT %(chain)s::text, 1, entry.hash FROM entry
)
SELECT (SELECT id FROM delivery), EXISTS (SELECT FROM session),
    -- Another transaction made the session in between: a division by zero undoes the half of it.
    1 / CASE WHEN %(is_whole)s::boolean AND EXISTS (SELECT FROM delivery) AND NOT EXISTS (SELECT FROM session)
        THEN 0 ELSE 1 END
