"""Who waits for a lock in this process's database: several test processes share one PostgreSQL server."""

from __future__ import annotations

from django.db import connection


def somebody_waits() -> bool:
    """Return True when a transaction in our database waits for another one. PostgreSQL only."""
    with connection.cursor() as cursor:
        # Within a transaction the first look would be shown again, whatever happens meanwhile.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def cut_other_connections() -> None:
    """End every other connection to our database, and forget those that our own pool kept. PostgreSQL only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
