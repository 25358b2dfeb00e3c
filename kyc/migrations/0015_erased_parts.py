from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import StrIndex, Substr


class Migration(migrations.Migration):

    dependencies = [
        ('kyc', '0014_planner_statistics'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='checks_erased_at',
            field=models.DateTimeField(blank=True, help_text='When the data and messages of its checks were overwritten.', null=True),
        ),
        migrations.AddField(
            model_name='refusedrequest',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=~Q(action='delivery.applied') & ~Q(request_id=''), fields=['request_id', 'id'], name='kyc_ledger_by_request'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=~Q(action='delivery.applied') & ~Q(address=''), fields=['address', 'id'], name='kyc_ledger_by_address'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(Substr('detail', StrIndex('detail', Value('"session":"')) + Value(11), 36), F('id'), condition=Q(actor__isnull=False), name='kyc_ledger_by_session'),
        ),
    ]
