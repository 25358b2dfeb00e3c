
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('kyc', '0009_review_permissions'),
    ]

    operations = [
        migrations.AddField(
            model_name='reasoncode',
            name='subject_text_es',
            field=models.TextField(blank=True, default='', help_text='Sent to who reads Spanish. Without them such a person is given no reason.', verbose_name='words for the subject, in Spanish'),
        ),
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.TextField(blank=True, choices=[('en-gb', 'English'), ('es', 'Español')], default=''),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('language', ''), ('language__in', ['en-gb', 'es']), _connector='OR'), name='kyc_user_language'),
        ),
    ]
