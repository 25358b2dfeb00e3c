"""Claims, escalations, proposals, notes, saved views, and how sessions with the same codes were decided."""

import datetime
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kyc', '0007_plausible_refusals'),
    ]

    operations = [
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('round', models.PositiveIntegerField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Precedent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.UUIDField()),
                ('outcome', models.TextField(choices=[('approve', 'Approve'), ('reject', 'Reject'), ('wait', 'Wait'), ('resume', 'End the wait'), ('second_review', 'Ask for a second review'), ('escalate', 'Escalate'), ('hand_back', 'Hand back to officers')])),
                ('decided_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('query', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AlterModelOptions(
            name='session',
            options={'permissions': [('export_session', 'Can export sessions'), ('correct_session', 'Can correct sessions'), ('decide_session', 'Can claim and decide sessions'), ('check_session', 'Can confirm the decisions of others'), ('supervise_session', 'Can decide what is escalated or disputed, and reassign sessions')]},
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='kyc_decision_outcome',
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='kyc_decision_status',
        ),
        migrations.AddField(
            model_name='decision',
            name='addressee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='decision',
            name='answer',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='decision',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='n_refused',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='decision',
            name='needs_checker',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='decision',
            name='settles',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='settlements', to='kyc.decision'),
        ),
        migrations.AddField(
            model_name='decision',
            name='undone_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='undone_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='decision',
            name='version',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='reasoncode',
            name='suspicion_changed_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Until the sessions in REVIEW that have the code have followed.', null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='asked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='asked_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='session',
            name='assignee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claimed_sessions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='session',
            name='breached_for',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='claimed_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='escalated_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='first_event_at',
            field=models.DateTimeField(default=datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='session',
            name='is_suspect',
            field=models.BooleanField(default=False, help_text='A code marked as a suspicion came with the present round.'),
        ),
        migrations.AddField(
            model_name='session',
            name='proposed_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Who proposed the decision that waits for another person.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='session',
            name='warned_for',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='decision',
            name='outcome',
            field=models.TextField(choices=[('approve', 'Approve'), ('reject', 'Reject'), ('wait', 'Wait'), ('resume', 'End the wait'), ('second_review', 'Ask for a second review'), ('escalate', 'Escalate'), ('hand_back', 'Hand back to officers')]),
        ),
        migrations.AlterField(
            model_name='decision',
            name='status',
            field=models.TextField(choices=[('proposed', 'Proposed'), ('confirmed', 'Confirmed'), ('returned', 'Returned'), ('undone', 'Undone'), ('lapsed', 'Lapsed')], default='proposed'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('state', 'REVIEW'), ('assignee__isnull', False)), fields=['assignee', 'due_at', 'id'], name='kyc_session_claimed'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('state', 'REVIEW'), models.Q(('escalated_at__isnull', False), ('is_disputed', True), _connector='OR')), fields=['due_at', 'id'], name='kyc_session_for_supervisors'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('state', 'REVIEW'), ('proposed_by__isnull', False)), fields=['due_at', 'id'], name='kyc_session_proposed'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('state', 'REVIEW'), ('snoozed_until__isnull', False)), fields=['due_at', 'id'], name='kyc_session_snoozed'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('decided_by__isnull', False), ('provider_state', 'REVIEW'), models.Q(('state', 'REVIEW'), _negated=True)), fields=['first_event_at', 'id'], name='kyc_session_unentered'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['approve', 'reject', 'wait', 'resume', 'second_review', 'escalate', 'hand_back'])), name='kyc_decision_outcome'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['proposed', 'confirmed', 'returned', 'undone', 'lapsed'])), name='kyc_decision_status'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('needs_checker', True), ('status', 'confirmed'), _negated=True), ('checker__isnull', False), _connector='OR'), name='kyc_decision_confirmed_by_another'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('checked_at__isnull', True), ('checker__isnull', True)), models.Q(('checked_at__isnull', False), ('checker__isnull', False)), _connector='OR'), name='kyc_decision_checked_at'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'proposed'), _negated=True), models.Q(('checker__isnull', True), ('needs_checker', True)), _connector='OR'), name='kyc_decision_proposed_to_another'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'returned'), _negated=True), models.Q(('checker__isnull', False), models.Q(('answer', ''), _negated=True)), _connector='OR'), name='kyc_decision_returned_with_words'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'undone'), ('undone_at__isnull', False), ('undone_by__isnull', False)), models.Q(models.Q(('status', 'undone'), _negated=True), ('undone_at__isnull', True), ('undone_by__isnull', True)), _connector='OR'), name='kyc_decision_undone_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ('approve', 'reject')), models.Q(('needs_checker', False), ('settles__isnull', True), ('status', 'confirmed')), _connector='OR'), name='kyc_decision_only_final_ones_are_proposed'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'reject'), ('codes', []), _connector='OR'), name='kyc_decision_codes_reject'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'reject'), _negated=True), models.Q(('codes', []), _negated=True), _connector='OR'), name='kyc_decision_rejects_with_codes'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'proposed')), fields=('session',), name='kyc_decision_proposed_once'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'REVIEW'), models.Q(('assignee__isnull', True), ('escalated_at__isnull', True), ('is_second_review', False), ('is_suspect', False), ('proposed_by__isnull', True)), _connector='OR'), name='kyc_session_outside_review_has_no_work'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(('is_suspect', False), ('escalated_at__isnull', False), _connector='OR'), name='kyc_session_suspect_is_escalated'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('assignee__isnull', True), ('claimed_until__isnull', True)), models.Q(('assignee__isnull', False), ('claimed_until__isnull', False)), _connector='OR'), name='kyc_session_claim_ends'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('asked_at__isnull', True), ('asked_by__isnull', True)), models.Q(('asked_at__isnull', False), ('asked_by__isnull', False), ('assignee__isnull', False), models.Q(('asked_by', models.F('assignee')), _negated=True)), _connector='OR'), name='kyc_session_asked_of_its_holder'),
        ),
        migrations.AddField(
            model_name='note',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='kyc.session'),
        ),
        migrations.AddField(
            model_name='precedent',
            name='decision',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='precedents', to='kyc.decision'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='note',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='kyc_note_says_something'),
        ),
        migrations.AddIndex(
            model_name='precedent',
            index=models.Index(fields=['digest', 'outcome', 'decided_at'], name='kyc_precedent_code'),
        ),
        migrations.AddConstraint(
            model_name='precedent',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ('approve', 'reject'))), name='kyc_precedent_is_final'),
        ),
        migrations.AddConstraint(
            model_name='precedent',
            constraint=models.UniqueConstraint(fields=('decision', 'digest'), name='kyc_precedent_once'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='kyc_saved_view_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='kyc_saved_view_once'),
        ),
    ]
