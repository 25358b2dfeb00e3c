"""Let the roles see notifications, and supervisors and admins release and retry them."""

from __future__ import annotations

from django.db import migrations

SEE = [("notification", "view_notification"), ("attempt", "view_attempt")]
ACT = [("notification", "release_notification")]
ROLES = {"officer": SEE, "supervisor": SEE + ACT, "auditor": SEE, "admin": SEE + ACT}
# As `post_migrate`, which runs later, would name them.
NAMES = {
    "view_notification": "Can view notification",
    "view_attempt": "Can view attempt",
    "release_notification": "Can release and retry notifications",
}


def grant(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, schema_editor, *each) for each in wanted))


def revoke(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="notifications", codename__in=NAMES).delete()


def _permission(apps, schema_editor, model, codename):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="notifications", model=model)
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(content_type=content_type, codename=codename, defaults={"name": NAMES[codename]})
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial"), ("kyc", "0003_roles")]

    operations = [migrations.RunPython(grant, revoke)]
