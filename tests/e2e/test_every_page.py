"""Every address that a person can open: no violation of the content policy, no error, accessible, never too wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import get_resolver, reverse
from playwright.sync_api import Page

from kyc.choices import DeliveryStatus
from kyc.models import Delivery, InboxAlarm, RefusedRequest, User
from notifications.choices import Status
from notifications.desk.filters import VIEWS
from tests.e2e import checks, scene
from tests.factories import CorrectionFactory, NotificationFactory

pytestmark = pytest.mark.looks

# No page of their own: they answer machines, forms and scripts, or send on to a page that is here.
PAGELESS = {
    "webhook",
    "health-live",
    "health-ready",
    "queue-new",
    "queue-peek",
    "queue-rows",
    "queue-claim-next",
    "queue-bulk",
    "notifications-act",
    "queue-view-save",
    "queue-view-delete",
    "theme",
    "language",
    "history-export",
    "queue-portal-export",
    "session-delivery",
    "session-claim",
    "session-release",
    "session-assign",
    "session-ask",
    "session-hand-over",
    "session-keep",
    "session-renew",
    "session-decide",
    "session-settle",
    "session-codes",
    "session-note",
    "decision-confirm",
    "decision-return",
    "decision-undo",
    "deliveries-new",
    "delivery-raw",
    "refused-request-raw",
    None,
}
# The admin's models, in parts that several processes can look at together.
MODELS, N_PARTS = list(admin.site._registry), 4
LONG_SEARCH = "00000000-0000-0000-0000-000000000000"


def desk_pages(known: scene.Scene) -> dict[str, list[str]]:
    """Return the addresses of each named page, in each of its states."""
    sessions = [reverse("session", args=[session_id]) for session_id in vars(known).values()]
    queue, history = reverse("queue"), reverse("history")
    return {
        "queue": [
            queue,
            f"{queue}?sort=refused",
            f"{queue}?q=LOW_CONFIDENCE",
            f"{queue}?q={LONG_SEARCH}",
            f"{queue}?entity=related-party",
            f"{queue}?q=a",
        ],
        "queue-portal": [reverse("queue-portal")],
        "session": [*sessions, reverse("session", args=[LONG_SEARCH])],
        "history": [history, f"{history}?reason=LOW_CONFIDENCE", f"{history}?q={LONG_SEARCH}"],
        "mail": [reverse("mail", args=[known.overdue])],
        "account_change_password": [reverse("account_change_password")],
        "account_logout": [reverse("account_logout")],
    }


def deliveries_pages() -> dict[str, list[str]]:
    """Return the addresses of the deliveries' pages, in each of their states."""
    deliveries, replay = reverse("deliveries"), reverse("deliveries-replay")
    refused = [reverse("refused-request", args=[row.pk]) for row in RefusedRequest.objects.all()]
    states = [*DeliveryStatus.values, "repeats", "api", "refused"]
    first_of = [Delivery.objects.filter(status=status).first() for status in DeliveryStatus.values]
    return {
        "deliveries": [
            deliveries,
            *(f"{deliveries}?status={state}" for state in states),
            f"{deliveries}?cause=invalid&event=kyc_session_failed&from=2020-01-01&secret=00000000",
            f"{deliveries}?q={LONG_SEARCH}",
            f"{deliveries}?q=nothing",
        ],
        "deliveries-health": [reverse("deliveries-health")],
        "deliveries-replay": [
            f"{replay}?all=1&status={status}" for status in ("quarantined", "failed", "refused")
        ],
        "delivery": [reverse("delivery", args=[row.pk]) for row in first_of if row],
        "refused-request": refused,
    }


def notifications_pages() -> dict[str, list[str]]:
    """Return the addresses of the notifications' pages, in each of their states."""
    page = reverse("notifications")
    messages = [NotificationFactory(status=status) for status in Status]
    return {
        "notifications": [
            *(f"{page}?status={view}" for view in VIEWS),
            f"{page}?kind=verified&whom=subjects&from=2020-01-01&status=due",
            f"{page}?q={LONG_SEARCH}",
            f"{page}?q=nothing",
        ],
        "notification": [reverse("notification", args=[row.pk]) for row in messages],
        "notification-preferences": [reverse("notification-preferences")],
    }


def test_every_page_of_the_notifications(open_page: Callable[..., Page], supervisor: User, look: str) -> None:
    scene.build()
    pages = notifications_pages().values()
    visit(open_page(look, person=supervisor), [one for addresses in pages for one in addresses])


def test_every_page_of_the_deliveries(open_page: Callable[..., Page], supervisor: User, look: str) -> None:
    scene.build()
    InboxAlarm.objects.create(kind="refused", detail={"value": "1", "says": "One came.", "advice": "Look."})
    visit(open_page(look, person=supervisor), [one for pages in deliveries_pages().values() for one in pages])


def test_every_page_of_the_desk(open_page: Callable[..., Page], officer: User, look: str) -> None:
    visit(
        open_page(look, person=officer),
        [address for pages in desk_pages(scene.build()).values() for address in pages],
    )


def test_an_empty_desk(open_page: Callable[..., Page], officer: User, look: str) -> None:
    visit(open_page(look, person=officer), [reverse("queue"), reverse("history")])


def test_what_strangers_see(open_page: Callable[..., Page], outsider: User, look: str) -> None:
    visit(
        open_page(look),
        [reverse("account_login"), reverse("session", args=[LONG_SEARCH]), reverse("admin:login")],
    )
    visit(open_page(look, person=outsider), [reverse("queue"), reverse("admin:index"), "/nothing/here/"])


def test_no_page_is_left_out(db: None) -> None:
    named = {pattern.name for pattern in _patterns(get_resolver().url_patterns)}

    pages = set(desk_pages(scene.build())) | set(deliveries_pages()) | set(notifications_pages())
    assert named - PAGELESS == pages | {"account_login"}


def _patterns(patterns: list) -> Iterator:
    for pattern in patterns:
        if getattr(pattern, "app_name", None) == "admin":
            continue
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern.url_patterns)
        else:
            yield pattern


@pytest.mark.parametrize("part", range(N_PARTS))
def test_every_page_of_the_admin(open_page: Callable[..., Page], admin: User, look: str, part: int) -> None:
    scene.build()
    CorrectionFactory(by=admin)
    pages = [page for model in MODELS[part::N_PARTS] for page in admin_pages(model, look)]
    visit(open_page(look, person=admin), pages)


def test_the_admin_s_own_pages(open_page: Callable[..., Page], admin: User, look: str) -> None:
    names = ("index", "password_change", "password_change_done")
    visit(
        open_page(look, person=admin),
        [*(reverse(f"admin:{name}") for name in names), "/admin/kyc/", "/admin/nothing/"],
    )


def admin_pages(model: type[Model], look: str) -> list[str]:
    """Return a model's list, and one row's pages; the dark theme's colours need no more than list and form."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    names = ["change"] if look == "dark" else ["change", "history", "delete"]
    pages = [reverse(f"{name}_{page}", args=[row.pk]) for page in names] if row else []
    return [reverse(f"{name}_changelist"), *([] if look == "dark" else [reverse(f"{name}_add")]), *pages]


def visit(page: Page, addresses: list[str]) -> None:
    """Open each address and gather what is wrong on any, so that one run tells all, and each fault once."""
    wrong: dict[str, list[str]] = {}
    for address in addresses:
        page.goto(address)
        for fault in checks.faults(page):
            wrong.setdefault(fault, []).append(address)
    assert not wrong, "\n\n".join(f"On {', '.join(where)}:\n{fault}" for fault, where in wrong.items())
