"""What must hold when all is up again. Each question returns what is wrong, in sentences; nothing when all is well."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from kyc.ralio.simulator.journal import entries
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Say
from tests.chaos.stage import TEAM, Stage

DRAIN_WITHIN = 300.0

_REVIEWS = """
WITH review AS (
    SELECT DISTINCT substr(chain, 9)::uuid AS session_id, (detail::jsonb ->> 'round')::int AS round
    FROM kyc_ledgerentry WHERE action = 'delivery.applied' AND detail::jsonb ->> 'state' = 'REVIEW'
), wanted AS (SELECT session_id, round, recipient FROM review, unnest(%s::text[]) AS recipient),
opened AS (SELECT session_id, round, recipient FROM notifications_notification WHERE kind = 'review_opened')
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM opened),
    (SELECT count(*) FROM (TABLE wanted EXCEPT TABLE opened) AS a),
    (SELECT count(*) FROM (TABLE opened EXCEPT TABLE wanted) AS b),
    (SELECT count(*) FROM (
        SELECT FROM notifications_notification
        GROUP BY session_id, alarm_id, round, kind, recipient, occasion HAVING count(*) > 1
    ) AS c)
"""
_OPEN = """
SELECT (SELECT count(*) FROM notifications_notification WHERE status = 'pending'),
    (SELECT count(*) FROM kyc_delivery WHERE status = 'failed')
"""
# Time passes: what a killed worker held is free again, and what met a fault is due.
_LATER = (
    "UPDATE notifications_notification SET leased_until = now() WHERE lease_token IS NOT NULL",
    "UPDATE notifications_notification SET next_attempt_at = now() WHERE status = 'pending'",
    "UPDATE kyc_delivery SET next_try_at = now() WHERE status = 'failed'",
)


def drain(stage: Stage, cluster: Cluster) -> list[str]:
    """End the workers and let one more do all that is left, as if the leases of the dead ones had run out."""
    for worker in stage.workers:
        worker.end()
    deadline = time.monotonic() + DRAIN_WITHIN
    while time.monotonic() < deadline:
        for statement in _LATER:
            cluster.do(statement)
        stage.manage("worker", "--once")
        ((n_pending, n_failed),) = cluster.ask(_OPEN)
        if not n_pending and not n_failed:
            return []
    return [f"The workers do not come to an end: {n_pending} messages and {n_failed} deliveries are left."]


def answers(journal: Path, say: Say) -> list[str]:
    """While PostgreSQL is away the answer is 503, and never another 5xx."""
    met = Counter(status for entry in entries(journal) for status in entry.met)
    if met:
        say("answers on the way: " + ", ".join(f"{n:,} times {status}" for status, n in sorted(met.items())))
    return [f"{n} posts were answered {status}." for status, n in sorted(met.items()) if status != 503]


def deliveries(stage: Stage, journal: Path, say: Say) -> list[str]:
    done = stage.manage("simulate_ralio", "--compare-only", str(journal))
    say(done.stdout.rstrip())
    return [done.stderr.strip()] if done.returncode else []


def notifications(stage: Stage, cluster: Cluster, say: Say) -> list[str]:
    """Each time a session came to REVIEW the team was told: one row for each address, and each sent one arrived."""
    ((n_wanted, n_opened, n_missing, n_surplus, n_twice),) = cluster.ask(_REVIEWS, list(TEAM))
    say(
        f"notifications of reviews: {n_wanted:,} due, {n_opened:,} recorded, {n_missing} missing, {n_twice} twice"
    )
    wrongs = []
    if not n_wanted:
        wrongs.append("No session ever came to REVIEW: nothing was tried.")
    if n_missing or n_surplus or n_twice:
        wrongs.append(
            f"{n_missing} notifications are missing, {n_surplus} have no reason, {n_twice} stand there twice."
        )
    sent = {
        row[0]
        for row in cluster.ask("SELECT message_id FROM notifications_notification WHERE status = 'sent'")
    }
    say(f"messages: {len(sent):,} recorded as sent; {stage.mailbox.n_messages:,} arrived")
    if lost := sent - stage.mailbox.ids:
        wrongs.append(f"{len(lost)} messages are recorded as sent, and never arrived.")
    return wrongs


def projection(stage: Stage, cluster: Cluster, say: Say, *, most: int) -> list[str]:
    """Rebuild sessions without writing: those with the most deliveries first, all of them unless `most` says less."""
    busiest = (
        "SELECT session_id FROM kyc_delivery WHERE status = 'applied' GROUP BY session_id"
        " ORDER BY count(*) DESC, random() LIMIT %s"
    )
    chosen = [str(row[0]) for row in cluster.ask(busiest, most)] if most else []
    done = stage.manage("rebuild_sessions", "--dry-run", *chosen)
    say((done.stdout or done.stderr).strip().splitlines()[-1])
    if not done.returncode:
        return []
    return [f"The sessions are not what their events say: {done.stderr.strip()}\n{done.stdout[:2000]}"]


def record(stage: Stage, say: Say) -> list[str]:
    done = stage.manage("verify_ledger")
    say((done.stdout or done.stderr).strip().splitlines()[-1])
    if not done.returncode:
        return []
    return [f"The ledger does not hold: {done.stderr.strip()}\n{done.stdout[:2000]}"]
