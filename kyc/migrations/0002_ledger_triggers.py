"""Refuse UPDATE, DELETE and TRUNCATE of ledger entries in the database itself.

SQLite drops a table's triggers when a later migration remakes the table: such a migration must end with these again.
"""

from __future__ import annotations

from django.db import migrations

SQLITE = [
    f"""
    CREATE TRIGGER kyc_ledgerentry_no_{act} BEFORE {act.upper()} ON kyc_ledgerentry
    BEGIN SELECT RAISE(ABORT, 'Ledger entries are append-only.'); END
    """
    for act in ("update", "delete")
]
SQLITE_BACK = [f"DROP TRIGGER kyc_ledgerentry_no_{act}" for act in ("update", "delete")]
POSTGRESQL = [
    """
    CREATE FUNCTION kyc_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'Ledger entries are append-only.'; END $$
    """,
    """
    CREATE TRIGGER kyc_ledgerentry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON kyc_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION kyc_ledger_is_append_only()
    """,
]
POSTGRESQL_BACK = [
    "DROP TRIGGER kyc_ledgerentry_append_only ON kyc_ledgerentry",
    "DROP FUNCTION kyc_ledger_is_append_only()",
]


def _run(sqlite, postgresql):
    def operation(apps, schema_editor):
        statements = sqlite if schema_editor.connection.vendor == "sqlite" else postgresql
        for statement in statements:
            schema_editor.execute(statement)

    return operation


class Migration(migrations.Migration):
    dependencies = [("kyc", "0001_initial")]

    operations = [
        migrations.RunPython(_run(SQLITE, POSTGRESQL), _run(SQLITE_BACK, POSTGRESQL_BACK)),
    ]
