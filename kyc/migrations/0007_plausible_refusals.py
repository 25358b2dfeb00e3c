from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kyc", "0006_inbox_permissions")]

    operations = [
        migrations.AddField(
            model_name="refusedrequest",
            name="is_plausible",
            field=models.BooleanField(
                default=False, help_text="It looks like Ralio's, under a secret that we do not know."
            ),
        )
    ]
