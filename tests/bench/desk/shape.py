"""What the bench's sessions are like: the same shares of everything, whatever their number.

A session is row `i` of `bench_session`. The last `n_review` are in REVIEW; the shares of what is done with them come
from the row's number alone, so that a small and a large database differ in nothing but size.
"""

from __future__ import annotations

from dataclasses import dataclass

from kyc.models.digests import text_digest

ME = "officer.bench"
N_OFFICERS = 100
# Held by ME in any database, so that the view of one's own sessions has as many rows.
N_MINE = 60
N_CHECKS = 4
N_REASONS = 4

CHECK_TYPES = (
    "document-verification",
    "face-matching",
    "liveness",
    "proof-of-address",
    "sanctions-screening",
    "manual_review",
)
CATEGORIES = ("DOC", "FACE", "ID", "SCREENING", "OTHER")
# Twice as many as are known of Ralio.
CODES = tuple(f"KYC.{CATEGORIES[k % len(CATEGORIES)]}.REASON_{k:02}" for k in range(20))
MESSAGES = (
    "Document deteriorated or illegible (stains, tears).",
    "Face matching confidence below threshold.",
    "The address differs from the one declared.",
    "The name is similar to one on a list.",
    "The recording may show a screen or a mask.",
    "The check could not be completed.",
)
# A session in REVIEW has each, and one in the history: what is rare must not make a list read its whole table.
RARE_CODES = tuple(f"KYC.RARE.REASON_{k}" for k in range(3))
# One in five sessions has it.
A_CODE = CODES[3]


@dataclass(frozen=True, slots=True)
class Size:
    """How many sessions, and how many of them are in REVIEW: one in twenty, and in a small database enough for every
    view to fill a page."""

    n_sessions: int

    @property
    def n_review(self) -> int:
        return max(self.n_sessions // 20, min(400, self.n_sessions * 2 // 5))

    @property
    def n_subjects(self) -> int:
        """Seven for ten sessions, so that those in REVIEW have one earlier session each."""
        return self.n_sessions * 7 // 40 * 4

    @property
    def database(self) -> str:
        return f"kyc_{self.n_sessions}"


# Digests are the desk's own, which PostgreSQL cannot compute.
WORDS = """
CREATE UNLOGGED TABLE bench_code (k integer PRIMARY KEY, code text, digest uuid, category text, category_digest uuid, message text);
CREATE UNLOGGED TABLE bench_type (k integer PRIMARY KEY, name text, digest uuid);
CREATE UNLOGGED TABLE bench_entity (name text PRIMARY KEY, digest uuid);
""" + "".join(
    [
        *(
            f"INSERT INTO bench_code VALUES ({k}, '{code}', '{text_digest(code)}', '{CATEGORIES[k % len(CATEGORIES)]}',"
            f" '{text_digest(CATEGORIES[k % len(CATEGORIES)])}', '{MESSAGES[k % len(MESSAGES)]}');\n"
            for k, code in enumerate(CODES + RARE_CODES)
        ),
        *(
            f"INSERT INTO bench_type VALUES ({k}, '{name}', '{text_digest(name)}');\n"
            for k, name in enumerate(CHECK_TYPES)
        ),
        *(
            f"INSERT INTO bench_entity VALUES ('{name}', '{text_digest(name)}');\n"
            for name in ("user", "related-party")
        ),
    ]
)

# As in life, sessions are stored in the order in which they came: `k` counts them from the newest one. Those in REVIEW
# came within 30 hours, so that one in five is overdue.
SESSIONS = """
CREATE UNLOGGED TABLE bench_session AS
SELECT *,
    CASE WHEN is_in_review THEN since + interval '24 hours' END AS due_at,
    CASE WHEN holder = 0 THEN %(me)s WHEN holder > 0 THEN officers[holder] END AS assignee,
    CASE WHEN is_in_review AND holder IS NULL AND k %% 6 = 4
        THEN officers[1 + k / 6 %% array_length(officers, 1)] END AS proposed_by,
    is_in_review AND holder IS NULL AND k %% 5 = 2 AS is_escalated,
    is_in_review AND holder IS NULL AND k %% 6 = 5 AS is_snoozed,
    is_in_review AND holder IS NULL AND k %% 20 = 3 AS is_disputed,
    is_in_review AND k %% 25 = 6 AS is_second_review,
    CASE WHEN is_in_review AND holder IS NULL AND k %% 20 = 3 OR NOT is_in_review AND (k %% 20 = 10 OR k %% 10 = 4)
        THEN officers[1 + k / 10 %% array_length(officers, 1)] END AS decided_by
FROM (
    SELECT i, k, md5('session' || i)::uuid AS id, md5('subject' || i %% %(n_subjects)s)::uuid AS subject,
        i %% 4 = 0 AS is_party, k < %(n_review)s AS is_in_review,
        CASE WHEN k < %(n_review)s THEN 'REVIEW' WHEN k %% 10 < 3 THEN 'REJECTED' WHEN k %% 10 < 9 THEN 'VERIFIED'
            ELSE 'EXPIRED' END AS state,
        CASE WHEN k < %(n_review)s THEN now() - interval '30 hours' * k / %(n_review)s
            ELSE now() - interval '2 days' - interval '700 days' * k / %(n_sessions)s END AS since,
        1 + k * 7 %% 3 AS n_refused, %(officers)s::bigint[] AS officers,
        -- ME holds some sixty, for a full page; the others one each, and in a large queue six.
        CASE WHEN k >= %(n_review)s THEN NULL
            WHEN k %% greatest(6, %(n_review)s / %(n_mine)s) = 1 THEN 0
            WHEN k %% greatest(6, %(n_review)s / %(n_mine)s) = 2 THEN 1 + k %% 99
            WHEN %(n_review)s >= 20000 AND k %% (%(n_review)s / 500) = 3 THEN 1 + k %% 99 END AS holder
    FROM (SELECT i, %(n_sessions)s - i AS k FROM generate_series(1, %(n_sessions)s::bigint) AS i) AS numbered
) AS drawn;
ALTER TABLE bench_session ADD PRIMARY KEY (i);
"""

# Four reasons a session, some codes far more often than others, spread over the refused checks.
REASONS = """
CREATE UNLOGGED TABLE bench_reason AS
SELECT s.i, j, j %% s.n_refused AS place, j / s.n_refused AS position, c.*
FROM bench_session s, generate_series(0, %(n_reasons)s - 1) AS j
CROSS JOIN LATERAL (SELECT CASE
    WHEN j = 0 AND s.k < {n_rare} THEN {n_codes} + s.k
    WHEN j = 0 AND s.k IN (SELECT %(n_review)s + 10 * n FROM generate_series(0, {n_rare} - 1) AS n)
        THEN {n_codes} + (s.k - %(n_review)s) / 10
    ELSE floor({n_codes} * power((s.i * 4 + j) * 1597334677 %% 1000003 / 1000003.0, 3)) END AS code_k
) AS drawn
JOIN bench_code c ON c.k = drawn.code_k;
CREATE INDEX ON bench_reason (i);
""".replace("{n_codes}", str(len(CODES))).replace("{n_rare}", str(len(RARE_CODES)))
