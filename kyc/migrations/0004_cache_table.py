"""Make the table of the database cache, which counts failed sign-ins for all web processes."""

from __future__ import annotations

from django.core.management import call_command
from django.db import migrations


def make_table(apps, schema_editor):
    call_command("createcachetable", "kyc_cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("kyc", "0003_roles")]

    operations = [
        migrations.RunPython(
            make_table, lambda apps, schema_editor: schema_editor.execute("DROP TABLE kyc_cache")
        )
    ]
