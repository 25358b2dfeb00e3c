from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0004_time_to_undo'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_once',
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_kind',
        ),
        migrations.AddField(
            model_name='notification',
            name='occasion',
            field=models.TextField(blank=True, default='', help_text='Which of its kind in this round: the due time that is warned of.'),
        ),
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.TextField(choices=[('review_opened', 'Review opened'), ('verification_failed', 'Verification failed'), ('due_soon', 'Due soon'), ('overdue', 'Overdue'), ('inbox_unwell', 'Inbox unwell'), ('inbox_well', 'Inbox well again')]),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['review_opened', 'verification_failed', 'due_soon', 'overdue', 'inbox_unwell', 'inbox_well'])), name='notifications_notification_kind'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('session', 'round', 'kind', 'recipient', 'occasion'), name='notifications_notification_once'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['due_soon', 'overdue']), models.Q(('occasion', ''), _negated=True)), models.Q(models.Q(('kind__in', ['due_soon', 'overdue']), _negated=True), ('occasion', '')), _connector='OR'), name='notifications_notification_due_time_named'),
        ),
    ]
