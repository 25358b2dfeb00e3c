"""Every address that a person can open: no violation of the content policy, no error, accessible, never too wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import get_resolver, reverse
from playwright.sync_api import Page

from kyc import sealing
from kyc.choices import DeliveryStatus
from kyc.models import Delivery, InboxAlarm, LedgerEntry, RefusedRequest, Session, User
from notifications.choices import Status
from notifications.desk.filters import VIEWS
from tests.e2e import checks, scene
from tests.factories import (
    ContactFactory,
    CorrectionFactory,
    ErasureFactory,
    LegalHoldFactory,
    NotificationFactory,
    PasskeyFactory,
    RefusedRequestFactory,
)

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
    "mfa_authenticate",
    "mfa_login_webauthn",
    "mfa_deactivate_totp",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "confirm-done",
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
    "account_sessions_end",
    "account_sessions_end_others",
    "openid_connect_login",
    "openid_connect_callback",
    "ledger-verify",
    "ledger-seal-verify",
    "ledger-bundle",
    "session-record-pdf",
    "privacy-subject-hold",
    "privacy-subject-erase",
    "privacy-subject-export",
    "privacy-hold-lift",
    "privacy-erasure-confirm",
    "privacy-erasure-refuse",
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
        "account_sessions": [reverse("account_sessions")],
        "account_logout": [reverse("account_logout")],
        "confirm": [reverse("confirm")],
        "mfa_index": [reverse("mfa_index")],
        "mfa_activate_totp": [reverse("mfa_activate_totp")],
        "mfa_add_webauthn": [reverse("mfa_add_webauthn")],
        "mfa_generate_recovery_codes": [reverse("mfa_generate_recovery_codes")],
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


def ledger_pages() -> dict[str, list[str]]:
    """Return the addresses of the ledger's pages and of a session's record, in each of their states."""
    page, seals = reverse("ledger"), reverse("ledger-seals")
    chain = LedgerEntry.objects.filter(chain__startswith="session:").latest("pk").chain
    sealing.seal()
    entry = LedgerEntry.objects.latest("pk")
    seal = reverse("ledger-seal", args=[1])
    return {
        "ledger": [
            page,
            f"{page}?q={chain}",
            f"{page}?q=nothing",
            f"{page}?q=203.0.113.7",
            f"{page}?person=1&action=session.read&from=2020-01-01",
        ],
        "ledger-entry": [reverse("ledger-entry", args=[entry.pk])],
        "ledger-seals": [seals],
        "ledger-seal": [seal, f"{seal}?hash=0"],
        "ledger-export": [reverse("ledger-export"), f"{reverse('ledger-export')}?chain={chain}"],
        "session-record": [reverse("session-record", args=[chain.partition(":")[2]])],
    }


def test_every_page_of_the_ledger(open_page: Callable[..., Page], auditor: User) -> None:
    scene.build()
    visit(open_page(person=auditor), [one for pages in ledger_pages().values() for one in pages])


def masked_pages() -> dict[str, list[str]]:
    """Return the addresses of the pages on which personal data is unmasked."""
    rows = {
        "session-unmask": Session.objects.earliest("pk"),
        "delivery-unmask": Delivery.objects.earliest("pk"),
        "refused-request-unmask": RefusedRequestFactory(),
        "contact-unmask": ContactFactory(),
    }
    return {name: [reverse(name, args=[row.pk])] for name, row in rows.items()}


def test_every_page_that_is_masked(open_page: Callable[..., Page], auditor: User) -> None:
    known = scene.build()
    delivery = Delivery.objects.earliest("pk").pk
    masked = [
        reverse("session", args=[known.overdue]),
        reverse("delivery", args=[delivery]),
        reverse("delivery-raw", args=[delivery]),
    ]
    page = open_page(person=auditor)
    visit(page, [*masked, *(one for pages in masked_pages().values() for one in pages)])
    page.goto(masked[1])
    page.get_by_text("Unmask…").click()
    page.get_by_label("Why do you need to see it?").fill("Yearly audit of the inbox.")
    page.get_by_role("button", name="Unmask for 15 minutes").click()
    page.get_by_text("Unmasked for you until").wait_for()
    visit(page, masked[:2])


def privacy_pages() -> dict[str, list[str]]:
    """Return the addresses of the privacy pages, in each of their states."""
    page, erasures, holds = reverse("privacy"), ErasureFactory.create_batch(2), [LegalHoldFactory()]
    subjects = [(row.entity_type, row.subject_id) for row in (*erasures, *holds)]
    named = Session.objects.filter(user_id__isnull=False).first()
    assert named is not None
    return {
        "privacy": [page, f"{page}?q={LONG_SEARCH}", f"{page}?q=nothing"],
        "privacy-subject": [
            reverse("privacy-subject", args=each) for each in (*subjects, ("user", named.user_id))
        ],
    }


def test_every_page_of_privacy(open_page: Callable[..., Page], supervisor: User) -> None:
    scene.build()
    visit(open_page(person=supervisor), [one for pages in privacy_pages().values() for one in pages])


def test_every_page_of_the_notifications(open_page: Callable[..., Page], supervisor: User) -> None:
    scene.build()
    pages = notifications_pages().values()
    visit(open_page(person=supervisor), [one for addresses in pages for one in addresses])


def test_every_page_of_the_deliveries(open_page: Callable[..., Page], supervisor: User) -> None:
    scene.build()
    InboxAlarm.objects.create(kind="refused", detail={"value": "1", "says": "One came.", "advice": "Look."})
    visit(open_page(person=supervisor), [one for pages in deliveries_pages().values() for one in pages])


def test_every_page_of_the_desk(open_page: Callable[..., Page], officer: User) -> None:
    visit(
        open_page(person=officer),
        [address for pages in desk_pages(scene.build()).values() for address in pages],
    )


def test_an_empty_desk(open_page: Callable[..., Page], officer: User) -> None:
    visit(open_page(person=officer), [reverse("queue"), reverse("history")])


def test_what_strangers_see(open_page: Callable[..., Page], outsider: User) -> None:
    visit(
        open_page(),
        [reverse("account_login"), reverse("session", args=[LONG_SEARCH]), reverse("admin:login")],
    )
    visit(open_page(person=outsider), [reverse("queue"), reverse("admin:index"), "/nothing/here/"])


def test_no_page_is_left_out(db: None) -> None:
    named = {pattern.name for pattern in _patterns(get_resolver().url_patterns)}

    pages = set(desk_pages(scene.build())) | set(deliveries_pages()) | set(notifications_pages())
    pages |= set(ledger_pages()) | set(privacy_pages()) | set(masked_pages())
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
def test_every_page_of_the_admin(open_page: Callable[..., Page], admin: User, part: int) -> None:
    scene.build()
    CorrectionFactory(by=admin)
    pages = [page for model in MODELS[part::N_PARTS] for page in admin_pages(model)]
    visit(open_page(person=admin), pages)


def test_the_admin_s_own_pages(open_page: Callable[..., Page], admin: User) -> None:
    names = ("index", "password_change", "password_change_done")
    visit(
        open_page(person=admin),
        [
            *(reverse(f"admin:{name}") for name in names),
            reverse("admin:kyc_user_factors", args=[PasskeyFactory().user.pk]),
            "/admin/kyc/",
            "/admin/nothing/",
        ],
    )


def admin_pages(model: type[Model]) -> list[str]:
    """Return a model's list, its form and one row's pages."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    pages = (
        [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete")] if row else []
    )
    return [reverse(f"{name}_changelist"), reverse(f"{name}_add"), *pages]


def visit(page: Page, addresses: list[str]) -> None:
    """Open each address once, see it in each look, and gather what is wrong on any: one run tells all, each once."""
    wrong: dict[str, list[str]] = {}
    for address in addresses:
        page.goto(address)
        for fault in checks.faults_in_each_look(page):
            wrong.setdefault(fault, []).append(address)
    assert not wrong, "\n\n".join(f"On {', '.join(where)}:\n{fault}" for fault, where in wrong.items())
