"""Let officers decide and check, and supervisors settle; say of each session when its first event was.

Sessions in REVIEW follow the codes that are marked as suspicions already: the worker sees to it.
"""

from __future__ import annotations

from django.db import migrations
from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

WORK = [
    ("session", "decide_session", "Can claim and decide sessions"),
    ("session", "check_session", "Can confirm the decisions of others"),
    ("note", "add_note", "Can add note"),
]
SUPERVISE = [
    (
        "session",
        "supervise_session",
        "Can decide what is escalated or disputed, and reassign sessions",
    )
]
SEE = [("note", "view_note", "Can view note")]
ROLES = {"officer": WORK + SEE, "supervisor": WORK + SUPERVISE + SEE, "auditor": SEE, "admin": SEE}


def grant(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, schema_editor, *each) for each in wanted))


def revoke(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    names = {codename for _, codename, _ in WORK + SUPERVISE + SEE}
    permissions.filter(content_type__app_label="kyc", codename__in=names).delete()


def remember_first_events(apps, schema_editor):
    alias = schema_editor.connection.alias
    applied = apps.get_model("kyc", "Delivery").objects.filter(session=OuterRef("pk"), status="applied")
    first = applied.order_by().values("session").annotate(at=Min("event_at")).values("at")
    apps.get_model("kyc", "Session").objects.using(alias).filter(deliveries__status="applied").update(
        first_event_at=Subquery(first)
    )


def let_sessions_follow(apps, schema_editor):
    codes = apps.get_model("kyc", "ReasonCode").objects.using(schema_editor.connection.alias)
    codes.filter(is_suspicion=True).update(suspicion_changed_at=timezone.now())


def _permission(apps, schema_editor, model, codename, name):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="kyc", model=model)
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(content_type=content_type, codename=codename, defaults={"name": name})
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [("kyc", "0008_review"), ("kyc", "0006_inbox_permissions")]

    operations = [
        migrations.RunPython(grant, revoke),
        migrations.RunPython(remember_first_events, migrations.RunPython.noop),
        migrations.RunPython(let_sessions_follow, migrations.RunPython.noop),
    ]
