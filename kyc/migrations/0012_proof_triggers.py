"""Refuse changes of seals, and the loss of a chain's head, in the database itself.

SQLite drops a table's triggers when a migration remakes the table, as the one before this did with the ledger's entries.
"""

from __future__ import annotations

from django.db import migrations

# Table -> what is refused there. A head moves with its chain.
SQLITE_GUARDED = {
    "kyc_ledgerentry": ("update", "delete"),
    "kyc_seal": ("update", "delete"),
    "kyc_sealedhead": ("update", "delete"),
    "kyc_ledgerhead": ("delete",),
}
SQLITE = [
    statement
    for table, acts in SQLITE_GUARDED.items()
    for act in acts
    for statement in (
        f"DROP TRIGGER IF EXISTS {table}_no_{act}",
        f"""
        CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table}
        BEGIN SELECT RAISE(ABORT, 'The ledger is append-only.'); END
        """,
    )
]
SQLITE_BACK = [
    f"DROP TRIGGER {table}_no_{act}"
    for table, acts in SQLITE_GUARDED.items()
    for act in acts
    if table != "kyc_ledgerentry"
]
POSTGRESQL_GUARDED = {
    "kyc_seal": "UPDATE OR DELETE OR TRUNCATE",
    "kyc_sealedhead": "UPDATE OR DELETE OR TRUNCATE",
    "kyc_ledgerhead": "DELETE OR TRUNCATE",
}
POSTGRESQL = [
    f"""
    CREATE TRIGGER {table}_append_only BEFORE {acts} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION kyc_ledger_is_append_only()
    """
    for table, acts in POSTGRESQL_GUARDED.items()
]
POSTGRESQL_BACK = [f"DROP TRIGGER {table}_append_only ON {table}" for table in POSTGRESQL_GUARDED]


def _run(sqlite, postgresql):
    def operation(apps, schema_editor):
        statements = sqlite if schema_editor.connection.vendor == "sqlite" else postgresql
        for statement in statements:
            schema_editor.execute(statement)

    return operation


class Migration(migrations.Migration):
    dependencies = [("kyc", "0011_proof")]

    operations = [
        migrations.RunPython(_run(SQLITE, POSTGRESQL), _run(SQLITE_BACK, POSTGRESQL_BACK)),
    ]
