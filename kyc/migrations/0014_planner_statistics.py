"""Let PostgreSQL know how many sessions in REVIEW go with each kind and value: taken apart they mislead it."""

from __future__ import annotations

from django.db import migrations


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE STATISTICS kyc_queue_facet_values ON kind, digest FROM kyc_queuefacet")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS kyc_queue_facet_values")


class Migration(migrations.Migration):
    dependencies = [("kyc", "0013_proof_permissions")]

    operations = [migrations.RunPython(create, drop)]
