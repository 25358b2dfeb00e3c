from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kyc', '0009_review_permissions'),
        ('notifications', '0003_inbox_alarms'),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='Until then the decision that it tells of may be undone.', null=True),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(('not_before__isnull', True), ('next_attempt_at__isnull', True), ('next_attempt_at__gte', models.F('not_before')), _connector='OR'), name='notifications_notification_not_before'),
        ),
    ]
