"""Every address of the desk: who may come through it, by which method, and that nobody leaves anything by looking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session as SignIn
from django.test import Client
from django.urls import reverse

from kyc import sealing
from kyc.desk import urls
from kyc.ledger import person_chain
from kyc.models import Decision, LedgerEntry, LedgerHead, Seal, User
from notifications import urls as messages
from tests.conftest import signed_in
from tests.factories import (
    ContactFactory,
    ErasureFactory,
    LegalHoldFactory,
    NotificationFactory,
    PasskeyFactory,
    RefusedRequestFactory,
    SavedViewFactory,
    UserFactory,
)
from tests.kyc import scene
from tests.kyc.desk.panels import WORDS
from tests.kyc.review.acting import rejected

pytestmark = pytest.mark.django_db

ROLES = ("officer", "supervisor", "auditor", "admin", "nobody", "visitor")
READ = frozenset({"officer", "supervisor", "auditor", "admin"})
WORK = frozenset({"officer", "supervisor"})
SUPERVISE = frozenset({"supervisor"})
INBOX = frozenset({"supervisor", "auditor", "admin"})
MEND = frozenset({"supervisor", "admin"})
# Exact bytes are not for their eyes before they have said why; `test_masking` opens them so.
MASKED = frozenset({"auditor", "admin"})
PRINT = INBOX
AUDIT = frozenset({"auditor", "admin"})
SIGNED_IN = READ | {"nobody"}
EVERYBODY = SIGNED_IN | {"visitor"}
NOBODY: frozenset[str] = frozenset()


# The folder of mail is there in a demo only.
PATTERNS = [*urls.urlpatterns, *(each for each in messages.urlpatterns if each.name != "mail")]


@dataclass(frozen=True)
class Door:
    """Who may read an address and who may post to it; nobody: the method is none of its own."""

    reads: frozenset[str] = NOBODY
    posts: frozenset[str] = NOBODY


ACT = Door(reads=READ, posts=WORK)
DOORS = {
    "": Door(EVERYBODY, EVERYBODY),
    "queue": Door(READ),
    "queue-new": Door(READ),
    "queue-peek": Door(READ),
    "queue-rows": Door(READ),
    "queue-portal": Door(READ),
    "queue-portal-export": Door(READ),
    "queue-claim-next": Door(posts=WORK),
    "queue-bulk": Door(posts=WORK),
    "queue-view-save": Door(posts=READ),
    "queue-view-delete": Door(posts=READ),
    "session": Door(READ),
    "session-record": Door(PRINT),
    "session-record-pdf": Door(PRINT),
    "session-claim": ACT,
    "session-release": ACT,
    "session-assign": Door(READ, SUPERVISE),
    "session-ask": ACT,
    "session-hand-over": ACT,
    "session-keep": ACT,
    "session-renew": Door(READ, READ),
    "session-decide": ACT,
    "session-settle": Door(READ, SUPERVISE),
    "session-codes": Door(WORK),
    "decision-confirm": ACT,
    "decision-return": ACT,
    "decision-undo": ACT,
    "session-note": ACT,
    "session-unmask": Door(MASKED, MASKED),
    "session-delivery": Door(WORK),
    "history": Door(READ),
    "history-export": Door(READ),
    "deliveries": Door(INBOX),
    "deliveries-new": Door(INBOX),
    "deliveries-health": Door(INBOX),
    "deliveries-replay": Door(MEND, MEND),
    "delivery": Door(INBOX),
    "delivery-raw": Door(SUPERVISE),
    "delivery-unmask": Door(MASKED, MASKED),
    "refused-request": Door(INBOX),
    "refused-request-raw": Door(SUPERVISE),
    "refused-request-unmask": Door(MASKED, MASKED),
    "contact-unmask": Door(MASKED, MASKED),
    "ledger": Door(AUDIT),
    "ledger-entry": Door(AUDIT),
    "ledger-verify": Door(posts=AUDIT),
    "ledger-seals": Door(AUDIT),
    "ledger-seal": Door(AUDIT),
    "ledger-seal-verify": Door(posts=AUDIT),
    "ledger-export": Door(AUDIT),
    "ledger-bundle": Door(AUDIT),
    "notifications": Door(READ),
    "notification": Door(READ),
    "notifications-act": Door(posts=MEND),
    "notification-preferences": Door(READ, READ),
    "privacy": Door(INBOX),
    "privacy-subject": Door(INBOX),
    "privacy-subject-hold": Door(posts=MEND),
    "privacy-subject-erase": Door(posts=MEND),
    "privacy-subject-export": Door(posts=MEND),
    "privacy-hold-lift": Door(posts=MEND),
    "privacy-erasure-confirm": Door(posts=MEND),
    "privacy-erasure-refuse": Door(posts=MEND),
    "theme": Door(posts=EVERYBODY),
    "language": Door(posts=EVERYBODY),
    "account_login": Door(EVERYBODY, EVERYBODY),
    "account_logout": Door(EVERYBODY, EVERYBODY),
    "account_change_password": Door(SIGNED_IN, SIGNED_IN),
    "account_sessions": Door(SIGNED_IN),
    "account_sessions_end": Door(posts=SIGNED_IN),
    "account_sessions_end_others": Door(posts=SIGNED_IN),
    "openid_connect_login": Door(posts=EVERYBODY),
    "openid_connect_callback": Door(EVERYBODY),
    "mfa_authenticate": Door(EVERYBODY, EVERYBODY),
    "mfa_login_webauthn": Door(EVERYBODY, EVERYBODY),
    "confirm": Door(SIGNED_IN, SIGNED_IN),
    "confirm-done": Door(SIGNED_IN),
    "mfa_index": Door(SIGNED_IN),
    "mfa_activate_totp": Door(SIGNED_IN, SIGNED_IN),
    "mfa_deactivate_totp": Door(posts=SIGNED_IN),
    "mfa_add_webauthn": Door(SIGNED_IN, SIGNED_IN),
    "mfa_remove_webauthn": Door(posts=SIGNED_IN),
    "mfa_view_recovery_codes": Door(SIGNED_IN),
    "mfa_generate_recovery_codes": Door(SIGNED_IN, SIGNED_IN),
}


OF_SUBJECTS = ("privacy-subject", "privacy-subject-hold", "privacy-subject-erase", "privacy-subject-export")
# Their first byte leaves with an entry of its own, and a HEAD has no bytes.
EXPORTS = ("queue-portal-export", "history-export", "session-record-pdf", "ledger-bundle")


@pytest.fixture
def proposal(settings: Any) -> Decision:
    settings.KYC_FOUR_EYES = "all"
    return rejected(scene.in_review(), UserFactory(username="maker", role="officer"))


def test_every_door_of_the_desk_is_in_the_table() -> None:
    assert {pattern.name or "" for pattern in PATTERNS} == DOORS.keys()


def person(role: str) -> User | None:
    return None if role == "visitor" else UserFactory(username=role, role="" if role == "nobody" else role)


def client_of(by: User | None, **how: Any) -> Client:
    return Client(**how) if by is None else signed_in(by, **how)


def address(name: str, **ids: Any) -> str:
    pattern = next(each for each in PATTERNS if (each.name or "") == name)
    wanted = pattern.pattern.converters
    return reverse(name, kwargs={key: ids[key] for key in wanted}) if name else "/"


def sitting() -> UserSession:
    """Return a sign-in of somebody else."""
    return UserSession.objects.create(user=UserFactory(), ip="192.0.2.1", session_key=uuid4().hex)


def ids(name: str, decision: Decision) -> dict[str, Any]:
    session = decision.session
    rows: dict[str, Any] = {
        "queue-view-delete": lambda: SavedViewFactory().pk,
        "account_sessions_end": lambda: sitting().pk,
        "notification": lambda: NotificationFactory().pk,
        "privacy-hold-lift": lambda: LegalHoldFactory().pk,
        "privacy-erasure-confirm": lambda: ErasureFactory().pk,
        "privacy-erasure-refuse": lambda: ErasureFactory().pk,
        **dict.fromkeys(OF_SUBJECTS, lambda: session.user_id),
        "ledger-entry": lambda: LedgerEntry.objects.latest("pk").pk,
        "mfa_remove_webauthn": lambda: PasskeyFactory().pk,
        "delivery": lambda: session.deliveries.get().pk,
        "delivery-raw": lambda: session.deliveries.get().pk,
        "refused-request": lambda: RefusedRequestFactory().pk,
        "refused-request-raw": lambda: RefusedRequestFactory().pk,
        "delivery-unmask": lambda: session.deliveries.get().pk,
        "refused-request-unmask": lambda: RefusedRequestFactory().pk,
        "contact-unmask": lambda: ContactFactory().pk,
    }
    return {
        "pk": rows[name]() if name in rows else session.pk,
        "entity_type": "user",
        "decision_id": decision.pk,
        "delivery_id": session.deliveries.get().pk,
        "provider_id": "company",
        "number": sealed(name),
    }


def sealed(name: str) -> int:
    """Return the number of a seal, made for the doors that are about one."""
    if not name.startswith("ledger-seal"):
        return 0
    made = Seal.objects.last() or sealing.seal()
    assert made is not None
    return made.number


def addresses(decision: Decision) -> dict[str, str]:
    """Each door's address, of rows that there are."""
    return {name: address(name, **ids(name, decision)) for name in DOORS}


