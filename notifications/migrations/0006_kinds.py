
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kyc', '0010_languages'),
        ('notifications', '0005_due_times'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField(choices=[('review_opened', 'Review opened'), ('due_soon', 'Due soon'), ('overdue', 'Overdue'), ('escalated', 'Escalated'), ('second_review', 'Second review asked'), ('disputed', 'Disputed'), ('daily_digest', 'Daily digest'), ('inbox_unwell', 'Inbox unwell'), ('inbox_well', 'Inbox well again')])),
                ('choice', models.TextField(choices=[('at_once', 'At once'), ('digest', 'In the daily digest'), ('off', 'Not at all')])),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_alarm_once',
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_about_one_thing',
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_kind',
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_once',
        ),
        migrations.RemoveConstraint(
            model_name='notification',
            name='notifications_notification_due_time_named',
        ),
        migrations.RemoveIndex(
            model_name='notification',
            name='notifications_due',
        ),
        migrations.RemoveIndex(
            model_name='notification',
            name='notifications_needy',
        ),
        migrations.AddField(
            model_name='notification',
            name='channel',
            field=models.TextField(default='email', help_text='The name of the channel that it leaves by.'),
        ),
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.TextField(choices=[('review_opened', 'Review opened'), ('due_soon', 'Due soon'), ('overdue', 'Overdue'), ('escalated', 'Escalated'), ('second_review', 'Second review asked'), ('disputed', 'Disputed'), ('daily_digest', 'Daily digest'), ('inbox_unwell', 'Inbox unwell'), ('inbox_well', 'Inbox well again'), ('verification_failed', 'Verification failed'), ('verified', 'Verified'), ('expired', 'Expired'), ('session_created', "Related party's session created")]),
        ),
        migrations.AlterField(
            model_name='notification',
            name='occasion',
            field=models.TextField(blank=True, default='', help_text='Which of its kind in this round: the due time, the decision, the delivery or the day that it is about.'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('status__in', ['pending', 'waiting'])), fields=['channel', 'next_attempt_at'], name='notifications_due'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['status', '-created_at', '-id'], name='notifications_by_status'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['kind', '-created_at', '-id'], name='notifications_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['review_opened', 'due_soon', 'overdue', 'escalated', 'second_review', 'disputed', 'daily_digest', 'inbox_unwell', 'inbox_well', 'verification_failed', 'verified', 'expired', 'session_created'])), name='notifications_notification_kind'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('session', 'round', 'kind', 'recipient', 'occasion', 'channel'), name='notifications_notification_once'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(condition=models.Q(('alarm__isnull', False)), fields=('alarm', 'kind', 'recipient', 'channel'), name='notifications_notification_alarm_once'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['daily_digest'])), fields=('kind', 'occasion', 'recipient', 'channel'), name='notifications_notification_day_once'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['inbox_unwell', 'inbox_well']), ('alarm__isnull', False), ('round__isnull', True), ('session__isnull', True)), models.Q(('kind__in', ['daily_digest']), ('alarm__isnull', True), ('round__isnull', True), ('session__isnull', True)), models.Q(models.Q(('kind__in', ['inbox_unwell', 'inbox_well']), _negated=True), models.Q(('kind__in', ['daily_digest']), _negated=True), ('alarm__isnull', True), ('round__isnull', False), ('session__isnull', False)), _connector='OR'), name='notifications_notification_about_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['daily_digest', 'disputed', 'due_soon', 'escalated', 'overdue', 'second_review', 'session_created']), models.Q(('occasion', ''), _negated=True)), models.Q(models.Q(('kind__in', ['daily_digest', 'disputed', 'due_soon', 'escalated', 'overdue', 'second_review', 'session_created']), _negated=True), ('occasion', '')), _connector='OR'), name='notifications_notification_occasion_named'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(('channel', ''), _negated=True), name='notifications_notification_channel'),
        ),
        migrations.AddField(
            model_name='preference',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notification_preferences', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='preference',
            index=models.Index(fields=['kind', 'choice'], name='notifications_preferred'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['daily_digest', 'disputed', 'due_soon', 'escalated', 'inbox_unwell', 'inbox_well', 'overdue', 'review_opened', 'second_review'])), name='notifications_preference_kind'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.CheckConstraint(condition=models.Q(('choice__in', ['at_once', 'digest', 'off'])), name='notifications_preference_choice'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.UniqueConstraint(fields=('person', 'kind'), name='notifications_preference_once'),
        ),
    ]
