"""Let a transactional test's flush empty a database that refuses it, and put back what migrations had inserted.

The ledger's triggers refuse DELETE and TRUNCATE, also from Django's test cases; the product has no way round them,
so the way round is here. Django's flush would also drop the roles that a migration makes, and then the order of
tests would matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.transaction import atomic

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


def teach(connection: BaseDatabaseWrapper) -> None:
    """Make `flush` on this connection's engine return the database to the rows that it holds now."""
    rows = _snapshot(connection)
    # Django's flush knows tables of models; the cache's has none, and it counts failed sign-ins.
    others = (
        set(connection.introspection.table_names()) - set(_model_tables(connection)) - {"django_migrations"}
    )
    also = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in sorted(others)]
    operations = type(connection.ops)

    def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
        with (
            atomic(using=self.connection.alias),
            self.connection.cursor() as cursor,
            _without_triggers(self.connection, cursor),
        ):
            for sql in [*sql_list, *also]:
                cursor.execute(sql)
            _restore(self.connection, cursor, rows)

    operations.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]


def _model_tables(connection: BaseDatabaseWrapper) -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def _snapshot(connection: BaseDatabaseWrapper) -> Rows:
    rows: Rows = {}
    with connection.cursor() as cursor:
        for table in _model_tables(connection):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found = cursor.fetchall()
            if found:
                rows[table] = [column[0] for column in cursor.description], found
    return rows


def _restore(connection: BaseDatabaseWrapper, cursor: CursorWrapper, rows: Rows) -> None:
    quote = connection.ops.quote_name
    for table, (columns, found) in rows.items():
        names = ", ".join(quote(column) for column in columns)
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {quote(table)} ({names}) VALUES ({places})", found)


@contextmanager
def _without_triggers(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> Iterator[None]:
    switch = _postgresql_switch if connection.vendor == "postgresql" else _sqlite_switch
    off, on = switch(cursor)
    for sql in off:
        cursor.execute(sql)
    yield
    for sql in on:
        cursor.execute(sql)


def _postgresql_switch(cursor: CursorWrapper) -> tuple[list[str], list[str]]:
    # A connection that a test left open would hold its locks, and the flush would wait for ever.
    cursor.execute("SET LOCAL lock_timeout = '60s'")
    cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
    tables = [table for (table,) in cursor.fetchall()]
    off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
    on = ["SET CONSTRAINTS ALL IMMEDIATE", *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables)]
    return off, on


def _sqlite_switch(cursor: CursorWrapper) -> tuple[list[str], list[str]]:
    # SQLite cannot switch a trigger off; dropping and making it is part of the transaction.
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = cursor.fetchall()
    return [f'DROP TRIGGER "{name}"' for name, _ in triggers], [sql for _, sql in triggers]


def disconnect_others(connection: BaseDatabaseWrapper) -> None:
    """End the connections that threads left open: PostgreSQL drops no database that is in use."""
    if connection.vendor == "postgresql":
        # A test may have ended this one too, and the pool would hand it out again.
        connection.close()
        connection.close_pool()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