def picture(by: User | None) -> dict[str, list[Any]]:
    """Every row of every table, but for what a reader leaves on their own chain."""
    found = {}
    for model in apps.get_models():
        if model in (SignIn, LedgerHead):
            continue
        rows = model._base_manager.all()
        if model is LedgerEntry and by is not None:
            rows = rows.exclude(chain=person_chain(by))
        found[model._meta.label] = sorted(map(repr, rows.values_list()))
    return found


FORM = {
    "decision": "approve",
    "outcome": "approve",
    "rationale_approve": WORDS,
    "rationale": WORDS,
    "answer": WORDS,
    "text": WORDS,
    "act": "claim",
    "name": "Mine",
    "from": "view=mine",
}


@pytest.mark.parametrize("role", ROLES)
def test_looking_changes_nothing_and_opens_to_the_right_people(role: str, proposal: Decision) -> None:
    by = person(role)
    client, urls_of = client_of(by), addresses(proposal)
    before = picture(by)
    for name, door in DOORS.items():
        for method in ("get", "head"):
            got = getattr(client, method)(urls_of[name], FORM).status_code
            if not door.reads or (name in EXPORTS and method == "head"):
                assert got == 405, (name, method)
            elif role in door.reads:
                assert got in (200, 204, 302), (name, method, got)
            else:
                assert got == (302 if role == "visitor" else 403), (name, method, got)
    assert picture(by) == before


