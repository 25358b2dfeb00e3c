"""Make the four roles as groups, each with the permissions that its work needs."""

from __future__ import annotations

from django.db import migrations

OFFICER = [
    "view_session",
    "view_check",
    "view_reason",
    "view_reasoncode",
    "export_session",
]
SUPERVISOR = [
    *OFFICER,
    "view_contact",
    "view_correction",
    "view_decision",
    "view_delivery",
    "view_refusedrequest",
]
AUDITOR = [
    *SUPERVISOR,
    "view_ledgerentry",
    "view_ledgerhead",
    "view_user",
    "auth.view_group",
]
ADMIN = [
    *AUDITOR,
    "correct_session",
    "add_reasoncode",
    "change_reasoncode",
    "add_contact",
    "change_contact",
    "delete_contact",
    "add_user",
    "change_user",
    "delete_user",
]
ROLES = {"officer": OFFICER, "supervisor": SUPERVISOR, "auditor": AUDITOR, "admin": ADMIN}


def make_roles(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    alias = schema_editor.connection.alias
    for role, names in ROLES.items():
        group, _ = Group.objects.using(alias).get_or_create(name=role)
        group.permissions.add(*(_permission(apps, alias, name) for name in names))


def drop_roles(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Group.objects.using(schema_editor.connection.alias).filter(name__in=ROLES).delete()


def _permission(apps, alias, name):
    """Return the permission, made with the name that `post_migrate`, which runs later, would give it."""
    app_label, _, codename = name.rpartition(".")
    action, _, model_name = codename.partition("_")
    model = apps.get_model(app_label or "kyc", model_name)
    content_type, _ = (
        apps.get_model("contenttypes", "ContentType")
        .objects.using(alias)
        .get_or_create(app_label=app_label or "kyc", model=model_name)
    )
    words = dict(model._meta.permissions).get(codename, f"Can {action} {model._meta.verbose_name_raw}")
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(content_type=content_type, codename=codename, defaults={"name": words})
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("kyc", "0002_ledger_triggers"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, drop_roles)]
