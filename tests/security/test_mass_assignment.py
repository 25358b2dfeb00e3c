"""Every form is sent every column of every table besides its own fields: none is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models, transaction
from django.test import RequestFactory

from kyc import review
from kyc.models import Session, User
from tests.conftest import signed_in
from tests.factories import UserFactory
from tests.kyc.admin.conftest import form_of
from tests.kyc.review.acting import WORDS, seen
from tests.security.addresses import Address, everything, furnish, of_all_roles

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

# Values that nothing has by itself: a person's key among them, so that each relation could lead to them.
VICTIM, LONG_AGO, TEXT = 424_242, "1999-12-31 23:59:59", "Assigned."
# Columns that some form of the desk offers under the same name; there stands what somebody would type.
TYPED: dict[str, Any] = {
    "answer": WORDS,
    "basis": 0,
    "codes": ["LOW_CONFIDENCE"],
    "name": "Mine",
    "outcome": "reject",
    "query": "view=mine",
    "rationale": WORDS,
    "reason": WORDS,
    "text": WORDS,
    "version": 0,
}
# What forms of the desk have beside that, filled in so that as many as can be do what they are for.
BESIDE: dict[str, Any] = {
    **{
        f"rationale_{outcome}": WORDS
        for outcome in ("approve", "reject", "escalate", "second_review", "wait")
    },
    "act": "claim",
    "decision": "approve",
    "from": "view=mine",
    "language": "es",
    "theme": "dark",
    "review_opened": "never",
}
# What the admin's forms offer; whatever is added is to be judged here.
OFFERED = {
    # The identifier is shown where there is an identity provider, and taken nowhere else.
    "kyc.user": {"username", "first_name", "last_name", "email", "is_active", "groups", "password", "identifier"},
    "kyc.session": {"entity_type", "user_id", "related_party_id", "due_at", "correction_reason", "seen"},
    "kyc.check": {"type", "state", "provider", "checked_at", "data", "correction_reason", "seen"},
    "kyc.reason": {"code", "message", "category", "type", "correction_reason", "seen"},
    "kyc.contact": {"entity_type", "subject_id", "name", "email", "language"},
    "kyc.reasoncode": {
        "code", "label", "category", "guidance", "is_disclosable", "subject_text", "subject_text_es", "is_suspicion",
    },
}  # fmt: skip


def columns() -> dict[str, Any]:
    """Return a form with each column of each table, under the names that forms and relations go by."""
    form: dict[str, Any] = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            value: Any = TEXT
            if isinstance(field, models.DateTimeField):
                value = LONG_AGO
                form |= dict(zip((f"{field.name}_0", f"{field.name}_1"), LONG_AGO.split(), strict=True))
            elif isinstance(field, models.BooleanField):
                value = "on"
            elif field.is_relation or isinstance(field, models.IntegerField):
                value = VICTIM
            form |= {field.name: value, field.attname: value}
    people = {"user_permissions": [1, 2], "groups": [1, 2, 3, 4], "by": VICTIM, "as_user": VICTIM}
    return form | people


def assigned() -> list[str]:
    """Return where a value stands that only `columns` has; the victim's own row aside."""
    found = []
    for model in apps.get_models():
        rows = model._base_manager.exclude(pk=VICTIM) if model is User else model._base_manager.all()
        for row in rows.values().iterator():
            found += [f"{model._meta.label}.{name}" for name, value in row.items() if _is_ours(value)]
    return found


def _is_ours(value: object) -> bool:
    return value in (VICTIM, str(VICTIM), TEXT) or str(value).startswith(LONG_AGO[:10])


def accounts() -> list[Any]:
    """What of everybody's account no form of the desk may change."""
    rows = User.objects.order_by("pk").values_list(
        "pk", "username", "password", "is_superuser", "is_staff", "is_active", "groups", "user_permissions"
    )
    return list(rows)


@pytest.fixture
def everyone(db: None) -> User:
    person = of_all_roles()
    UserFactory(pk=VICTIM, username="victim", role="supervisor")
    return person


def test_no_form_of_the_desk_takes_a_column(everyone: User) -> None:
    session = furnish(everyone)
    # A proposal that waits for another person would leave nothing to do.
    proposal = session.decisions.get(status="proposed")
    review.undo(proposal.pk, by=proposal.maker)
    review.release(session.pk, by=proposal.maker)
    before = accounts()
    assert not assigned()
    client, done = signed_in(everyone), set()
    cookies = deepcopy(client.cookies)
    for address, form in _forms(session):
        client.cookies = deepcopy(cookies)
        with transaction.atomic():
            answer = client.post(address.path, columns() | form)
            assert answer.status_code < 500, address
            assert not assigned(), address
            assert accounts() == before, address
            done |= {address.name} if answer.status_code in (302, 303) else set()
            transaction.set_rollback(True)
    # Some were done, or nothing is proved.
    assert done >= {
        "session-claim",
        "session-note",
        "session-decide",
        "queue-view-save",
        "language",
    }


def _forms(session: Session) -> Iterator[tuple[Address, dict[str, Any]]]:
    now = seen(session)
    form = TYPED | BESIDE | {"version": now.version, "basis": now.basis, "s": str(session.pk)}
    for address in everything():
        if not address.is_admin and address.name not in ("account_login", "openid_connect_login"):
            yield address, form


def test_the_admin_offers_these_fields_and_no_others(everyone: User) -> None:
    furnish(everyone)
    request = RequestFactory().get("/admin/")
    request.user = everyone
    request.session = signed_in(everyone).session  # type: ignore[assignment]
    offered = {}
    for model, pages in admin.site._registry.items():
        row = model._default_manager.order_by("pk").first()
        if row is not None and pages.has_change_permission(request, row):
            offered[model._meta.label_lower] = set(pages.get_form(request, row, change=True).base_fields)
    for label, fields in offered.items():
        assert fields <= OFFERED.get(label, set()), label


@pytest.mark.parametrize("page", ["change", "add"])
def test_no_form_of_the_admin_takes_a_column(page: str, everyone: User) -> None:
    furnish(everyone)
    superusers = User.objects.filter(is_superuser=True)
    client = signed_in(everyone)
    cookies = deepcopy(client.cookies)
    for address in everything():
        if not (address.is_admin and address.name.endswith(f"_{page}")):
            continue
        label = address.name.removeprefix("admin:").removesuffix(f"_{page}").replace("_", ".", 1)
        client.cookies = deepcopy(cookies)
        with transaction.atomic():
            shown = client.get(address.path)
            form = (
                form_of(client, address.path)
                if getattr(shown, "context", None) and "adminform" in shown.context
                else {}
            )
            others = {
                name: value for name, value in columns().items() if name not in OFFERED.get(label, set())
            }
            client.post(address.path, others | form | {"correction_reason": WORDS})
            assert not assigned(), address
            assert not superusers.exists(), address
            transaction.set_rollback(True)