@pytest.mark.parametrize("role", ["supervisor", "visitor"])
def test_other_methods_change_nothing(role: str, proposal: Decision) -> None:
    by = person(role)
    client, urls_of = client_of(by), addresses(proposal)
    before = picture(by)
    for name, url in urls_of.items():
        for method in ("put", "patch", "delete", "options", "trace"):
            got = getattr(client, method)(url, "decision=approve")
            assert got.status_code < 500, (name, method)
    assert picture(by) == before


@pytest.mark.parametrize("role", ROLES)
def test_only_the_right_people_post(role: str, proposal: Decision) -> None:
    by = person(role)
    client, urls_of = client_of(by), addresses(proposal)
    form = {**FORM, "s": str(proposal.session_id), "to": str(proposal.maker_id)}
    before = picture(by)
    for name, door in DOORS.items():
        if role in door.posts:
            continue
        expected = 405 if not door.posts else 302 if role == "visitor" else 403
        assert client.post(urls_of[name], form).status_code == expected, name
    assert picture(by) == before


@pytest.mark.parametrize("role", ["supervisor", "visitor"])
def test_a_post_that_another_site_forged_is_refused(role: str, proposal: Decision) -> None:
    by = person(role)
    client, urls_of = client_of(by, enforce_csrf_checks=True), addresses(proposal)
    before = picture(by)
    for name, url in urls_of.items():
        assert client.post(url, {**FORM, "s": str(proposal.session_id)}).status_code == 403, name
    assert picture(by) == before


UNKNOWN = {
    "entity_type": ["nobody", "unknown"],
    "pk": [uuid4(), 987_654, 10**30],
    "decision_id": [987_654, 10**30],
    "delivery_id": [987_654, 10**30],
    "provider_id": ["another"],
    "number": [987_654, 10**30],
}


def unknown(name: str, known: dict[str, Any]) -> Iterator[str]:
    """Yield the door's address with each of its ids as none that there is."""
    pattern = next(each for each in PATTERNS if (each.name or "") == name)
    for key in pattern.pattern.converters:
        for value in UNKNOWN[key]:
            if isinstance(value, type(known[key])):
                yield address(name, **{**known, key: value})


def test_what_there_is_not_is_not_found(proposal: Decision) -> None:
    by = person("supervisor")
    clients = {"supervisor": client_of(by), "auditor": client_of(person("auditor"))}
    known = {name: ids(name, proposal) for name in DOORS}
    before = picture(by)
    for name, door in DOORS.items():
        people = door.posts or door.reads
        client = clients["supervisor" if "supervisor" in people else "auditor"]
        for url in unknown(name, known[name]):
            method = client.post if door.posts else client.get
            assert method(url, {**FORM, "to": str(proposal.maker_id)}).status_code == 404, url
    assert picture(by) == before


@pytest.mark.parametrize("name", ["decision-confirm", "decision-return", "decision-undo"])
def test_a_decision_is_found_under_its_own_session_alone(name: str, proposal: Decision) -> None:
    other = scene.in_review()
    by = person("supervisor")
    client = client_of(by)
    before = picture(by)
    url = address(name, pk=other.pk, decision_id=proposal.pk)
    assert client.post(url, FORM).status_code == 404
    assert picture(by) == before
