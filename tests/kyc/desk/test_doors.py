"""Every address of the desk: who may come through it, by which method, and that nobody leaves anything by looking."""

from __future__ import annotations

from collections.abc import Iterator
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
from tests.security import readme
from tests.security.doors import DESK, NOBODY, SECOND_STEPS, UNMASK

pytestmark = [pytest.mark.django_db, pytest.mark.walk]

ROLES = ("officer", "supervisor", "auditor", "admin", "no role", "visitor")
TABLE = readme.roles() | {NOBODY: frozenset()}
# The folder of mail is there in a demo only.
PATTERNS = [*urls.urlpatterns, *(each for each in messages.urlpatterns if each.name != "mail")]
DOORS = {name: door for name, door in (DESK | SECOND_STEPS).items() if name != "mail"}
# Exact bytes are not for the eyes of who has to say why first; `test_masking` opens them so.
BYTES = ("session-delivery", "delivery-raw", "refused-request-raw")
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
    return None if role == "visitor" else UserFactory(username=role, role="" if role == "no role" else role)


def readers(name: str) -> frozenset[str]:
    """Return the roles that a door opens to before anything is unmasked."""
    return TABLE[DOORS[name].reads] - (TABLE[UNMASK] if name in BYTES else frozenset())


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
            elif role in readers(name):
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
        if role in TABLE[door.posts]:
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
        people = TABLE[door.posts] or readers(name)
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
