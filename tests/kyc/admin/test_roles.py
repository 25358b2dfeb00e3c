"""The four roles come from a migration, each with what its work needs."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

INDEX = "/admin/"


def test_the_index_shows_a_role_what_it_may_see(admin_client: Client, supervisor_client: Client) -> None:
    everything = admin_client.get(INDEX).content.decode()
    less = supervisor_client.get(INDEX).content.decode()

    for name in ("session", "delivery", "contact", "user", "ledgerentry"):
        assert f"/admin/kyc/{name}/" in everything
    assert "/admin/kyc/delivery/" in less
    assert "/admin/kyc/ledgerentry/" not in less
    assert "/admin/kyc/user/" not in less


def test_post_migrate_adds_no_second_permission(db: None) -> None:
    pairs = list(Permission.objects.values_list("content_type", "codename"))
    names = dict(Permission.objects.filter(content_type__app_label="kyc").values_list("codename", "name"))

    assert len(pairs) == len(set(pairs))
    assert (names["view_refusedrequest"], names["export_session"]) == (
        "Can view refused request",
        "Can export sessions",
    )


def test_each_role_has_what_its_work_needs(db: None) -> None:
    may = {
        group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()
    }

    assert set(may) == {"officer", "supervisor", "auditor", "admin"}
    assert may["officer"] < may["supervisor"]
    assert {name for name in may["auditor"] if not name.startswith("view_")} == {
        "export_ledgerentry",
        "export_session",
        "print_session",
        "unmask_personal_data",
    }
    assert {role for role in may if "view_personal_data" in may[role]} == {"officer", "supervisor"}
    assert {role for role in may if "correct_session" in may[role]} == {"admin"}
    assert not {name for names in may.values() for name in names if "group" in name} - {"view_group"}


def test_the_roles_can_be_unmade_and_made_again(transactional_db: None) -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate([("notifications", "0001_initial"), ("kyc", "0002_ledger_triggers")])
    try:
        assert not Group.objects.exists()
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(latest)
    assert Group.objects.count() == 4
