"""An erasure overwrites what is personal wherever it stands, and everything else still agrees."""

from __future__ import annotations

import json

import pytest

from kyc import ledger, replaying
from kyc.choices import ErasureStatus
from kyc.models import Check, Contact, Decision, Delivery, Erasure, LedgerEntry, Note, RefusedRequest, Session
from kyc.rebuilding import rebuild
from tests import wire
from tests.kyc.privacy import lives

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return lives.rejected()


def test_no_word_survives_in_any_column_of_any_table(session: Session) -> None:
    before = lives.found()
    assert {"kyc_delivery.body", "kyc_check.data", "kyc_refusedrequest.body", "kyc_note.text"} <= before
    erasure = lives.erase(lives.subject_of(session))
    assert lives.found() == set()
    assert erasure.status == ErasureStatus.DONE
    assert set(erasure.erased) == {"bodies", "checks", "contacts", "messages", "notes"}


def test_what_happened_stays(session: Session) -> None:
    kept = {name: getattr(session, name) for name in ("state", "user_id", "round", "n_refused", "version")}
    checks = list(Check.objects.values_list("delivery", "position", "type", "state"))
    said = [bytes(row.body) for row in Delivery.objects.filter(status="ignored")]
    lives.erase(lives.subject_of(session))

    session.refresh_from_db()
    assert {name: getattr(session, name) for name in kept} == kept
    assert list(Check.objects.values_list("delivery", "position", "type", "state")) == checks
    assert Decision.objects.get().codes == ["LOW_CONFIDENCE"]
    assert session.rejection_reasons.get().code == "LOW_CONFIDENCE"
    assert [bytes(row.body) for row in Delivery.objects.filter(status="ignored")] == said


def test_a_rebuild_finds_no_difference_and_the_ledger_holds(session: Session) -> None:
    lives.erase(lives.subject_of(session))
    assert rebuild(session.pk, is_dry_run=True) == []
    assert list(ledger.verify()) == []


def test_it_is_in_the_ledger_without_a_word_of_the_reason(session: Session) -> None:
    erasure = lives.erase(lives.subject_of(session))
    told = LedgerEntry.objects.filter(action__in=["erasure.requested", "session.erased", "erasure.done"])
    assert [entry.action for entry in told.order_by("pk")] == [
        "erasure.requested",
        "session.erased",
        "erasure.done",
    ]
    assert [entry.actor for entry in told.order_by("pk")] == [erasure.maker, erasure.checker, erasure.checker]
    assert json.loads(told.get(action="session.erased").detail)["erasure"] == erasure.pk
    assert not any(lives.REASON in entry.detail for entry in told)


def test_pages_can_say_when_it_was_erased(session: Session) -> None:
    lives.erase(lives.subject_of(session))
    deliveries = session.deliveries.all()
    assert all(row.erased_at and row.headers == {} for row in deliveries)
    assert all(row.checks_erased_at for row in deliveries)
    rows = (Note.objects.get(), Decision.objects.get(), Contact.objects.get(), RefusedRequest.objects.get())
    assert all(row.erased_at for row in (*rows, *session.corrections.all(), *session.notifications.all()))


def test_another_subject_keeps_everything(session: Session) -> None:
    other = lives.rejected()
    before = list(other.deliveries.order_by("pk").values_list("body", flat=True))
    lives.erase(lives.subject_of(session))
    assert [bytes(body) for body in other.deliveries.order_by("pk").values_list("body", flat=True)] == [
        bytes(body) for body in before
    ]
    assert other.notes.get().text == lives.said("noted")


def test_a_session_that_names_two_is_erased_with_either() -> None:
    session = lives.rejected()
    event = lives.event("kyc_session_failed", session.pk, session.user_id, hours=1)  # type: ignore[arg-type]
    event["data"]["relatedPartyId"] = str(lives.uuid4())
    wire.post(event)
    lives.grow_old()
    session.refresh_from_db()
    user, party = lives.Subject.of_session(session)
    lives.erase(party)
    assert not lives.found() & {"kyc_check.data", "kyc_note.text"}
    assert not session.deliveries.filter(erased_at=None).exists()


def test_what_never_left_to_the_subject_does_not_any_more(session: Session) -> None:
    lives.erase(lives.subject_of(session))
    assert {row.status for row in session.notifications.filter(kind="verification_failed")} == {"cancelled"}


def test_erasing_again_finds_nothing_left(session: Session) -> None:
    lives.erase(lives.subject_of(session))
    again = lives.erase(lives.subject_of(session))
    assert (again.erased, Erasure.objects.count()) == ({}, 2)


def test_a_replay_of_what_was_erased_says_that_nothing_is_left(session: Session) -> None:
    lives.erase(lives.subject_of(session))
    unreadable = Delivery.objects.get(cause="not_json")
    result = replaying.apply(unreadable.pk, by=None)
    assert (result.ending, "erased" in result.advice) == (replaying.Ending.NO_BODY, True)
    conflict = Delivery.objects.get(cause="id_conflict")
    assert replaying.apply(conflict.pk, by=None).ending == replaying.Ending.CONFLICT
    assert lives.found() == set()
