"""Let supervisors and admins replay deliveries, and those who see deliveries see alarms and enquiries."""

from __future__ import annotations

from django.db import migrations

SEE = [("inboxalarm", "view_inboxalarm"), ("enquiry", "view_enquiry"), ("eventname", "view_eventname")]
REPLAY = [("delivery", "replay_delivery")]
ROLES = {"supervisor": SEE + REPLAY, "auditor": SEE, "admin": SEE + REPLAY}
# As `post_migrate`, which runs later, would name them.
NAMES = {
    "view_inboxalarm": "Can view inbox alarm",
    "view_enquiry": "Can view enquiry",
    "view_eventname": "Can view event name",
    "replay_delivery": "Can replay deliveries",
}


def grant(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, schema_editor, *each) for each in wanted))


def revoke(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="kyc", codename__in=NAMES).delete()


def _permission(apps, schema_editor, model, codename):
    alias = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    content_type, _ = content_types.get_or_create(app_label="kyc", model=model)
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(content_type=content_type, codename=codename, defaults={"name": NAMES[codename]})
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [("kyc", "0005_inbox"), ("kyc", "0003_roles")]

    operations = [migrations.RunPython(grant, revoke)]
