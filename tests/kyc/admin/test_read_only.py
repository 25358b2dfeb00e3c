"""What is to be read only is so for a POST too, whoever sends it and whatever the form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client

from kyc.models import User
from tests.kyc.admin.conftest import PAGES, READ_ONLY, url

NEVER_ADDED_OR_DELETED = [*READ_ONLY, "kyc.session", "kyc.check", "kyc.reason"]
CORRECTABLE = ["kyc.session", "kyc.check", "kyc.reason"]


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the admin's models, but for the ledger, which a page may lengthen."""
    labels = [label for label in PAGES if not label.startswith("kyc.ledger")]
    return {label: list(apps.get_model(label).objects.order_by("pk").values_list()) for label in labels}


def attacks(row: Model, label: str) -> list[tuple[str, dict[str, object]]]:
    values = {field.name: "REJECTED" for field in row._meta.concrete_fields}
    return [
        (url(label, "add"), values),
        (url(row), values),
        (url(row), values | {"_saveasnew": "1"}),
        (url(row) + "?_popup=1", values | {"_popup": "1"}),
        (url(row, "delete"), {"post": "yes"}),
        (url(label, "changelist"), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}),
        (url(label, "changelist"), {"action": "delete_selected", "select_across": "1", "index": "0", "_selected_action": [str(row.pk)]}),
        (url(label, "changelist"), {"_save": "1", "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(row.pk), **{f"form-0-{name}": value for name, value in values.items()}}),
    ]  # fmt: skip


@pytest.mark.parametrize("label", NEVER_ADDED_OR_DELETED)
def test_not_even_a_superuser_adds_changes_or_deletes(
    admin_client: Client, admin: User, row_of: Callable[[str], Model], label: str
) -> None:
    row = row_of(label)
    User.objects.update(is_superuser=True)
    before = everything()
    for address, posted in attacks(row, label):
        answer = admin_client.post(address, posted)
        assert answer.status_code in (200, 302, 403), address

    assert everything() == before


@pytest.mark.parametrize("label", PAGES)
def test_auditors_and_supervisors_change_nothing(
    auditor_client: Client, supervisor_client: Client, row_of: Callable[[str], Model], label: str
) -> None:
    row = row_of(label)
    before = everything()
    for client in (auditor_client, supervisor_client):
        for address, posted in attacks(row, label):
            client.post(address, posted)

    assert everything() == before


@pytest.mark.parametrize("label", NEVER_ADDED_OR_DELETED)
def test_the_forms_to_add_and_delete_are_not_there(
    admin_client: Client, row_of: Callable[[str], Model], label: str
) -> None:
    assert admin_client.get(url(label, "add")).status_code == 403
    assert admin_client.get(url(row_of(label), "delete")).status_code == 403


@pytest.mark.parametrize("label", CORRECTABLE)
def test_who_may_not_correct_sees_no_form(
    auditor_client: Client, row_of: Callable[[str], Model], label: str
) -> None:
    page = auditor_client.get(url(row_of(label)))

    assert page.status_code == 200
    assert "correction_reason" not in page.content.decode()
    assert 'name="_save"' not in page.content.decode()


@pytest.mark.parametrize("label", PAGES)
def test_an_auditor_reads_what_there_is(
    auditor_client: Client, row_of: Callable[[str], Model], label: str
) -> None:
    assert auditor_client.get(url(label, "changelist")).status_code == 200
    assert auditor_client.get(url(row_of(label))).status_code == 200


def test_a_supervisor_reads_neither_ledger_nor_people(
    supervisor_client: Client, row_of: Callable[[str], Model]
) -> None:
    for label in (
        "kyc.ledgerentry",
        "kyc.ledgerhead",
        "kyc.seal",
        "kyc.sealedhead",
        "kyc.user",
        "auth.group",
    ):
        assert supervisor_client.get(url(label, "changelist")).status_code == 403
        assert supervisor_client.get(url(row_of(label))).status_code == 403
