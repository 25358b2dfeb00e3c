"""Each kind of data goes when its time is over, and not before; what is left agrees with itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kyc import ledger, privacy
from kyc.choices import DataKind
from kyc.models import Contact, Delivery, LedgerEntry, RefusedRequest, Session, User
from kyc.rebuilding import rebuild
from kyc.retention import Daily, Purge
from tests import wire
from tests.kyc.privacy import lives
from tests.kyc.privacy.lives import REASON

pytestmark = pytest.mark.django_db

BODIES = {"kyc_delivery.body", "kyc_delivery.headers", "kyc_delivery.faults", "kyc_refusedrequest.body"}
# Where each kind of a session's data stands. Data and messages of checks stand in bodies, too.
PLACES = {
    DataKind.CHECKS: {"kyc_check.data", "kyc_check.provider", "kyc_reason.message"},
    DataKind.CONTACTS: {"kyc_contact.name", "kyc_contact.email"},
    DataKind.NOTES: {"kyc_note.text", "kyc_decision.rationale", "kyc_correction.reason"},
    DataKind.MESSAGES: {"notifications_notification.last_error", "notifications_attempt.answer"},
}  # fmt: skip


@pytest.fixture
def session() -> Session:
    return lives.rejected()


def keep(settings: Any, **days: int) -> None:
    kept = {kind: timedelta(days=days[kind]) if kind in days else None for kind in DataKind.values}
    settings.KYC_RETENTION = kept


def purge(**how: Any) -> Purge:
    done = Purge(**how)
    for _ in done.steps():
        pass
    return done


def agrees(session: Session) -> bool:
    return rebuild(session.pk, is_dry_run=True) == [] and list(ledger.verify()) == []


@pytest.mark.parametrize("kind", [*PLACES])
def test_one_kind_goes_and_the_others_stay(settings: Any, session: Session, kind: DataKind) -> None:
    keep(settings, **{kind: 1900})
    before = lives.found()
    done = purge()
    gone = before - lives.found()
    assert PLACES[kind] <= before
    assert gone - {"kyc_correction.old", "kyc_correction.new"} == PLACES[kind] & before
    assert (set(done.tally), done.n_kept) == ({kind.value}, 0)
    assert agrees(session)


def test_bodies_go_and_what_their_checks_said_stays(settings: Any, session: Session) -> None:
    keep(settings, bodies=1900)
    purge()
    left = {
        place for where in ("extra", "sender", "broken", "nested") for place in lives.found(lives.said(where))
    }
    assert left == set()
    assert {"kyc_delivery.body", "kyc_check.data"} <= lives.found(lives.said("value"))
    assert not RefusedRequest.objects.filter(n_kept_bytes__gt=0).exists()
    assert agrees(session)


def test_bodies_and_checks_together_leave_nothing_in_them(settings: Any, session: Session) -> None:
    keep(settings, bodies=1900, checks=1950)
    purge()
    assert not lives.found() & (BODIES | PLACES[DataKind.CHECKS])
    assert agrees(session)


def test_nothing_goes_before_its_time_or_the_laws(settings: Any, session: Session) -> None:
    before = lives.found()
    keep(settings, **dict.fromkeys(DataKind.values, 2100))
    assert purge().tally == {}
    keep(settings, **dict.fromkeys(DataKind.values, 1))
    settings.KYC_LEGAL_MINIMUM = timedelta(days=2100)
    assert (purge().tally, lives.found()) == ({}, before)


def test_what_was_heard_since_starts_the_clock_anew(settings: Any, session: Session) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    before = lives.found()
    wire.post(wire.payload("kyc_state_updated", user_id=session.user_id))
    done = purge(kinds=["checks", "contacts", "notes", "messages"])
    assert (done.tally, done.n_kept > 0, lives.found()) == ({}, True, before)


def test_a_legal_hold_stops_it_wherever_the_data_stands(
    settings: Any, session: Session, supervisor: User
) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    hold = privacy.place_hold(lives.subject_of(session), by=supervisor, reason=REASON)
    before = lives.found()
    assert (purge().tally, lives.found()) == ({}, before)
    privacy.lift_hold(hold.pk, by=supervisor, reason=REASON)
    purge()
    assert lives.found() == set()


def test_a_session_in_review_keeps_its_data(settings: Any, session: Session) -> None:
    keep(settings, checks=1900)
    at = session.last_event_at + timedelta(hours=3)
    wire.post(
        wire.payload("kyc_session_manual_review", session_id=session.pk, user_id=session.user_id, at=at)
    )
    wire.post(wire.payload("kyc_session_failed", session_id=session.pk, at=at - timedelta(hours=1)))
    lives.grow_old()
    session.refresh_from_db()
    assert session.state == "REVIEW"
    assert (purge().tally, "kyc_check.data" in lives.found()) == ({}, True)


def test_a_dry_run_counts_the_same_and_writes_nothing(settings: Any, session: Session) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    before = lives.found()
    planned = purge(is_dry_run=True)
    assert (lives.found(), LedgerEntry.objects.filter(action="session.erased").count()) == (before, 0)
    assert planned.tally == purge().tally
    assert lives.found() == set()


def test_one_that_is_stopped_goes_on(settings: Any, session: Session) -> None:
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    other = lives.rejected()
    next(Purge().steps())
    assert {bool(row.erased_at) for row in Delivery.objects.filter(session__in=[session, other])} == {
        True,
        False,
    }
    purge()
    assert lives.found() == set()
    assert purge().tally == {}


def test_the_worker_does_it_once_a_day(settings: Any, session: Session) -> None:
    assert Daily().portion() == 0
    keep(settings, **dict.fromkeys(DataKind.values, 1900))
    daily = Daily()
    while daily.portion(limit=1):
        pass
    assert lives.found() == set()
    assert Contact.objects.get().erased_at is not None
    entry = LedgerEntry.objects.get(action="retention.purged")
    assert '"day":"' in entry.detail

    lives.rejected()
    assert (daily.portion(), Daily().portion()) == (0, 0)
