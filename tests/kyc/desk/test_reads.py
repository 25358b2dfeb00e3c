"""Every address that shows what is personal leaves the reading on the reader's chain, before the answer is sent.

A walk over all that answers GET: an address is in one of the two tables, or the test names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from kyc import ledger
from kyc.models import (
    Check,
    Contact,
    Correction,
    Decision,
    Delivery,
    Enquiry,
    LedgerEntry,
    Note,
    Reason,
    RefusedRequest,
    Session,
    User,
)
from notifications.models import Attempt, Notification
from tests.conftest import signed_in
from tests.factories import (
    AttemptFactory,
    ContactFactory,
    CorrectionFactory,
    DecisionFactory,
    EnquiryFactory,
    NoteFactory,
    NotificationFactory,
    RefusedRequestFactory,
    UserFactory,
)
from tests.kyc.desk.arrivals import arrive, newest_delivery, refused

pytestmark = pytest.mark.django_db

# What the reader's chain says of each.
READS = {
    "session": "session.read",
    "session-record": "session.printed",
    "session-record-pdf": "session.printed",
    "session-delivery": "delivery.read",
    "queue-peek": "session.previewed",
    "delivery": "delivery.read",
    "delivery-raw": "delivery.downloaded",
    "refused-request": "refused_request.read",
    "refused-request-raw": "refused_request.downloaded",
    "notification": "notification.read",
    "history-export": "history.exported",
    "queue-portal-export": "portal.exported",
    "ledger-bundle": "ledger.exported",
}
# Lists, which show ids, codes and the first message of a check; the ledger itself; and pages about nobody.
NO_READS = {
    "queue", "queue-new", "queue-rows", "queue-portal", "history", "deliveries", "deliveries-new", "deliveries-health",
    "deliveries-replay", "notifications", "notification-preferences", "session-codes", "session-renew",
    "ledger", "ledger-entry", "ledger-seals", "ledger-seal", "ledger-export", "health-live", "health-ready", "webhook",
}  # fmt: skip
# Other doors: of acts, of accounts, of the demo's mail folder (`test_mail_folder`), and of privacy, which has its own tests.
ELSEWHERE = ("account", "privacy", "mfa", "openid", "mail", "theme", "language")
# In the admin, the pages of a row that is about somebody or that somebody wrote about them.
ROWS = {Session, Check, Reason, Contact, Delivery, RefusedRequest, Decision, Note, Correction, Enquiry, Notification, Attempt}  # fmt: skip


@pytest.fixture
def administrator(db: None) -> User:
    return UserFactory(username="root", role="admin")


@pytest.fixture
def session() -> Session:
    session = arrive("REVIEW", checks=[refused()])
    ContactFactory(subject_id=session.user_id)
    NoteFactory(session=session)
    CorrectionFactory(session=session)
    DecisionFactory(session=session)
    EnquiryFactory(delivery=newest_delivery(session))
    AttemptFactory(notification=NotificationFactory(session=session))
    RefusedRequestFactory()
    return session


def named() -> Iterator[URLPattern]:
    """Yield the project's addresses, but for the admin's."""

    def walk(patterns: list[Any]) -> Iterator[URLPattern]:
        for pattern in patterns:
            if getattr(pattern, "app_name", None) == "admin":
                continue
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    return walk(get_resolver().url_patterns)


def reading(person: User, client: Client, address: str) -> list[str]:
    """Open an address, and return what that left on the person's chain."""
    cache.clear()
    chain = LedgerEntry.objects.filter(chain=ledger.person_chain(person))
    before = chain.count()
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return list(chain.order_by("seq").values_list("action", flat=True)[before:])


def test_every_address_is_in_a_table() -> None:
    acts = {"confirm", "return", "undo", "claim", "release", "assign", "ask", "hand", "keep", "decide", "settle", "note",
            "next", "bulk", "save", "delete", "act", "verify", "unmask"}  # fmt: skip
    unknown = {
        str(pattern.name)
        for pattern in named()
        if pattern.name
        and pattern.name not in READS.keys() | NO_READS
        and not pattern.name.startswith(ELSEWHERE)
        and not acts & set(pattern.name.split("-"))
    }
    assert unknown == set()


@pytest.mark.parametrize("name", READS)
def test_a_reading_is_recorded(name: str, session: Session, supervisor: User, administrator: User) -> None:
    delivery = newest_delivery(session).pk
    of_name: dict[str, dict[str, Any]] = {
        "delivery": {"pk": delivery},
        "delivery-raw": {"pk": delivery},
        "session-delivery": {"pk": session.pk, "delivery_id": delivery},
        "notification": {"pk": Notification.objects.latest("pk").pk},
        **dict.fromkeys(
            ("refused-request", "refused-request-raw"), {"pk": RefusedRequest.objects.latest("pk").pk}
        ),
        **dict.fromkeys(("history-export", "queue-portal-export", "ledger-bundle"), {}),
    }
    person = administrator if name == "ledger-bundle" else supervisor
    address = reverse(name, kwargs=of_name.get(name, {"pk": session.pk}))
    assert reading(person, signed_in(person), address) == [READS[name]]


@pytest.mark.parametrize("name", ["queue", "history", "deliveries", "notifications"])
def test_a_list_is_no_reading(name: str, session: Session, supervisor: User) -> None:
    assert reading(supervisor, signed_in(supervisor), reverse(name)) == []


@pytest.mark.parametrize(
    "model", sorted(ROWS, key=lambda model: model._meta.label), ids=lambda model: model._meta.model_name
)
def test_the_admin_records_who_opened_a_row(
    model: type[Model], session: Session, administrator: User
) -> None:
    options = model._meta
    address = reverse(
        f"admin:{options.app_label}_{options.model_name}_change",
        args=[model._default_manager.latest("pk").pk],
    )
    assert reading(administrator, signed_in(administrator), address) == [f"{options.model_name}.read"]


def test_the_admin_records_who_listed_contacts(session: Session, administrator: User) -> None:
    address = reverse("admin:kyc_contact_changelist")
    assert reading(administrator, signed_in(administrator), address) == ["contact.listed"]


def test_every_model_of_the_admin_is_thought_of() -> None:
    """What is about nobody: codes, names of events, alarms, seals, the ledger, roles; and people, who are the desk's own."""
    about_nobody = {
        "reasoncode", "eventname", "inboxalarm", "ledgerentry", "ledgerhead", "seal", "sealedhead", "group", "user",
        "legalhold", "erasure",
    }  # fmt: skip
    registered = {str(model._meta.model_name) for model in admin.site._registry}
    assert registered - {str(model._meta.model_name) for model in ROWS} <= about_nobody


def test_a_refused_reading_is_none(session: Session, outsider: User) -> None:
    before = LedgerEntry.objects.filter(action="session.read").count()
    assert signed_in(outsider).get(f"/sessions/{session.pk}/").status_code == 403
    assert LedgerEntry.objects.filter(action="session.read").count() == before
