-- The rows that one accepted REVIEW delivery of a new session leaves, as one statement. What the desk sends as values
-- pgbench sends as values too: the body, its headers, each check's data and the ledger's detail.
WITH ids AS MATERIALIZED (
    SELECT gen_random_uuid() AS session, gen_random_uuid() AS event, gen_random_uuid() AS subject
),
event_name AS (
    INSERT INTO kyc_eventname (name, digest, first_seen_at)
    VALUES ('kyc_session_manual_review', CAST(md5('kyc_session_manual_review') AS uuid), now()) ON CONFLICT DO NOTHING
),
delivery AS (
    INSERT INTO kyc_delivery (source, status, cause, faults, error, body, headers, n_bytes, sha256, meaning, signed_with,
        received_at, n_repeats, n_tries, n_replays, event_id, event_name, event_at, session_id, session_state, entity_type,
        user_id, n_checks, n_reasons)
    SELECT 'webhook', 'applied', '', '[]', '', CAST(:body AS bytea), CAST(:headers AS jsonb), 3000,
        md5(CAST(event AS text)) || md5(CAST(session AS text)), md5(CAST(session AS text)) || md5(CAST(event AS text)),
        '0123abcd', now(), 0, 1, 0, event, 'kyc_session_manual_review', now(), session, 'REVIEW', 'user', subject, 4, 4
    FROM ids RETURNING id
),
session AS (
    INSERT INTO kyc_session (id, entity_type, user_id, provider_state, state, state_since, first_event_at, last_event_at,
        round, is_disputed, due_at, is_second_review, is_suspect, evidence_id, n_checks, n_refused, version, queued_at)
    SELECT session, 'user', subject, 'REVIEW', 'REVIEW', now(), now(), now(), 1, false, now() + interval '24 hours', false,
        false, delivery.id, 4, 4, 1, now()
    FROM ids, delivery RETURNING id
),
checks AS (
    INSERT INTO kyc_check (session_id, delivery_id, position, type, state, state_sent, data, provider, checked_at)
    SELECT session, delivery.id, n, ('{document-verification,face-matching,liveness,proof-of-address}'::text[])[n + 1],
        'refused', '2', CAST(:data AS text), 'MOCK', now()
    FROM ids, delivery, generate_series(0, 3) AS n RETURNING id
),
reasons AS (
    INSERT INTO kyc_reason (kyc_check_id, position, type, code, message, category)
    SELECT id, 0, 'document', 'KYC.DOC.DETERIORATED', 'Document deteriorated or illegible (stains, tears).', 'DOC' FROM checks
),
codes AS (
    INSERT INTO kyc_reasoncode (code, digest, label, category, guidance, is_disclosable, subject_text, subject_text_es, is_suspicion, first_seen_at)
    SELECT code, CAST(md5(code) AS uuid), '', '', '', false, '', '', false, now()
    FROM unnest(ARRAY['KYC.DOC.ADDRESS_MISMATCH', 'KYC.DOC.DETERIORATED', 'KYC.FACE.SPOOFING', 'LOW_CONFIDENCE']) AS code
    ON CONFLICT DO NOTHING
),
facets AS (
    INSERT INTO kyc_queuefacet (session_id, kind, value, digest, due_at)
    SELECT session, split_part(facet, ' ', 1), split_part(facet, ' ', 2), CAST(md5(facet) AS uuid), now() + interval '24 hours'
    FROM ids, unnest(ARRAY['entity user', 'check document-verification', 'check face-matching', 'check liveness',
        'check proof-of-address', 'reason KYC.DOC.DETERIORATED', 'reason LOW_CONFIDENCE', 'reason KYC.FACE.SPOOFING',
        'reason KYC.DOC.ADDRESS_MISMATCH', 'category DOC', 'category FACE', 'category ']) AS facet
),
head AS (
    INSERT INTO kyc_ledgerhead (chain, seq, hash)
    SELECT 'session:' || session, 1, md5(CAST(session AS text)) || md5(CAST(event AS text)) FROM ids
)
INSERT INTO kyc_ledgerentry (chain, seq, at, action, detail, request_id, address, previous_hash, hash)
SELECT 'session:' || session, 1, now(), 'delivery.applied', CAST(:detail AS text), md5('request'), '127.0.0.1', repeat('0', 64),
    md5(CAST(session AS text)) || md5(CAST(event AS text))
FROM ids;
