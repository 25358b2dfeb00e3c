"""Say who sees personal data unmasked, who proves and exports, and who keeps and erases a subject's data."""

from __future__ import annotations

from django.db import migrations

PLAIN = [("session", "view_personal_data", "Can see personal data unmasked")]
UNMASK = [("session", "unmask_personal_data", "Can unmask personal data with a reason")]
SEE = [
    ("session", "print_session", "Can take a session's whole record"),
    ("legalhold", "view_legalhold", "Can view legal hold"),
    ("erasure", "view_erasure", "Can view erasure"),
]
PROVE = [
    ("ledgerentry", "export_ledgerentry", "Can export the ledger"),
    ("seal", "view_seal", "Can view seal"),
    ("sealedhead", "view_sealedhead", "Can view sealed head"),
]
KEEP = [
    ("session", "export_subject", "Can export a subject's data"),
    ("legalhold", "add_legalhold", "Can add legal hold"),
    ("legalhold", "change_legalhold", "Can change legal hold"),
    ("erasure", "add_erasure", "Can add erasure"),
    ("erasure", "confirm_erasure", "Can confirm the erasures that others request"),
]
ROLES = {
    "officer": PLAIN,
    "supervisor": PLAIN + SEE + KEEP,
    "auditor": UNMASK + SEE + PROVE,
    "admin": UNMASK + SEE + PROVE + KEEP,
}


def grant(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for role, wanted in ROLES.items():
        group, _ = groups.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, schema_editor, *each) for each in wanted))


def revoke(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    names = {codename for _, codename, _ in PLAIN + UNMASK + SEE + PROVE + KEEP}
    permissions.filter(content_type__app_label="kyc", codename__in=names).delete()


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
    dependencies = [("kyc", "0012_proof_triggers"), ("kyc", "0009_review_permissions")]

    operations = [migrations.RunPython(grant, revoke)]
