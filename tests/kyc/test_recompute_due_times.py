"""After a change of the target or the business hours the sessions in REVIEW get the due times that they say."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kyc import folding, ledger, recomputing
from kyc.models import LedgerEntry, QueueFacet, Session, User
from kyc.rebuilding import rebuild
from kyc.review import Change, Seen, correct, wait
from tests import wire
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
# A Friday.
AT = datetime(2026, 3, 20, 16, tzinfo=UTC)
MONDAY = datetime(2026, 3, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def came(hour: int = 0, name: str = "kyc_session_manual_review") -> UUID:
    session_id = uuid4()
    wire.post(wire.payload(name, session_id=session_id, at=AT + hour * HOUR))
    return session_id


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("recompute_due_times", *arguments, stdout=out)
    return out.getvalue()


def due_at(session_id: UUID) -> datetime | None:
    return Session.objects.get(pk=session_id).due_at


@pytest.fixture
def sessions(settings: Any) -> list[UUID]:
    """Three that came on a Friday afternoon, before business hours were set; and one that is done with."""
    found = [came(hour) for hour in range(3)]
    came(3, "kyc_session_failed")
    settings.KYC_BUSINESS_HOURS, settings.KYC_REVIEW_SLA = "Mon-Fri 09:00-17:30", 2 * HOUR
    return found


def test_a_dry_run_says_what_would_change(sessions: list[UUID]) -> None:
    assert run() == (
        "3 of 3 sessions in REVIEW would be due at another time.\n"
        "Due before: from 2026-03-21 16:00 to 2026-03-21 18:00 UTC.\n"
        "Due after: from 2026-03-23 09:30 to 2026-03-23 11:00 UTC.\n"
        "Dry run, nothing was written: run it with --apply.\n"
    )
    assert due_at(sessions[0]) == AT + 24 * HOUR
    assert not LedgerEntry.objects.filter(action__contains="recomputed").exists()


def test_it_is_done_once_recorded_and_as_a_rebuild_says(sessions: list[UUID]) -> None:
    version = Session.objects.get(pk=sessions[0]).version
    assert run("--apply").startswith("3 of 3 sessions in REVIEW are now due at another time.\n")

    assert [due_at(each) for each in sessions] == [MONDAY + HOUR / 2, MONDAY + 1.5 * HOUR, MONDAY + 2 * HOUR]
    assert Session.objects.get(pk=sessions[0]).version == version + 1
    assert {due_at(row.session_id) == row.due_at for row in QueueFacet.objects.all()} == {True}
    entry = LedgerEntry.objects.get(chain=ledger.session_chain(sessions[0]), action="session.due_recomputed")
    said = json.loads(entry.detail)
    assert (said["before"], said["after"]) == ((AT + 24 * HOUR).isoformat(), (MONDAY + HOUR / 2).isoformat())
    told = json.loads(LedgerEntry.objects.get(chain="system", action="due_times.recomputed").detail)
    assert (told["n_sessions"], told["business_hours"], told["target_hours"]) == (3, "Mon-Fri 09:00-17:30", 2)

    nothing = "All 3 sessions in REVIEW are due as the settings say. Nothing to do.\n"
    assert run("--apply") == run() == nothing
    assert [rebuild(each) for each in Session.objects.values_list("pk", flat=True)] == [[]] * 4
    assert list(ledger.verify()) == []


def test_pauses_count_and_what_a_person_corrected_stays(
    sessions: list[UUID], officer: User, admin: User
) -> None:
    first, second, third = (Session.objects.get(pk=each) for each in sessions)
    until = datetime.now(UTC) + timedelta(days=9)
    seen = Seen(first.version, folding.basis(first))
    wait(first.pk, by=officer, seen=seen, until=until, rationale="A document is on its way.")
    # By today's settings already: the decision folded it.
    corrected = MONDAY + 100 * HOUR
    correct(second, by=admin, changes=[Change(second, "due_at", corrected)], reason="As agreed.")

    assert run("--apply").startswith("1 of 3 sessions")
    assert due_at(second.pk) == corrected
    assert due_at(third.pk) == MONDAY + 2 * HOUR


def test_batches_go_by_key_and_each_session_is_met_once(
    sessions: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "BATCH", 2)
    assert "2 sessions seen, 2 of them move.\n3 of 3" in run("--apply")
    with CaptureQueriesContext(connection) as queries:
        run()
    assert len(queries) == 2 * 4 + 1


def test_what_was_done_before_it_was_stopped_stays_and_is_not_done_again(sessions: list[UUID]) -> None:
    real, done = recomputing.move, []

    def move(session_id: UUID) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(session_id)
        return real(session_id)

    with patch.object(recomputing, "move", move), pytest.raises(KeyboardInterrupt):
        run("--apply")
    told = LedgerEntry.objects.get(chain="system", action="due_times.recomputed")
    assert json.loads(told.detail)["n_sessions"] == 1
    assert run("--apply").startswith("2 of 3 sessions in REVIEW are now")


def test_a_session_that_leaves_the_queue_meanwhile_is_left_alone(sessions: list[UUID]) -> None:
    wire.post(wire.payload("kyc_session_verified", session_id=sessions[0], at=AT + 9 * HOUR))
    assert recomputing.move(sessions[0]) is None
    assert due_at(sessions[0]) is None


def test_whoever_holds_a_session_keeps_it(sessions: list[UUID]) -> None:
    holder = UserFactory(role="officer")
    Session.objects.filter(pk=sessions[0]).update(assignee=holder, claimed_until=AT + 900 * HOUR)
    run("--apply")
    assert Session.objects.get(pk=sessions[0]).assignee == holder
