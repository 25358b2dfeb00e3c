"""Accepted deliveries per second on PostgreSQL, beside pgbench doing the same writes in one statement per commit.

    uv run python -m tests.bench.ingest [--seconds 10] [--rounds 3] [--clients 8]

Starts a throw-away PostgreSQL with fsync on, granian with the desk, and posts signed deliveries (3 KB, 4 checks, 4
reasons, a session each) over as many connections as pgbench has clients. The two take turns; the medians' ratio is
what one run can tell: all of load, server and database share this machine's cores.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from kyc.ralio.signature import sign
from tests import postgres
from tests.server import SECRET, running_desk

DURABLE = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
)

# The rows that one accepted REVIEW delivery leaves, as one statement.
SAME_WRITES = """
WITH ids AS (SELECT gen_random_uuid() AS session, gen_random_uuid() AS event, gen_random_uuid() AS subject),
delivery AS (
    INSERT INTO kyc_delivery (source, status, cause, faults, error, body, headers, n_bytes, sha256, meaning, received_at,
        n_repeats, n_tries, event_id, event_name, event_at, session_id, session_state, entity_type, user_id, n_checks, n_reasons)
    SELECT 'webhook', 'applied', '', '[]', '', decode(repeat('7b', 3000), 'hex'), '{"Content-Type": "application/json"}', 3000,
        md5(event::text) || md5(session::text), md5(session::text) || md5(event::text), now(), 0, 1, event,
        'kyc_session_manual_review', now(), session, 'REVIEW', 'user', subject, 4, 4 FROM ids RETURNING id
),
session AS (
    INSERT INTO kyc_session (id, entity_type, user_id, provider_state, state, state_since, last_event_at, round, is_disputed,
        due_at, is_second_review, evidence_id, n_checks, n_refused, version, queued_at)
    SELECT session, 'user', subject, 'REVIEW', 'REVIEW', now(), now(), 1, false, now() + interval '24 hours', false, delivery.id,
        4, 4, 1, now() FROM ids, delivery RETURNING id
),
checks AS (
    INSERT INTO kyc_check (session_id, delivery_id, position, type, state, state_sent, data, provider)
    SELECT session, delivery.id, n, 'face-matching', 'refused', '2', repeat('x', 400), 'MOCK'
    FROM ids, delivery, generate_series(0, 3) AS n RETURNING id
),
reasons AS (
    INSERT INTO kyc_reason (kyc_check_id, position, type, code, message, category)
    SELECT id, 0, 'face-match', 'LOW_CONFIDENCE', 'Face matching confidence below threshold', '' FROM checks
),
codes AS (
    INSERT INTO kyc_reasoncode (code, digest, label, category, guidance, is_disclosable, subject_text, is_suspicion, first_seen_at)
    VALUES ('LOW_CONFIDENCE', md5('x')::uuid, '', '', '', false, '', false, now()) ON CONFLICT DO NOTHING
),
facets AS (
    INSERT INTO kyc_queuefacet (session_id, kind, value, digest, due_at)
    SELECT session, kind, kind, md5(kind)::uuid, now() + interval '24 hours'
    FROM ids, unnest(ARRAY['entity', 'check', 'reason', 'category']) AS kind
),
head AS (
    INSERT INTO kyc_ledgerhead (chain, seq, hash) SELECT 'session:' || session, 1, md5(session::text) || md5(event::text) FROM ids
)
INSERT INTO kyc_ledgerentry (chain, seq, at, action, detail, previous_hash, hash)
SELECT 'session:' || session, 1, now(), 'delivery.applied', repeat('x', 250), repeat('0', 64), md5(session::text) || md5(event::text)
FROM ids;
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=10, help="how long each turn takes")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns each has")
    parser.add_argument("--clients", type=int, default=8, help="connections at once, for both")
    options = parser.parse_args()
    postgres.QUICK = DURABLE
    server = postgres.start()
    try:
        production = {"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": "bench" * 10}
        with (
            tempfile.TemporaryDirectory() as folder,
            running_desk(server.url, workers=2, **production) as port,
        ):
            script = Path(folder) / "same_writes.sql"
            script.write_text(SAME_WRITES)
            compare(server.url, port, script, options)
    finally:
        server.stop()


def compare(url: str, port: int, script: Path, options: argparse.Namespace) -> None:
    """Let both take turns, and print each turn and the medians' ratio."""
    desk_rates, limits = [], []
    post_for(2, port, options.clients)
    for turn in range(1, options.rounds + 1):
        limits.append(pgbench(url, script, options))
        desk_rates.append(post_for(options.seconds, port, options.clients))
        print(
            f"turn {turn}: desk {desk_rates[-1]:7.1f}/s   pgbench {limits[-1]:7.1f}/s   ratio {desk_rates[-1] / limits[-1]:.3f}"
        )
    desk_rate, limit = statistics.median(desk_rates), statistics.median(limits)
    print(f"median: desk {desk_rate:7.1f}/s   pgbench {limit:7.1f}/s   ratio {desk_rate / limit:.3f}")


def post_for(seconds: float, port: int, clients: int) -> float:
    """Post new deliveries over `clients` connections and return how many were accepted per second."""
    until = time.perf_counter() + seconds
    accepted: list[int] = []

    def play() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        n_accepted = 0
        while time.perf_counter() < until:
            body = delivery()
            connection.request("POST", "/webhooks/ralio", body, {"X-Signature": sign(SECRET, body)})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise SystemExit(f"The desk answered {response.status}: {answer!r}")
            n_accepted += 1
        accepted.append(n_accepted)

    started = time.perf_counter()
    threads = [threading.Thread(target=play) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(accepted) / (time.perf_counter() - started)


def delivery() -> bytes:
    """Return a REVIEW event of about 3 KB for a new session."""
    reason = {
        "type": "face-match",
        "code": "LOW_CONFIDENCE",
        "message": "Face matching confidence below threshold",
    }
    check = {
        "type": "face-matching",
        "state": 2,
        "data": {"provider": "MOCK", "trace": "x" * 400},
        "reasons": [reason],
    }
    data = {"sessionId": str(uuid4()), "userId": str(uuid4()), "entityType": "user", "checks": [check] * 4}
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {"id": str(uuid4()), "event": "kyc_session_manual_review", "timestamp": now, "data": data}
    ).encode()


def pgbench(url: str, script: Path, options: argparse.Namespace) -> float:
    """Return how many commits of the same writes pgbench makes per second."""
    programs = postgres.find_programs()
    command = [
        f"{programs}/pgbench",
        "-n",
        "-M",
        "prepared",
        "-f",
        str(script),
        "-c",
        str(options.clients),
        "-j",
        "2",
    ]
    done = subprocess.run(
        [*command, "-T", str(options.seconds), url], capture_output=True, text=True, check=False
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"pgbench did not run: {done.stderr}")
    return float(found[1])


if __name__ == "__main__":
    main()
