"""Rule 4: the projection can be rebuilt from the evidence, with no difference."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from kyc import ledger
from kyc.choices import DecisionStatus, Outcome
from kyc.models import Check, Decision, QueueFacet, Reason, RejectionReason, Session, User
from kyc.rebuilding import rebuild
from tests import wire

pytestmark = pytest.mark.django_db


@pytest.fixture
def session_id() -> UUID:
    event = wire.payload("kyc_session_manual_review")
    wire.post(event)
    return UUID(event["data"]["sessionId"])


def test_what_was_ingested_is_what_a_rebuild_says(session_id: UUID) -> None:
    wire.post(wire.payload("kyc_session_failed", session_id=session_id))
    version = Session.objects.get().version
    out = io.StringIO()
    call_command("rebuild_sessions", stdout=out)

    assert out.getvalue() == "1 sessions recomputed, 0 differed and were mended.\n"
    assert Session.objects.get().version == version


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda: Session.objects.update(provider_state="VERIFIED"), "session provider_state"),
        (lambda: Session.objects.update(n_refused=0), "session n_refused"),
        (lambda: Check.objects.filter(position=0).update(data='{"x":1}'), "check 0 data"),
        (lambda: Reason.objects.update(code="OTHER"), "reason 0 code"),
        (lambda: Reason.objects.all().delete(), "reason 0 message"),
        (lambda: QueueFacet.objects.filter(kind="reason").delete(), "queue facets"),
        (lambda: Session.objects.get().deliveries.update(n_checks=0), "n_checks"),
    ],
)
def test_a_damaged_row_is_named_and_mended(session_id: UUID, damage: object, named: str) -> None:
    damage()  # type: ignore[operator]
    assert any(named in difference for difference in rebuild(session_id, is_dry_run=True))
    assert any(named in difference for difference in rebuild(session_id, is_dry_run=True))
    assert any(named in difference for difference in rebuild(session_id))
    assert rebuild(session_id) == []
    assert list(ledger.verify()) == []


def test_a_damaged_history_is_named_and_mended(session_id: UUID) -> None:
    wire.post(wire.payload("kyc_session_failed", session_id=session_id))
    RejectionReason.objects.update(is_earlier=True)
    assert rebuild(session_id) == ["rejection reasons"]
    assert RejectionReason.objects.get().is_earlier is False


def test_the_command_fails_when_something_differed(session_id: UUID) -> None:
    Session.objects.update(n_refused=0)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 differed and were mended"):
        call_command("rebuild_sessions", stdout=out)
    assert f"{session_id}: session n_refused" in out.getvalue()


def test_the_command_names_a_session_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="do not exist"):
        call_command("rebuild_sessions", str(uuid4()), stdout=io.StringIO())


def test_a_decision_is_part_of_the_evidence(session_id: UUID, officer: User, supervisor: User) -> None:
    session = Session.objects.get()
    decision = Decision.objects.create(
        session=session,
        outcome=Outcome.REJECT,
        codes=["LOW_CONFIDENCE", "OTHER"],
        maker=officer,
        checker=supervisor,
        checked_at=session.state_since,
        basis=session.deliveries.get(),
        round=1,
        status=DecisionStatus.CONFIRMED,
        confirmed_at=session.state_since,
    )
    assert "session state" in rebuild(session_id)

    rejected = Session.objects.get()
    assert (rejected.state, rejected.decided_by) == ("REJECTED", officer)
    messages = list(rejected.rejection_reasons.values_list("code", "message"))
    assert messages == [("LOW_CONFIDENCE", "Face matching confidence below threshold"), ("OTHER", "")]
    assert rebuild(session_id) == []

    wire.post(wire.payload("kyc_session_verified", session_id=session_id, at="2026-09-01T00:00:00Z"))
    disputed = Session.objects.get()
    assert (disputed.state, disputed.is_disputed, disputed.provider_state) == ("REVIEW", True, "VERIFIED")
    assert decision.pk in disputed.decisions.values_list("pk", flat=True)
    assert rebuild(session_id) == []
