"""A desk with one of everything, and what the admin's tests ask of its pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from kyc import sealing
from kyc.models import Check, LedgerEntry, Reason, Session, User
from kyc.review import Change, correct
from tests import factories, wire
from tests.kyc.scene import in_review

PAGES = [
    "kyc.check", "kyc.contact", "kyc.correction", "kyc.decision", "kyc.delivery", "kyc.ledgerentry", "kyc.ledgerhead",
    "kyc.reason", "kyc.reasoncode", "kyc.refusedrequest", "kyc.session", "kyc.user", "auth.group",
    "kyc.enquiry", "kyc.eventname", "kyc.inboxalarm", "kyc.note", "kyc.seal", "kyc.sealedhead",
]  # fmt: skip
READ_ONLY = [
    "kyc.correction", "kyc.decision", "kyc.delivery", "kyc.ledgerentry", "kyc.ledgerhead", "kyc.refusedrequest", "auth.group",
    "kyc.enquiry", "kyc.eventname", "kyc.inboxalarm", "kyc.note", "kyc.seal", "kyc.sealedhead",
]  # fmt: skip


NEWEST = {"kyc.session": "-n_checks", "kyc.ledgerhead": "-chain"}


@pytest.fixture
def session(db: None) -> Session:
    return in_review()


@pytest.fixture
def check(session: Session) -> Check:
    return session.checks.get()


@pytest.fixture
def reason(check: Check) -> Reason:
    return check.reasons.get()


@pytest.fixture
def one_of_each(session: Session, reason: Reason, admin: User) -> None:
    wire.post(b"not json")
    wire.post(wire.payload("related_party.kyc_session_created", at=session.last_event_at))
    factories.RefusedRequestFactory()
    factories.EnquiryFactory(delivery=session.deliveries.get(), error="No answer.")
    factories.InboxAlarmFactory(detail={"says": "Silence."})
    factories.DecisionFactory(session=session, basis=session.deliveries.get(), maker=admin)
    factories.NoteFactory(session=session, by=admin)
    correct(session, by=admin, changes=[Change(reason, "message", "Glare")], reason="Typo.")
    sealing.seal()


@pytest.fixture
def row_of(one_of_each: None) -> Callable[[str], Model]:
    """`row_of("kyc.delivery")`: the newest row of that kind; of sessions, the one with checks."""

    def newest(label: str) -> Model:
        rows: Any = apps.get_model(label).objects.order_by(NEWEST.get(label, "-pk"))
        return rows[0]

    return newest


def url(row: Model | str, page: str = "change") -> str:
    """Return the address of a row's page, or of a model's list or form to add."""
    if isinstance(row, str):
        return reverse(f"admin:{row.replace('.', '_')}_{page}")
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[quote(row.pk)])


def form_of(client: Client, address: str, **typed: Any) -> dict[str, Any]:
    """Return what a browser would post from a page's form, with these fields typed over."""
    form = client.get(address).context["adminform"].form
    posted: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        widgets = getattr(widget, "widgets", None)
        if widgets:
            parts = widget.decompress(value)
            posted |= {
                f"{bound.html_name}_{n}": "" if part is None else str(part).split(".")[0]
                for n, part in enumerate(parts)
            }
        elif value is True or isinstance(value, list):
            posted[bound.html_name] = (
                [getattr(item, "pk", item) for item in value] if isinstance(value, list) else "on"
            )
        elif value not in (None, False):
            posted[bound.html_name] = str(value)
    return posted | typed


def told(action: str) -> dict[str, Any]:
    """Return what the system's chain says of the one act of that name, and by whom it was."""
    entry = LedgerEntry.objects.get(chain="system", action=action)
    assert entry.actor is not None
    return {**json.loads(entry.detail), "by": entry.actor.username}
