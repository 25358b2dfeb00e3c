"""An admin's correction is the fold's last layer: said why, recorded, undone by no later event and by no rebuild."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from kyc import ledger, review
from kyc.choices import CheckState, CorrectionTarget, EntityType, SessionState
from kyc.models import Check, Correction, LedgerEntry, QueueFacet, Reason, ReasonCode, Session, User
from kyc.rebuilding import rebuild
from kyc.review import Change, correct
from tests.kyc.scene import again, in_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return in_review()


def details(session: Session) -> list[dict[str, object]]:
    entries = LedgerEntry.objects.filter(chain=ledger.session_chain(session.pk), action="session.corrected")
    return [json.loads(entry.detail) for entry in entries.order_by("seq")]


def test_a_corrected_subject_outlives_later_events_and_a_rebuild(session: Session, admin: User) -> None:
    said, meant = session.user_id, uuid4()
    (made,) = correct(session, by=admin, changes=[Change(session, "user_id", meant)], reason="Wrong id.")
    later = again(session, user_id=said)

    assert (later.user_id, later.entity_type) == (meant, EntityType.USER)
    assert (made.old, made.new, made.by) == (f'"{said}"', f'"{meant}"', admin)
    assert rebuild(session.pk) == []


def test_it_counts_the_version_up_and_records_before_and_after(session: Session, admin: User) -> None:
    before, due = session.due_at, datetime(2027, 1, 1, 12, tzinfo=UTC)
    correct(session, by=admin, changes=[Change(session, "due_at", due)], reason="  More time.  ")
    fresh, (told,) = Session.objects.get(), details(session)

    assert (fresh.due_at, fresh.version) == (due, session.version + 1)
    assert (told["before"], told["after"]) == (before and before.isoformat(), due.isoformat())
    assert told["correction"] == Correction.objects.get(reason="More time.").pk
    assert set(QueueFacet.objects.values_list("due_at", flat=True)) == {due}
    assert list(ledger.verify()) == []


def test_a_due_time_holds_for_its_round_only(session: Session, admin: User) -> None:
    due = datetime(2027, 1, 1, 12, tzinfo=UTC)
    correct(session, by=admin, changes=[Change(session, "due_at", due)], reason="More time.")
    assert again(session).due_at == due

    rejected = again(again(session), "kyc_session_failed")
    assert (rejected.state, rejected.due_at) == (SessionState.REJECTED, None)
    assert again(rejected).due_at != due
    assert rebuild(session.pk) == []


def test_a_check_and_its_reason_are_corrected_for_queue_and_history(session: Session, admin: User) -> None:
    check, reason = Check.objects.get(), Reason.objects.get()
    changes = [
        Change(check, "state", "validated"),
        Change(reason, "code", "GLARE"),
        Change(reason, "message", "Glare"),
    ]
    made = correct(session, by=admin, changes=changes, reason="Misread.")
    fresh = Session.objects.get()

    assert [item.target for item in made] == [
        CorrectionTarget.CHECK,
        CorrectionTarget.REASON,
        CorrectionTarget.REASON,
    ]
    assert (Check.objects.get().state, Reason.objects.get().code) == (CheckState.VALIDATED, "GLARE")
    assert (fresh.n_refused, fresh.version) == (0, session.version + 1)
    assert "GLARE" in QueueFacet.objects.values_list("value", flat=True)
    assert ReasonCode.objects.filter(code="GLARE").exists()
    assert rebuild(session.pk) == []


def test_the_ledger_gets_values_of_codes_and_digests_of_the_rest(session: Session, admin: User) -> None:
    reason = Reason.objects.get()
    changes = [Change(reason, "code", "GLARE"), Change(reason, "message", "Seen at Ana Pérez's flat")]
    correct(session, by=admin, changes=changes, reason="Ana said so.")
    code, message = details(session)

    assert (code["before"], code["after"]) == ("LOW_CONFIDENCE", "GLARE")
    assert message["after"] == review.digest("Seen at Ana Pérez's flat")
    assert (code["delivery_id"], code["check_position"], code["reason_position"]) == (
        reason.kyc_check.delivery_id,
        0,
        0,
    )
    assert "Ana" not in "".join(LedgerEntry.objects.values_list("detail", flat=True))


def test_data_is_stored_as_the_wire_would_have_it(session: Session, admin: User) -> None:
    check = Check.objects.get()
    change = Change(
        check, "data", ' {"näme": "\\ud800", "big": 1234567890123456789012345678901234567890.10} '
    )
    correct(session, by=admin, changes=[change], reason="Typo.")

    stored = '{"n\\u00e4me":"\\ud800","big":1234567890123456789012345678901234567890.10}'
    assert Check.objects.get().data == stored
    assert rebuild(session.pk) == []


def test_a_version_grows_by_a_correction_that_no_column_shows(session: Session, admin: User) -> None:
    change = Change(Reason.objects.get(), "message", "Glare")
    correct(session, by=admin, changes=[change], reason="Typo.")

    assert Session.objects.get().version == session.version + 1


def test_a_later_event_at_odds_with_a_corrected_subject_leaves_it_unknown(
    session: Session, admin: User
) -> None:
    party = uuid4()
    both = again(session, related_party_id=party)
    assert both.entity_type == EntityType.UNKNOWN

    changes = [Change(both, "related_party_id", None), Change(both, "entity_type", EntityType.USER)]
    correct(both, by=admin, changes=changes, reason="A user after all.")
    assert Session.objects.get().entity_type == EntityType.USER
    later = again(both, user_id=None, related_party_id=party)

    assert (later.entity_type, later.user_id, later.related_party_id) == (EntityType.UNKNOWN, None, None)
    assert rebuild(session.pk) == []
