"""A code becomes a suspicion, or is none any more: the sessions in REVIEW that have it go to supervisors, or back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from kyc import ledger
from kyc.models import LedgerEntry, Reason, ReasonCode, Session, User
from kyc.querysets import FOR_SUPERVISORS
from kyc.rebuilding import rebuild
from kyc.review import Change, correct
from kyc.suspicions import Following
from tests import wire
from tests.factories import ReasonCodeFactory
from tests.kyc.admin.conftest import form_of, url

pytestmark = pytest.mark.django_db
FRAUD = "FRAUD"

Capture = Callable[..., AbstractContextManager[Any]]


def came(
    *codes: str, session_id: UUID | None = None, name: str = "kyc_session_manual_review", at: str = ""
) -> UUID:
    """Let an event with a check of these codes come, and return its session's id."""
    session_id = session_id or uuid4()
    check = {
        "type": "face",
        "state": 2,
        "data": {},
        "reasons": [{"code": code, "message": ""} for code in codes],
    }
    event = wire.payload(name, session_id=session_id, at=at or "2026-03-17T12:00:00Z", checks=[check])
    assert wire.post(event).status_code == 200
    return session_id


@pytest.fixture
def mark(admin_client: Client, django_capture_on_commit_callbacks: Capture) -> Callable[..., None]:
    """Mark a code as a suspicion in the admin, or unmark it."""

    def mark(code: str, *, is_suspicion: bool = True) -> None:
        page = url(ReasonCode.objects.get(code=code))
        posted = form_of(admin_client, page)
        posted.pop("is_suspicion", None)
        with django_capture_on_commit_callbacks(execute=True):
            answer = admin_client.post(page, posted | ({"is_suspicion": "on"} if is_suspicion else {}))
        assert answer.status_code == 302

    return mark


def suspects() -> set[UUID]:
    """Return the suspect sessions, which are for supervisors, one and all."""
    found = set(Session.objects.filter(is_suspect=True).values_list("pk", flat=True))
    assert found == set(Session.objects.filter(FOR_SUPERVISORS).values_list("pk", flat=True))
    return found


def followed() -> list[str]:
    return sorted(
        LedgerEntry.objects.filter(action="session.suspicion_followed").values_list("chain", flat=True)
    )


def test_sessions_go_to_supervisors_at_once_and_come_back(mark: Any) -> None:
    one, other = came(FRAUD), came("GLARE", FRAUD)
    came("GLARE")
    came(FRAUD, name="kyc_session_failed")
    version = Session.objects.get(pk=one).version
    assert suspects() == set()

    mark(FRAUD)
    assert suspects() == {one, other}
    marked = Session.objects.get(pk=one)
    assert (marked.escalated_at, marked.version) == (marked.state_since, version + 1)
    assert followed() == sorted(map(ledger.session_chain, (one, other)))

    mark(FRAUD, is_suspicion=False)
    assert suspects() == set()
    assert Session.objects.get(pk=one).escalated_at is None
    assert list(ledger.verify()) == []
    assert [rebuild(pk) for pk in Session.objects.values_list("pk", flat=True)] == [[]] * 4


def test_what_comes_later_is_suspect_from_the_start(mark: Any) -> None:
    ReasonCodeFactory(code=FRAUD)
    mark(FRAUD)
    first, known = came(FRAUD), came("GLARE")
    assert suspects() == {first}

    came(FRAUD, session_id=known, at="2026-03-17T13:00:00Z")
    assert suspects() == {first, known}
    assert Session.objects.get(pk=first).version == 1
    came("GLARE", session_id=first, name="kyc_session_verified", at="2026-03-17T14:00:00Z")
    assert suspects() == {known}


def test_a_corrected_code_counts_as_it_is_now(mark: Any, admin: User) -> None:
    ReasonCodeFactory(code=FRAUD)
    mark(FRAUD)
    session_id = came("GLARE")

    def say(code: str) -> None:
        session = Session.objects.get(pk=session_id)
        correct(
            session,
            by=admin,
            changes=[Change(Reason.objects.get(), "code", code)],
            reason="As the provider says.",
        )

    say(FRAUD)
    assert suspects() == {session_id}
    mark(FRAUD, is_suspicion=False)
    assert suspects() == set()
    mark(FRAUD)
    assert suspects() == {session_id}
    say("GLARE")
    assert suspects() == set()
    mark("GLARE")
    assert suspects() == {session_id}


def test_a_session_with_another_suspicion_stays_with_supervisors(mark: Any) -> None:
    session_id = came(FRAUD, "FORGED")
    mark(FRAUD)
    mark("FORGED")
    mark(FRAUD, is_suspicion=False)
    assert suspects() == {session_id}
    mark("FORGED", is_suspicion=False)
    assert suspects() == set()


def test_a_code_of_earlier_checks_counts_within_its_round(mark: Any) -> None:
    """The most urgent ones are found by their newest checks; these are found by the worker."""
    same_round, other_round = came(FRAUD), came(FRAUD)
    came("GLARE", session_id=same_round, at="2026-03-17T13:00:00Z")
    came("GLARE", session_id=other_round, at="2026-03-17T13:00:00Z", name="kyc_session_failed")
    came("GLARE", session_id=other_round, at="2026-03-17T14:00:00Z")
    mark(FRAUD)
    assert suspects() == set()

    following = Following()
    assert [following.portion() for _ in range(3)] == [2, 0, 1]
    assert suspects() == {same_round}
    assert followed() == [ledger.session_chain(same_round)]


def test_another_edit_of_the_code_starts_nothing(admin_client: Client, mark: Any) -> None:
    came(FRAUD)
    mark(FRAUD)
    since = ReasonCode.objects.get().suspicion_changed_at
    assert since is not None
    page = url(ReasonCode.objects.get())
    assert admin_client.post(page, form_of(admin_client, page, label="Fraud")).status_code == 302
    assert ReasonCode.objects.get().suspicion_changed_at == since
    assert len(followed()) == 1
